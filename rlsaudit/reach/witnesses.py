"""The rows that proofs show, as rows that the server can be asked about: one that is reached, one that is not."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.policy.decide import decide, example, read_once, scope_of, shown
from rlsaudit.policy.expr import queries
from rlsaudit.policy.supposed import (
    Asked,
    Clause,
    Supposed,
    as_json,
    asked_by,
    is_exact,
    is_settled,
    row_of,
    rows_beside,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import JsonObject, Persona
    from rlsaudit.policy.expr import Expr
    from rlsaudit.policy.formula import Formula
    from rlsaudit.policy.proof import Step, Witness
    from rlsaudit.reach.bounds import Way
    from rlsaudit.reach.direct import Direct
    from rlsaudit.reach.predicates import Predicates


class Witnesses:
    """What proofs about tables show, for one database."""

    def __init__(self, access: Access, predicates: Predicates, direct: Direct) -> None:
        self._access = access
        self._predicates = predicates
        self._direct = direct

    def of(self, persona: Persona, relations: Iterable[Relation]) -> Iterator[Supposed]:
        """Yields the rows of these relations that show what the persona reaches of them, and what it does not."""
        role = self._access.catalog.roles_by_name[persona.role].oid
        for relation, operation, _ in self._proved(persona, relations):
            for clause, formula in self._asked(persona, role, relation, operation):
                yield from _of(persona, relation, operation, clause, formula)

    def beside(self, persona: Persona, relations: Iterable[Relation]) -> Iterator[Supposed]:
        """Yields those of the same that take rows of other tables to be there, or none, with those rows."""
        role = self._access.catalog.roles_by_name[persona.role].oid
        for relation, operation, _ in self._proved(persona, relations):
            for clause, formula in self._asked(persona, role, relation, operation):
                yield from _beside(persona, relation, operation, clause, formula, self._named)

    def passing(
        self, persona: Persona, relation: Relation, operation: Operation, clause: Clause | None = None
    ) -> Supposed | None:
        """Returns a row that policies let through, with all that it takes; None where none was found.

        It passes the `clause`; without one the first that the operation asks for. Where what the persona reaches
        depends on what others give it, it is given that.
        """
        role = self._access.catalog.roles_by_name[persona.role].oid
        if not self._access.rls_applies(role, relation):
            return None
        for asked, formula in self._asked(persona, role, relation, operation):
            if clause in {None, asked}:
                return self._passing(persona, relation, operation, asked, formula)
        return None

    def checks_otherwise(self, persona: Persona, relation: Relation) -> bool:
        """Returns whether policies ask something else of the row that an UPDATE makes than of the one that is there."""
        role = self._access.catalog.roles_by_name[persona.role].oid
        asked = {formula for _, formula in self._asked(persona, role, relation, Operation.UPDATE)}
        return self._access.rls_applies(role, relation) and len(asked) > 1

    def opened(
        self, persona: Persona, relation: Relation, operation: Operation, steps: Sequence[Step]
    ) -> tuple[Supposed, tuple[tuple[int, JsonObject], ...]] | None:
        """Returns a row that policies let through after the steps of a chain, and the rows that these make.

        The rows beside it are those that were there before; each of those made stands behind its table (an OID). None
        where no proof shows such a chain.
        """
        role = self._access.catalog.roles_by_name[persona.role].oid
        start = steps[0].start if steps else None
        clause, formula = next(self._asked(persona, role, relation, operation))
        scope = scope_of(formula)
        if start is None or scope is None or scope.database is None or not self._access.rls_applies(role, relation):
            return None
        expression = read_once(formula, scope.database)
        alone = _supposed(persona, relation, operation, clause, expression, start, passes=True)
        found = None if alone is None else _with_rows(alone, start, self._named)
        made = [as_json(one.row) for one in steps]
        rows = tuple((one.relation, row) for one, row in zip(steps, made, strict=True) if row is not None)
        return None if found is None or len(rows) < len(steps) else (found, rows)

    @cached_property
    def _named(self) -> Mapping[str, int]:
        return {self._access.catalog.identity(one): one.oid for one in self._access.catalog.snapshot.relations}

    def _passing(
        self, persona: Persona, relation: Relation, operation: Operation, clause: Clause, formula: Formula
    ) -> Supposed | None:
        scope = scope_of(formula)
        if scope is None or scope.database is None:
            # Of what is true whatever the row is, any row will do.
            any_row = Supposed(persona.name, persona, relation.oid, operation, clause, ({},), passes=True, exact=True)
            return any_row if decide(formula).at_least is Reach.ALL else None
        expression = read_once(formula, scope.database)
        for state in (shown(formula).passes, example(formula)):
            if state is None:
                continue
            alone = _supposed(persona, relation, operation, clause, expression, state, passes=True)
            if is_exact(expression):
                return alone
            if is_settled(expression) and alone is not None:
                found = _with_rows(alone, state, self._named)
                if found is not None:
                    return found
        return None

    def open_to_strangers(self, persona: Persona, relations: Iterable[Relation]) -> Iterator[Asked]:
        """Yields what has yet to be asked of strangers' rows: where a proof leaves it open, and where it says none."""
        for relation, operation, way in self._proved(persona, relations):
            role = self._access.catalog.roles_by_name[persona.role].oid
            is_open = way.at_least < Reach.SOME <= way.at_most
            for clause, formula in self._asked(persona, role, relation, operation):
                scope = scope_of(formula)
                if scope is None or scope.database is None:
                    continue
                refuting = decide(formula).at_most < Reach.SOME
                if not refuting and not is_open:
                    continue
                asked = clause
                if not refuting and operation is Operation.UPDATE:
                    if clause is Clause.CHECK:
                        continue
                    # The row that is there, and the same one when another column was changed.
                    asked = Clause.BOTH
                expression = read_once(formula, scope.database)
                yield Asked(persona, relation.oid, scope.table, operation, asked, expression, refuting)

    def _proved(self, persona: Persona, relations: Iterable[Relation]) -> Iterator[tuple[Relation, Operation, Way]]:
        """The cells of which policies decide."""
        role = self._access.catalog.roles_by_name[persona.role].oid
        for relation in relations:
            if self._access.rls_applies(role, relation):
                for operation in Operation:
                    way = self._direct.way(persona, relation, operation)
                    if way.evidence is not EvidenceKind.CATALOG and way.rows is not None:
                        yield relation, operation, way

    def _asked(
        self, persona: Persona, role: int, relation: Relation, operation: Operation
    ) -> Iterator[tuple[Clause, Formula]]:
        """The conditions that an operation asks of rows that are there, and of new ones."""
        if operation is not Operation.INSERT:
            yield Clause.USING, self._predicates.using(persona, role, relation, operation)
        if operation in {Operation.INSERT, Operation.UPDATE}:
            yield Clause.CHECK, self._predicates.check(persona, role, relation, operation)


