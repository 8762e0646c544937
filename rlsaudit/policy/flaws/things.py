"""What ids are the ids of, as foreign keys say."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rlsaudit.policy.proof.tables import Tables

Thing: TypeAlias = tuple[int, int]
"""A key that points at nothing else, as relation and column number: the column that all keys lead to."""
_MOST_STEPS = 8


def thing(tables: Tables, column: tuple[int, int]) -> Thing | None:
    """Returns what a column holds ids of; None where foreign keys part, or nothing says so."""
    here = column
    for _ in range(_MOST_STEPS):
        pointing = [one for one in tables.references(here[0]) if here[1] in {each.number for each in one.columns}]
        targets = {(one.to, one.others[0].number) for one in pointing}
        if len(targets) > 1 or any(len(one.columns) > 1 for one in pointing):
            return None
        if not targets:
            return here if frozenset({here[1]}) in tables.keys(here[0]) else None
        here = targets.pop()
    return None


def leads_to(tables: Tables, relation: int) -> frozenset[Thing]:
    """Returns the things that rows of a relation point at, directly or by way of others: a task at its organisation.

    What users point at is not among them: with whom a row has to do is another question.
    """
    found, more = frozenset[Thing](), frozenset({relation})
    for _ in range(_MOST_STEPS):
        new = frozenset(one for each in more for one in belongs_to(tables, each)) - found
        if not new:
            break
        found |= new
        more = frozenset(one[0] for one in new if one != tables.users)
    return found


def belongs_to(tables: Tables, relation: int) -> frozenset[Thing]:
    """Returns the things that rows of a relation point at."""
    columns = {one.columns[0].number for one in tables.references(relation) if len(one.columns) == 1}
    return frozenset(found for one in columns if (found := thing(tables, (relation, one))) is not None)
