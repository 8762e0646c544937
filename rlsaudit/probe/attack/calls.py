"""Functions, called by somebody who owns nothing: do rows of others come back?

A row is recognised by values that stand in rows of its table alone, of those that the function reads. What is given as
an argument may come back from any function, so such values do not count.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.model import Operation
from rlsaudit.names import literal
from rlsaudit.policy.consulted import read_in
from rlsaudit.policy.effects import reason_not_to_call
from rlsaudit.probe.attack.arguments import Arguments, written_call
from rlsaudit.probe.attack.identities import OTHERS
from rlsaudit.probe.outcome import Outcome, Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Function
    from rlsaudit.model import Persona
    from rlsaudit.probe.attack.strangers import Strangers
    from rlsaudit.probe.outcome import Result
    from rlsaudit.probe.rows import Row

    Run: TypeAlias = Callable[[Sequence[Probe]], tuple[Result, ...]]
    Key: TypeAlias = tuple[str, int, int]

_SHOWS_NOTHING = frozenset({"trigger", "event_trigger", "void"})
_SHORT = 8
"""Shorter values may stand anywhere."""


@dataclass(frozen=True, slots=True)
class Called:
    """A call that gave rows of others: as SQL for people, and as the probe that counted those that were recognised."""

    function: int
    relation: int
    sql: str
    probe: Probe


class Calls:
    """The calls to the functions of one database.

    Args:
        access: The facts.
        strangers: Whose rows are none of a persona's own.
        rows: The rows that were made.
        run: Runs probes and returns their results.
    """

    def __init__(self, access: Access, strangers: Strangers, rows: Sequence[Row], run: Run) -> None:
        self._access = access
        self._catalog = access.catalog
        self._strangers = strangers
        self._run = run
        self._users = {one.name: one for one in OTHERS}
        self._arguments = Arguments(self._catalog, rows)
        self._marks: defaultdict[int, dict[str, None]] = defaultdict(dict)
        self._holding: defaultdict[str, set[int]] = defaultdict(set)
        for row in rows:
            owner = self._users.get(row.owner)
            for value in row.values.values():
                if value is not None and len(value) >= _SHORT:
                    self._holding[value].add(row.relation)
                    if owner and value.startswith(owner.mark):
                        self._marks[row.relation][value] = None

    def found(self, persona: Persona, schemas: Collection[str]) -> tuple[Mapping[Key, Called], Mapping[str, str]]:
        """Returns what the persona, owning nothing, was shown, by its name, function and relation.

        Then the functions that were not called, by their identities, with the reasons.
        """
        left: dict[str, str] = {}
        asked: list[tuple[Function, int, str, Probe]] = []
        for function in self._callable(persona, schemas):
            reason = reason_not_to_call(self._catalog, function, throwaway=True)
            if reason:
                left[self._catalog.function_identity(function)] = reason
                continue
            # Triggers copy values into other tables, so what is recognised has to be what the body reads.
            read = self._read(function)
            if not self._strangers.unnamed(persona, read):
                continue
            for given in self._arguments.of(function):
                for relation in sorted(read & self._marks.keys()):
                    told = [
                        one for one in self._marks[relation]
                        if not any(one in each for each in given) and self._holding[one] & read == {relation}
                    ]  # fmt: skip
                    if told:
                        call = written_call(self._catalog, function, given)
                        probe = Probe(persona, relation, Operation.SELECT, _counting(call, told))
                        asked.append((function, relation, f"select * from {call}", probe))
        found: dict[Key, Called] = {}
        for (function, relation, sql, probe), result in zip(asked, self._run([one for *_, one in asked]), strict=True):
            if result.outcome is Outcome.ROWS and result.rows:
                key = persona.name, function.oid, relation
                found.setdefault(key, Called(function.oid, relation, sql, probe))
        return found, left

    def _callable(self, persona: Persona, schemas: Collection[str]) -> Iterator[Function]:
        role = self._catalog.roles_by_name[persona.role].oid
        for one in self._catalog.snapshot.functions:
            shows = one.kind == "f" and one.returns not in _SHOWS_NOTHING and one.extension is None
            if shows and self._schema(one) in schemas and self._access.execute(role, one):
                yield one

    def _read(self, function: Function) -> set[int]:
        """The tables that the body names, also through views."""
        waiting, seen = list(read_in(self._catalog, [function.oid])), set[int]()
        while waiting:
            oid = waiting.pop()
            if oid not in seen:
                seen.add(oid)
                waiting += [ref.relation for one in self._catalog.rewrites[oid] for ref in one.columns]
        return seen

    def _schema(self, function: Function) -> str:
        return self._catalog.schemas[function.schema].name


def _counting(call: str, marks: Sequence[str]) -> str:
    """A query that counts the rows that a call gives in which one of the marks stands."""
    texts = ", ".join(literal(one).strip() for one in marks)
    return (
        f"select count(*) from {call} as shown where exists (select from pg_catalog.unnest("
        f"array[{texts}]::pg_catalog.text[]) as mark where pg_catalog.strpos(shown::pg_catalog.text, mark)"
        f" operator(pg_catalog.>) 0)"
    )
