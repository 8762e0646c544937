"""What is to be tried, cell by cell: that a persona gets no further than is meant, and that what is for all is there.

A stranger stands for whoever owns nothing: where `own` is meant it reaches no row. A statement reads no column that it
need not read, so that only the policies that are asked about decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rlsaudit.model import STRANGER, Operation, Reach
from rlsaudit.names import ident, literal
from rlsaudit.probe.request import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.catalog.facts import Column, Relation
    from rlsaudit.model import Cell, Persona
    from rlsaudit.rules import Case

_SOMEBODY_ELSE = f"{STRANGER[:-1]}{'0' if STRANGER[-1] != '0' else '1'}"
"""The id of whoever is not the one who asks."""
_VERBS = {
    Operation.SELECT: "reads",
    Operation.INSERT: "puts in",
    Operation.UPDATE: "changes",
    Operation.DELETE: "deletes",
}


@dataclass(frozen=True, slots=True)
class Check:
    """A statement as a persona, and whether it is to reach a row.

    Attributes:
        title: What is checked, for people.
        settings: What the request sets before, by name.
        statement: SQL; how many rows it reads or changes is what is looked at.
        relation: Of which rows have to be there for the check to say anything, quoted; None where it needs none.
        reaches: Whether it is to reach a row, or none.
    """

    title: str
    settings: Mapping[str, str] = field(hash=False)
    statement: str
    relation: str | None
    reaches: bool = False


def checks(case: Case) -> tuple[Check, ...]:
    """Returns what the intent says of the relations that personas could address, as far as a statement can tell."""
    made = {one.name: settings(case.catalog, case.platform, one) for one in case.personas}
    return tuple(
        one
        for persona in case.personas
        for relation in case.exposure[persona.name]
        if not case.is_platforms(case.catalog.schema_name(relation)) or case.catalog.policies[relation.oid]
        for operation in Operation
        if (cell := case.cell(persona, relation, operation)) is not None
        for one in _of_cell(case, persona, relation, cell, made[persona.name])
    )


def _of_cell(case: Case, persona: Persona, relation: Relation, cell: Cell, made: Mapping[str, str]) -> Iterator[Check]:
    name = case.catalog.identity(relation)
    who = f"{persona.name} {_VERBS[cell.operation]}"
    needed = None if cell.operation is Operation.INSERT else name
    if cell.intended <= Reach.OWN:
        statement = _statement(case, persona, relation, cell.operation)
        others = " that is not its own" if cell.intended is Reach.OWN else ""
        yield Check(f"{who} nothing of {name}{others}", made, statement, needed)
    elif cell.operation is not Operation.SELECT:
        return
    elif cell.condition is not None:
        statement = f"select from {name} where ({cell.condition}) is not true limit 1"
        yield Check(f"{who} no row of {name} but where {cell.condition}", made, statement, needed)
    elif cell.intended is Reach.ALL and cell.reach is Reach.ALL:
        yield Check(f"{who} {name}", made, f"select from {name} limit 1", needed, reaches=True)


def _statement(case: Case, persona: Persona, relation: Relation, operation: Operation) -> str:
    name = case.catalog.identity(relation)
    match operation:
        case Operation.SELECT:
            return f"select from {name} limit 1"
        case Operation.DELETE:
            return f"delete from {name}"
        case Operation.UPDATE:
            columns = _settable(case, persona, relation, operation)
            # A name or a mark stays a name or a mark: what says whose row it is may not be set, and would be asked for.
            plain = [one for one in columns if one.name not in case.owner_columns(relation)] or columns
            first = next(iter(plain or case.catalog.columns[relation.oid]), None)
            return f"update {name} set {ident(first.name)} = default" if first else f"select from {name}"
        case Operation.INSERT:
            return _insert(case, persona, relation)


def _insert(case: Case, persona: Persona, relation: Relation) -> str:
    """An INSERT of somebody else's row that takes no number of a sequence, which no rollback gives back."""
    name = case.catalog.identity(relation)
    owners = case.owner_columns(relation)
    given = {
        one.name: "null" if _counts(one) else _somebody_elses(one) if one.name in owners else "default"
        for one in _settable(case, persona, relation, Operation.INSERT)
        if _counts(one) or not one.default
    }
    if not given:
        return f"insert into {name} default values"
    columns, values = ", ".join(map(ident, given)), ", ".join(given.values())
    return f"insert into {name} ({columns}) overriding system value values ({values})"


def _counts(column: Column) -> bool:
    """Whether a column takes the next number of a sequence where nothing else is put in."""
    return column.identity or "nextval(" in (column.computed or "")


def _settable(case: Case, persona: Persona, relation: Relation, operation: Operation) -> list[Column]:
    found = case.access.columns(case.role(persona).oid, relation, operation.upper())
    return [one for one in found if not one.generated and (not one.identity or operation is Operation.INSERT)]


def _somebody_elses(column: Column) -> str:
    """A value for whoever is not the one who asks, where the type lets it be an id."""
    return literal(_SOMEBODY_ELSE) if column.type in {"uuid", "text", "character varying"} else "default"
