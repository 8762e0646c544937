"""Evidence that is a state which a proof shows: put there, acted upon as the persona, and taken back.

Where the row and the request are all that it takes, the policies are asked about a row that does not exist, and nothing
is written. Rows that it takes beside are put there first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.model import Evidence, EvidenceKind, Operation
from rlsaudit.names import literal
from rlsaudit.policy.supposed import Clause
from rlsaudit.probe.attack.identities import OTHERS
from rlsaudit.probe.request import settings, transcript
from rlsaudit.probe.rows.placed import filled, made_up, placed, pointed_at, updated
from rlsaudit.probe.supposed import is_looked_up_first, question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.catalog.facts import Column, Relation
    from rlsaudit.model import JsonObject, Persona
    from rlsaudit.policy.proof import Step
    from rlsaudit.policy.supposed import Supposed
    from rlsaudit.rules.case import Case


_NAME_USERS = frozenset({"uuid", "text"})
"""Types of columns in which the id of a user may stand."""


def witnessed(
    case: Case, persona: Persona, relation: Relation, operation: Operation, because: str, clause: Clause | None = None
) -> Evidence | None:
    """Returns the row that a proof shows, held against the policies as the persona; None where it shows none.

    Args:
        case: The audit.
        persona: Who asks.
        relation: Whose row it is.
        operation: What is done with it.
        because: What decides, in words.
        clause: Which conditions are asked; None for those of the row that is there, or that is put in.
    """
    found = [_passing(case, persona, relation, operation, clause)]
    if operation is Operation.UPDATE and clause is None and case.witnesses.checks_otherwise(persona, relation):
        found.append(_passing(case, persona, relation, operation, Clause.CHECK))
    known = [one for one in found if one is not None]
    if len(known) < len(found) or any(one.asker != known[0].asker for one in known):
        return None
    beside = [row for one in known for row in one.beside]
    *first, last = (_question(case, relation, one) for one in known)
    made = settings(case.catalog, case.platform, known[0].asker)
    sql = transcript(made, last, first=first, stage=placed(case.catalog, beside, OTHERS[0]))
    passes = ", and one passes ".join(one.clause.value for one in known)
    put = ", with the rows that are put there first" if beside else ""
    return Evidence(EvidenceKind.PROOF, sql, f"1 row, made up, passes {passes}{put}; {because}")


def put_there(case: Case, persona: Persona, relation: Relation, operation: Operation) -> tuple[str, ...]:
    """Returns what puts there the row that a proof shows, for a statement of the persona's; none where it shows none.

    A new row is none that is there, and what a proof shows to one may be no other's.
    """
    proved = case.persona(persona.name)
    if operation is Operation.INSERT or persona.claims != proved.claims:
        return ()
    supposed = _passing(case, proved, relation, operation, Clause.USING)
    if supposed is None or supposed.asker.claims != persona.claims:
        return ()
    rows = [*supposed.beside, (relation.oid, _row(case, relation, supposed))]
    return placed(case.catalog, rows, OTHERS[0])


def changed(
    case: Case, persona: Persona, relation: Relation, column: Column, because: str, *, away: bool = False
) -> Evidence | None:
    """Returns an UPDATE of a row which a proof shows and which is put there first; None where it shows none.

    The `column` becomes something that may stand there. `away`: it says whose the row is, and the row becomes one of
    somebody else's that passes the check. `because` is what decides.
    """
    supposed = _passing(case, persona, relation, Operation.UPDATE, Clause.USING)
    if supposed is None:
        return None
    row = _row(case, relation, supposed)
    named = away and column.type in _NAME_USERS
    new = {column.name: OTHERS[0].user if named else made_up(case.catalog, relation, column, OTHERS[0])}
    checked = _passing(case, persona, relation, Operation.UPDATE, Clause.CHECK) if away else None
    if checked is not None:
        settable = {one.name for one in case.access.columns(case.role(persona).oid, relation, "UPDATE")}
        asked = checked.rows[0].items()
        new |= {name: one for name, one in asked if name in settable and supposed.rows[0].get(name) != one}
    pointed = pointed_at(case.catalog, relation.oid, row | new, [*supposed.beside, (relation.oid, row)])
    sql = transcript(
        settings(case.catalog, case.platform, supposed.asker),
        updated(case.catalog, relation, new),
        writes=True,
        stage=placed(case.catalog, [*supposed.beside, (relation.oid, row), *pointed], OTHERS[0]),
    )
    return Evidence(EvidenceKind.PROOF, sql, f"1 row, put there first, is changed; {because}")


def opened(
    case: Case, persona: Persona, relation: Relation, operation: Operation, steps: Sequence[Step]
) -> Evidence | None:
    """Returns the statements of a chain, and a row that policies let through after them; None where no proof shows it.

    What the chain begins with is put there first, and so is what the rows that it makes point at.
    """
    found = case.witnesses.opened(persona, relation, operation, steps)
    if found is None:
        return None
    supposed, rows = found
    # Of a row that was put there in the same transaction all keys are checked when it is changed.
    touched = {one.relation for one in steps if not one.inserts}
    there = [
        (oid, filled(case.catalog, case.catalog.relations[oid], row, OTHERS[0]) if oid in touched else row)
        for oid, row in supposed.beside
    ]
    for oid, row in (*rows, *there):
        there += pointed_at(case.catalog, oid, row, [*there, *rows]) if oid in touched or (oid, row) in rows else ()
    sql = transcript(
        settings(case.catalog, case.platform, supposed.asker),
        _question(case, relation, supposed),
        first=[one.sql for one in steps],
        writes=True,
        stage=placed(case.catalog, there, OTHERS[0]),
    )
    return Evidence(EvidenceKind.PROOF, sql, f"1 row, made up, passes {supposed.clause.value} after these statements")


def _passing(
    case: Case, persona: Persona, relation: Relation, operation: Operation, clause: Clause | None
) -> Supposed | None:
    found = case.witnesses.passing(persona, relation, operation, clause)
    if found is None or not is_looked_up_first(settings(case.catalog, case.platform, found.asker)):
        return None
    return found


def _row(case: Case, relation: Relation, supposed: Supposed) -> JsonObject:
    return filled(case.catalog, relation, supposed.rows[0], OTHERS[0])


def _question(case: Case, relation: Relation, supposed: Supposed) -> str:
    """Counts the row where policies let it through, and the persona holds the privilege that it takes."""
    asked = question(case.access, replace(supposed, rows=(_row(case, relation, supposed),)))
    function = "has_table_privilege" if supposed.operation is Operation.DELETE else "has_any_column_privilege"
    table = literal(case.catalog.identity(relation)).strip()
    return f"{asked} and {function}({table}, '{supposed.operation.value}')"
