"""Statements that Postgres asks for more than a plain one of their kind: do they get at anything that it does not?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oracle.attempts import Attempt, Attempts, listed, literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator


class FurtherAttempts(Attempts):
    """The same relation, by RETURNING, ON CONFLICT, MERGE, FOR UPDATE, and by columns one by one."""

    def select(self) -> Iterator[str]:
        """Read column by column, with what tells the rows apart, and rows that are locked."""
        telling = [one for one in ("mark", *self._relation.key) if one in self._readable][:1]
        for one in self._readable if telling else ():
            yield f"select {quoted(telling[0])}::text, {quoted(one)}::text from {self._relation.name}"
        if self._readable and self._relation.kind in "rp":
            for lock in ("update", "share"):
                columns = ", ".join(f"{quoted(one)}::text" for one in self._readable)
                yield f"select {columns} from {self._relation.name} for {lock}"

    def insert(self) -> Iterator[Attempt]:
        """Put rows in and look at them, or change those that are there instead."""
        for one in super().insert():
            for column in self._readable:
                yield self._again(one, f"{one.statement} returning {quoted(column)}")
            yield self._again(one, f"{one.statement} on conflict do nothing")
        if self._relation.kind not in "rp":
            return
        for statement in self._upserts():
            yield Attempt(statement)
        for statement in self._merges():
            yield Attempt(statement)

    def update(self) -> Iterator[str]:
        """Change rows and look at them."""
        for one in super().update():
            yield from (f"{one} returning {quoted(column)}" for column in self._readable)

    def delete(self) -> Iterator[str]:
        """Remove rows and look at them."""
        for one in super().delete():
            yield from (f"{one} returning {quoted(column)}" for column in self._readable)

    @staticmethod
    def _again(one: Attempt, statement: str) -> Attempt:
        return Attempt(statement, one.copies, one.written, one.settable, one.whole)

    def _upserts(self) -> Iterator[str]:
        """Every row that is there put in once more, as it is and as one's own, to be changed instead."""
        columns, keys = self._writable("INSERT"), self._relation.key
        settable = [one for one in self._writable("UPDATE") if one not in keys]
        for place in self.places:
            for own in (False, True):
                values = {one: self._renamed(self._tables.seeds[place].get(one), own=own) for one in columns}
                put = f"insert into {self._relation.name} ({listed(columns)}) values ({', '.join(values.values())})"
                for change in self._told(settable):
                    yield f"{put} on conflict ({listed(keys)}) do update set {change}"

    def _merges(self) -> Iterator[str]:
        """Every row that is there named by its key, to be changed or removed, or put in where it is not."""
        columns, keys = self._writable("INSERT"), self._relation.key
        settable = [one for one in self._writable("UPDATE") if one not in keys]
        for place in self.places:
            seed = self._tables.seeds[place]
            named = " and ".join(f"t.{quoted(one)}::text = {literal(seed.get(one))}" for one in keys)
            merge = f"merge into {self._relation.name} as t using (select 1) as s on {named} when matched then"
            for change in self._told(settable):
                yield f"{merge} update set {change}"
            yield f"{merge} delete"
            values = ", ".join(literal(seed.get(one)) for one in columns)
            yield (
                f"merge into {self._relation.name} as t using (select 1) as s on false"
                f" when not matched then insert ({listed(columns)}) values ({values})"
            )

    def _told(self, settable: list[str]) -> Iterator[str]:
        """Changes that cannot be taken for what was there."""
        for one in settable:
            if one == "mark":
                yield f"{quoted(one)} = 'changed'"
            elif self._identity.user and one in {"user_id", "owner", "owner_id", "tenant"}:
                yield f"{quoted(one)} = {literal(self._identity.user)}"

    def _renamed(self, value: str | None, *, own: bool) -> str:
        if own and value is not None and self._identity.user and value.endswith("-0000-4000-8000-000000000001"):
            return literal(self._identity.user)
        return literal(value)
