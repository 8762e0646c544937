"""One row before it is put in: foreign keys at its owner's rows, keys that nobody has, else ordinary content."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import ColumnRef
from rlsaudit.catalog.platform import FILES, USERS
from rlsaudit.probe.rows.choices import NULL
from rlsaudit.probe.rows.combine import nearest
from rlsaudit.probe.rows.content import Whose
from rlsaudit.probe.rows.metadata import COLUMN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rlsaudit.catalog.facts import Column
    from rlsaudit.policy.said import Said
    from rlsaudit.probe.rows.choices import Choices
    from rlsaudit.probe.rows.model import Principal, Row
    from rlsaudit.probe.rows.owners import Owners
    from rlsaudit.probe.rows.table import Key, Table

SHARED = ""
"""The owner of rows that are nobody's: those that were there, and whose key tells of no principal."""
_MOST_COMBINED = 400
_OBJECTS = (*FILES, "name")


class ImpossibleError(Exception):
    """No row can be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a row is to be like.

    `varied` is a column and its text; `apart` how far down the owner's rows of other tables it begins to point at them.
    `bare` leaves out what need not be there, `full` leaves nothing to defaults. `plain` is a row that says nothing that
    policies ask for, where it can do without.
    """

    n: int
    varied: tuple[int, str | None] | None = None
    apart: int = 0
    bare: bool = False
    full: bool = False
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """Texts by column number; columns that are not there are left to their defaults.

    `later` are keys that have to be filled when the rows are there that they point at.
    """

    values: Mapping[int, str | None]
    later: tuple[Key, ...]


