"""What a persona can make of the rows of each table: by its own statements, and by whatever else may write there."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.policy.columns import TEXTS
from rlsaudit.policy.expr import TRUE, is_larger, reads_tables
from rlsaudit.policy.helpers import defaults
from rlsaudit.policy.proof import Called, Making, Writing
from rlsaudit.policy.read import read
from rlsaudit.reach.bounds import Way
from rlsaudit.reach.columns import Insertable
from rlsaudit.reach.refused import may_fail
from rlsaudit.reach.triggers import assigned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Column, Function, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.deeds import Sure
    from rlsaudit.policy.expr import Expr
    from rlsaudit.reach.direct import Direct
    from rlsaudit.reach.indirect import Indirect
    from rlsaudit.reach.predicates import Predicates

_MOST_CALLS = 6
"""Ways through functions that are followed to one table: each is asked of every row that may have been made."""
_MOST_ASKED = 200
_CARRIES = re.compile(r"\bON UPDATE (CASCADE|SET)\b")
_NOT_SURE = "it is not known for certain what it does"
_PUTS = (Operation.INSERT, Operation.UPDATE)


class Makers:
    """What each persona can make, found once for each table."""

    def __init__(
        self,
        access: Access,
        predicates: Predicates,
        direct: Direct,
        indirect: Indirect,
        served: Mapping[str, frozenset[str]],
    ) -> None:
        self.access = access
        self.predicates = predicates
        self.direct = direct
        self.indirect = indirect
        self.served = served
        self.insertable = Insertable(access)
        self._makers: dict[str, Maker] = {}

    def of(self, persona: Persona) -> Maker:
        """Returns what a persona can make."""
        if persona.name not in self._makers:
            self._makers[persona.name] = Maker(self, persona)
        return self._makers[persona.name]


class Maker:
    """What one persona can make."""

    def __init__(self, makers: Makers, persona: Persona) -> None:
        self._makers = makers
        self._catalog = makers.access.catalog
        self._persona = persona
        self._role = self._catalog.roles_by_name[persona.role].oid
        self._found: dict[int, Making | None] = {}
        self._called: defaultdict[int, list[tuple[Function, Sure]]] | None = None

    def of(self, relation: int) -> Making | None:
        """Returns what it can make of a relation's rows (an OID); None where it can change none."""
        if relation not in self._found:
            found = self._catalog.relations.get(relation)
            self._found[relation] = Making(otherwise="not a table that is known") if found is None else self._of(found)
        return self._found[relation]

    def _of(self, relation: Relation) -> Making | None:
        if relation.kind not in "rp":
            # What a view shows changes with the tables below it.
            return Making(otherwise="what is below it may be written")
        bounded = [self._bounded(relation, one) for one in _PUTS]
        open_ = [one for one, found in zip(_PUTS, bounded, strict=True) if found is None]
        otherwise = next((why for one in open_ if (why := self._otherwise(relation, one))), "")
        otherwise = otherwise or self._carried_over(relation)
        by_name = (self._by_name(relation, one) for one in _PUTS)
        bounds = tuple(one for found in bounded if found is not None for one in found)
        writings, calls = tuple(one for one in by_name if one is not None), tuple(self._by_calls(relation))
        if not (writings or calls or bounds or otherwise):
            return None
        return Making(writings, calls, bounds, otherwise, removes=self._removes(relation))

    def _by_calls(self, relation: Relation) -> Iterator[Writing]:
        """What functions do to its rows for whoever calls them, as far as that is known for certain."""
        if self._called is None:
            self._called = defaultdict(list)
            for function, sure in self._makers.indirect.sure_writes(self._persona):
                if sure.operation in _PUTS and not is_larger(sure.rows, _MOST_ASKED):
                    self._called[sure.relation].append((function, sure))
        found = (self._by_call(relation, function, sure) for function, sure in self._called[relation.oid])
        return itertools.islice((one for one in found if one is not None), _MOST_CALLS)

    def _by_call(self, relation: Relation, function: Function, sure: Sure) -> Writing | None:
        changed = assigned(self._catalog, relation, sure.operation)
        if changed is None or not self._makers.access.usage(self._role, self._catalog.schemas[function.schema]):
            return None
        sent = [one for one in function.parameters if one.mode in "ib"]
        count = len(function.arguments.split(", ")) if function.arguments else 0
        names = tuple(one.name for one in sent) if len(sent) == count else ("",) * count
        required = count - len(defaults(function))
        called = Called(function.oid, names, required, sure.others)
        settable = sure.columns - changed
        if sure.operation is Operation.INSERT:
            return Writing(sure.operation, TRUE, sure.rows, settable, frozenset(), called=called)
        pointed = {
            number
            for one in self._catalog.snapshot.constraints
            if one.kind == "f" and one.foreign_relation == relation.oid
            for number in one.foreign_columns
        }
        if not sure.sets or sure.columns & pointed:
            # What points at a row by what is changed may change with it.
            return None
        kept = self._stored(relation) - sure.columns - changed
        return Writing(sure.operation, sure.rows, TRUE, settable, kept, sets=sure.sets, called=called)

    def _bounded(self, relation: Relation, operation: Operation) -> list[Writing] | None:
        """What else is done to its rows at most, by functions and what they set off; None if that may be anything."""
        found = self._makers.indirect.changes(self._persona, relation, operation)
        if found is None or len(found) > _MOST_CALLS:
            return None
        every = self._stored(relation)
        changed = assigned(self._catalog, relation, operation)
        bounded: list[Writing] = []
        for via, rows, change in found:
            asked = TRUE if is_larger(rows, _MOST_ASKED) else rows
            doubt = f"{via}: {_NOT_SURE}"
            if operation is Operation.INSERT:
                if asked == TRUE:
                    return None
                bounded.append(Writing(operation, TRUE, asked, frozenset(), frozenset(), doubt, fresh=change.fresh))
                continue
            columns = change.columns
            kept = frozenset[int]() if columns is None or changed is None else every - columns - changed
            if not kept:
                return None
            bounded.append(Writing(operation, asked, TRUE, frozenset(), kept, doubt))
        return bounded

    def _carried_over(self, relation: Relation) -> str:
        """Which foreign key may change its rows with those that they point at, in what is more than an id."""
        told = {one.number for one in self._catalog.columns[relation.oid] if one.type in TEXTS or one.type_kind == "e"}
        for one in self._catalog.constraints[relation.oid]:
            to = self._catalog.relations.get(one.foreign_relation) if one.kind == "f" else None
            carries = _CARRIES.search(one.definition) is not None and not told.isdisjoint(one.columns)
            if to is not None and carries and self._changes(to, frozenset(one.foreign_columns)):
                return f"a foreign key changes them with rows of {self._catalog.identity(to)}"
        return ""

    def _changes(self, relation: Relation, columns: frozenset[int]) -> bool:
        """Whether these columns may be changed in any row."""
        by_name, bounded = self._by_name(relation, Operation.UPDATE), self._bounded(relation, Operation.UPDATE)
        if bounded is None and self._otherwise(relation, Operation.UPDATE):
            return True
        return any(not columns <= one.kept for one in (by_name, *(bounded or ())) if one is not None)

    def _stored(self, relation: Relation) -> frozenset[int]:
        """The columns that stay as they are where nothing sets them: what is generated of others changes with these."""
        return frozenset(one.number for one in self._catalog.columns[relation.oid] if not one.generated)

    def _otherwise(self, relation: Relation, operation: Operation) -> str:
        """What else may put rows there, or change them."""
        for way in self._makers.indirect.ways(self._persona, relation, operation):
            if way.at_most is not Reach.NONE:
                return way.because if not way.via else f"{way.via}: {way.because}"
        return ""

    def _removes(self, relation: Relation) -> bool:
        ways = [
            self._makers.direct.way(self._persona, relation, Operation.DELETE),
            *self._makers.indirect.ways(self._persona, relation, Operation.DELETE),
        ]
        return any(way.at_most is not Reach.NONE or way.evidence is EvidenceKind.PROOF for way in ways)

    def _by_name(self, relation: Relation, operation: Operation) -> Writing | None:
        """The statement that addresses the table by name, None where no privilege or no policy lets it."""
        access, makers = self._makers.access, self._makers
        if self._catalog.schema_name(relation) not in makers.served[self._persona.name]:
            return None
        way = makers.direct.way(self._persona, relation, operation)
        if way.at_most is Reach.NONE and way.evidence is EvidenceKind.CATALOG:
            return None
        using, check = self._asked(relation, operation)
        if way.at_most is Reach.NONE and not (reads_tables(using) or reads_tables(check)):
            # Whatever is done to tables before, nothing passes.
            return None
        columns = access.columns(self._role, relation, operation.value.upper())
        every = self._stored(relation)
        changed = assigned(self._catalog, relation, operation)
        granted = frozenset(one.number for one in columns if not one.generated)
        settable = granted if changed is None else granted - changed
        kept = frozenset[int]() if changed is None else every - granted - changed
        doubt = self._doubt(relation, operation, columns, settable)
        return Writing(operation, using, check, settable, kept, doubt)

    def _asked(self, relation: Relation, operation: Operation) -> tuple[Expr, Expr]:
        if not self._makers.access.rls_applies(self._role, relation):
            return TRUE, TRUE
        predicates = self._makers.predicates
        check = read(predicates.check(self._persona, self._role, relation, operation))
        if operation is Operation.INSERT:
            return TRUE, check
        return read(predicates.using(self._persona, self._role, relation, operation)), check

    def _doubt(
        self, relation: Relation, operation: Operation, columns: tuple[Column, ...], settable: frozenset[int]
    ) -> str:
        """Why the statement may fail, or do something else, whatever the policies say; nothing where it does not."""
        makers = self._makers
        access, open_to_all = makers.access, Way(Reach.ALL, Reach.ALL, EvidenceKind.CATALOG, "")
        if failing := may_fail(access, makers.predicates.circles, self._role, self._role, relation, operation):
            return failing
        hindered = makers.direct.hindered(open_to_all, relation, operation, columns)
        if hindered.at_least is not Reach.ALL:
            return hindered.because.removeprefix("; ")
        if operation is Operation.INSERT:
            return makers.insertable.fails(self._role, relation, settable)
        return "" if settable else "no column can be set"