def _of(
    persona: Persona, relation: Relation, operation: Operation, clause: Clause, formula: Formula
) -> Iterator[Supposed]:
    scope = scope_of(formula)
    if scope is None or scope.database is None:
        return
    bounds, expression = shown(formula), read_once(formula, scope.database)
    exact = is_exact(expression)
    for witness, passes in ((bounds.passes, True), (bounds.barred, False)):
        # Whom a row is kept from depends on the rows of other tables.
        if witness is not None and (passes or exact):
            found = _supposed(persona, relation, operation, clause, expression, witness, passes=passes)
            if found is not None:
                yield found


def _supposed(
    persona: Persona,
    relation: Relation,
    operation: Operation,
    clause: Clause,
    expression: Expr,
    witness: Witness,
    *,
    passes: bool,
) -> Supposed | None:
    """The row of a witness, asked about as the one who sends its request; None where no request or row can be so."""
    asker, row = asked_by(persona, expression, witness), row_of(witness)
    if asker is None or row is None:
        return None
    return Supposed(persona.name, asker, relation.oid, operation, clause, (row,), passes, is_exact(expression))


def _with_rows(alone: Supposed, witness: Witness, named: Mapping[str, int]) -> Supposed | None:
    """The same with the rows of tables that a witness takes; None where they cannot be told."""
    rows = rows_beside(witness)
    if rows is None or any(table not in named for table, _ in rows):
        return None
    return replace(alone, exact=True, beside=tuple((named[table], values) for table, values in rows))


def _beside(
    persona: Persona,
    relation: Relation,
    operation: Operation,
    clause: Clause,
    formula: Formula,
    named: Mapping[str, int],
) -> Iterator[Supposed]:
    scope = scope_of(formula)
    if scope is None or scope.database is None:
        return
    bounds, expression = shown(formula), read_once(formula, scope.database)
    listed = list(queries(expression))
    consulted = frozenset(source.relation for one in listed for source in one.sources)
    # Whether the row itself is among those of its table depends on the statement.
    if not consulted or relation.oid in consulted or not is_settled(expression) or not all(one.exact for one in listed):
        return
    for witness, passes in ((bounds.passes, True), (bounds.barred, False)):
        if witness is None:
            continue
        alone = _supposed(persona, relation, operation, clause, expression, witness, passes=passes)
        found = None if alone is None else _with_rows(alone, witness, named)
        if found is not None and {table for table, _ in found.beside} <= consulted:
            yield replace(found, consulted=consulted)