@dataclass(slots=True)
class Drafts:
    """Makes drafts, and remembers the rows that came of them."""

    tables: Mapping[int, Table]
    schemas: Mapping[int, str]
    owners: Owners
    choices: Choices
    said: Said
    principals: Sequence[Principal]
    rows: dict[tuple[int, str], list[Row]] = field(default_factory=dict)
    used: dict[tuple[int, tuple[int, ...]], set[tuple[str, ...]]] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)

    def note(self, row: Row) -> None:
        """Remembers a row that is there."""
        self.rows.setdefault((row.relation, row.owner), []).append(row)
        table = self.tables.get(row.relation)
        if table is not None:
            self.claim(table, {number: row.values.get(one.name) for number, one in table.columns.items()})

    def claim(self, table: Table, values: Mapping[int, str | None]) -> None:
        """Remembers that keys are taken."""
        for unique in table.unique:
            key = _key(unique, values)
            if key is not None:
                self.used.setdefault((table.oid, unique), set()).add(key)

    def draft(self, table: Table, principal: Principal, wish: Wish) -> Draft:
        """Returns a row to be put in.

        Raises:
            ImpossibleError: there can be none like that.
        """
        number = self.principals.index(principal)
        whose = Whose(principal.mark, number, wish.n)
        fixed, others = self._fixed(table, wish, whose)
        axes, later = self._axes(table, principal, wish, fixed, others)
        for picked in nearest(axes, _MOST_COMBINED):
            tied = _merged(fixed, picked)
            if tied is None:
                continue
            values = self._filled(table, principal, wish, tied, whose)
            if not any(
                (key := _key(unique, values)) is not None and key in self.used.get((table.oid, unique), ())
                for unique in table.unique
            ):
                return Draft(values, later)
        raise ImpossibleError("all keys that a row of this owner could have are taken")

    def _fixed(self, table: Table, wish: Wish, whose: Whose) -> tuple[dict[int, str | None], set[int]]:
        """What is settled before the rest: what varies, what conditions ask together, where a partition begins.

        And the columns that are to point elsewhere than others of their table: whom somebody blocks is not himself.
        """
        values: dict[int, str | None] = {}
        others = set[int]()
        if table.bounds:
            values |= table.bounds[wish.n % len(table.bounds)]
        for group in self.choices.together(table):
            chosen = group.ordinary
            if wish.varied is not None and wish.varied[0] in group.columns:
                column = table.columns[wish.varied[0]]
                texts = self.choices.texts(table, column, whose)
                for (varied, choice), combination in group.varied.items():
                    if varied != wish.varied[0]:
                        continue
                    if (None if choice == NULL else texts[choice]) == wish.varied[1]:
                        chosen = combination
            tied = {
                number: choice
                for number, choice in zip(group.columns, chosen or (), strict=False)
                if choice != NULL and self._is_tied(table, number)
            }
            others |= {number for number, choice in tied.items() if choice != next(iter(tied.values()))}
            for number, choice in zip(group.columns, chosen or (), strict=False):
                # Keys are settled by what they point at; that there is to be none is settled here.
                if choice == NULL:
                    values[number] = None
                elif number not in tied:
                    values[number] = self.choices.texts(table, table.columns[number], whose)[choice]
        if wish.varied is not None:
            values[wish.varied[0]] = wish.varied[1]
        return values, others

    def _is_tied(self, table: Table, number: int) -> bool:
        column = table.columns[number]
        return any(number in key.columns for key in table.keys) or bool(
            self.owners.values(self.principals[0], table, column)
        )

    def _axes(
        self,
        table: Table,
        principal: Principal,
        wish: Wish,
        fixed: Mapping[int, str | None],
        others: set[int],
    ) -> tuple[list[list[Mapping[int, str | None]]], tuple[Key, ...]]:
        """What the columns may be that say whose the row is: a list of possibilities for each key."""
        axes: list[list[Mapping[int, str | None]]] = []
        later: list[Key] = []
        tied = set(fixed)
        for key in sorted(table.keys, key=lambda one: (-len(one.columns), one.columns)):
            if any(fixed.get(number, "") is None for number in key.columns):
                continue
            found = self.pointed_at(table, principal, key, wish, elsewhere=not others.isdisjoint(key.columns))
            empty = {number: None for number in key.columns if not table.columns[number].not_null}
            if key.nullable and (not found or wish.bare):
                found = [*found, empty] if found and not wish.bare else [empty]
                if key.target in self.tables and key.target not in self.done and not wish.bare:
                    later.append(key)
            elif key.nullable:
                found = [*found, empty]
            if not found:
                target = self.tables.get(key.target)
                shown = target.identity if target is not None else "a table that is not looked at"
                raise ImpossibleError(f"it needs a row of {shown}, which has none")
            axes.append(found)
            tied |= set(key.columns)
        for column in table.writable:
            if column.number in tied:
                continue
            values = self.owners.values(principal, table, column)
            if column.number in others:
                values = self.owners.values(self._another(principal), table, column)
            if values and not (wish.bare and not column.not_null):
                # One row has its owner's own id as its key: more of them are the owner's by what they point at.
                only = (column.number,) in table.unique and any(one.target != table.oid for one in table.keys)
                free: list[Mapping[int, str | None]] = [{}] if only else []
                axes.append([*({column.number: one} for one in values), *free])
        return axes, tuple(later)

    def _another(self, principal: Principal) -> Principal:
        """Somebody else, rather one who stands for many."""
        return next((one for one in reversed(self.principals) if one is not principal), principal)

    def pointed_at(
        self, table: Table, principal: Principal, key: Key, wish: Wish, *, elsewhere: bool = False
    ) -> list[Mapping[int, str | None]]:
        """Returns what a foreign key of a principal's row may be, best first.

        That is rows of the principal, and of those that are nobody's; `elsewhere` not the first of them.
        """
        target = self.tables.get(key.target)
        if target is None:
            return []
        names = [target.columns[number].name for number in key.target_columns]
        own = self.rows.get((key.target, principal.name), [])
        found = [*own, *self.rows.get((key.target, SHARED), [])]
        if elsewhere:
            found = [*found[1:], *self.rows.get((key.target, self._another(principal).name), [])]
        if wish.varied is not None and wish.varied[0] in key.columns:
            # One that is called for by name may be anybody's.
            found = [row for one in self.principals for row in self.rows.get((key.target, one.name), [])]
            found = [*own, *found, *self.rows.get((key.target, SHARED), [])]
        values: list[Mapping[int, str | None]] = [
            {number: row.values.get(name) for number, name in zip(key.columns, names, strict=True)} for row in found
        ]
        values = [one for one in values if None not in one.values()]
        preferred = {
            value for number in key.columns for value in self.owners.values(principal, table, table.columns[number])
        }
        if preferred and not elsewhere:
            values.sort(key=lambda one: preferred.isdisjoint(one.values()))
        if wish.apart and len(values) > 1:
            shift = wish.apart % len(values)
            values = [*values[shift:], *values[:shift]]
        if not values and not key.nullable and (key.target == table.oid or key.deferrable):
            # The row itself, or one that will be there by the end.
            number = self.principals.index(principal)
            n = wish.n if key.target == table.oid else 0
            planned = [self.owners.key(principal, number, target, target.columns[one], n) for one in key.target_columns]
            values = [dict(zip(key.columns, planned, strict=True))]
        return values

    def _filled(
        self, table: Table, principal: Principal, wish: Wish, tied: Mapping[int, str | None], whose: Whose
    ) -> dict[int, str | None]:
        values = dict(tied)
        for column in table.writable:
            if column.number in values:
                continue
            if self._left_out(table, column, wish):
                continue
            text = self._text(table, principal, column, whose, wish.apart)
            values[column.number] = self.choices.unasked(table, column, whose, text) if wish.plain else text
        return values

    def _left_out(self, table: Table, column: Column, wish: Wish) -> bool:
        """Whether a column's default may decide, or NULL."""
        unique = any(column.number in one for one in table.unique)
        if column.number in table.drawn or (unique and column.constant is None):
            return False
        if column.default:
            return not wish.full
        return wish.bare and not column.not_null

    def _text(self, table: Table, principal: Principal, column: Column, whose: Whose, apart: int) -> str | None:
        place = (self.schemas[table.oid], table.relation.name, column.name)
        if place in {_OBJECTS, (*USERS, COLUMN)}:
            objects = place == _OBJECTS
            return self._name_of_object(table, principal, column, whose) if objects else self.choices.metadata(whose)
        texts = self.choices.texts(table, column, whose)
        unique = any(column.number in one for one in table.unique)
        passed = self.choices.checked(table, column)
        if passed is not None:
            if not passed:
                if column.not_null:
                    raise ImpossibleError(f"no value was found for {column.name} that its CHECK lets pass")
                return None
            if not unique:
                return texts[passed[0]]
            # The first is what no other row has, where there is something like that.
            own = 0 in passed and self.owners.key(principal, whose.number, table, column, whose.n) is not None
            marked = [one for one in passed if whose.mark in texts[one]]
            if own or marked:
                return texts[0 if own else marked[0]]
            return texts[passed[(whose.number + whose.n) % len(passed)]]
        if unique or column.number in table.drawn:
            made = self.owners.key(principal, whose.number, table, column, whose.n)
            if made is not None:
                return made
        made = self.owners.linked(principal, whose.number, table, column, apart)
        if made is not None:
            return made
        if not texts:
            if column.not_null:
                raise ImpossibleError(f"no text form is known of the type {column.type} of {column.name}")
            return None
        return texts[(whose.number + whose.n) % len(texts)] if unique else texts[0]

    def _name_of_object(self, table: Table, principal: Principal, column: Column, whose: Whose) -> str:
        """The path of a file: in its owner's folder, or in one that policies name."""
        folders = self.said.parts.get(ColumnRef(table.oid, column.number), ())
        place = whose.n - 1
        folder = folders[place] if 0 <= place < len(folders) else principal.user
        return f"{folder}/{whose.mark}-{whose.n}.txt"


def _key(unique: Iterable[int], values: Mapping[int, str | None]) -> tuple[str, ...] | None:
    found = tuple(values.get(number) for number in unique)
    return None if None in found else tuple(one for one in found if one is not None)


def _merged(
    fixed: Mapping[int, str | None], picked: Iterable[Mapping[int, str | None]]
) -> dict[int, str | None] | None:
    """All of it together; None where two parts want different things."""
    values = dict(fixed)
    for one in picked:
        for number, value in one.items():
            if values.setdefault(number, value) != value:
                return None
    return values
