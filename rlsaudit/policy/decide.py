"""From a predicate to reach: at first sight, and where that leaves two answers, by proof."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.model import Reach
from rlsaudit.policy.expr import FALSE, TRUE
from rlsaudit.policy.formula import And, Coalesce, Formula, Is, Not, Or, Written
from rlsaudit.policy.proof import Prover
from rlsaudit.policy.read import read
from rlsaudit.policy.sight import Bounds, at_sight

if TYPE_CHECKING:
    from collections.abc import Callable

    from rlsaudit.model import Persona
    from rlsaudit.policy.database import Database, Worded
    from rlsaudit.policy.expr import Expr
    from rlsaudit.policy.proof import Solution, Witness
    from rlsaudit.policy.values import Scope

__all__ = [
    "Bounds",
    "Decider",
    "RowsDecider",
    "at_most",
    "decide",
    "decide_rows",
    "example",
    "in_its_words",
    "opened_by_picks",
    "original_of",
    "shown",
    "worded_of",
]

Decider: TypeAlias = "Callable[[Formula], Bounds]"
"""What says how far a predicate lets its persona go."""
RowsDecider: TypeAlias = "Callable[[Expr, Persona, Database, int], Bounds]"
"""The same of a condition over the rows of a relation (an OID) that was read already."""


def decide(formula: Formula) -> Bounds:
    """Returns how far a predicate lets its persona go over the rows of a relation.

    `formula` already stands for one persona. Where what it was read from is known, and first sight leaves the answer
    open, a proof is tried; the two never widen one another, and where they contradict each other nothing is known.
    """
    scope = scope_of(formula)
    if scope is None or scope.database is None:
        return at_sight(formula)
    known = scope.database.memory.decided
    # By which object it is: equal ones may mean different columns by the same words, those of two views over one table.
    if id(formula) not in known:
        worded = worded_of(formula)
        bounds = _decide(formula, scope) if worded is None else in_its_words(decide(worded.original), worded)
        known[id(formula)] = (formula, bounds)
    return known[id(formula)][1]


def worded_of(formula: Formula) -> Worded | None:
    """Returns what a formula is in other words, None where it was read as it is."""
    scope = scope_of(formula)
    return None if scope is None or scope.database is None else scope.database.memory.worded.get(id(formula))


def original_of(formula: Formula) -> Formula:
    """Returns the formula that was read, of which this one may be in the words of another table."""
    worded = worded_of(formula)
    return formula if worded is None else worded.original


def in_its_words(bounds: Bounds, worded: Worded) -> Bounds:
    """Returns what was found of a formula as it is told of the one in other words."""
    chosen = tuple(map(worded.renamed, bounds.chosen))
    return replace(bounds, because=worded.renamed(bounds.because), chosen=chosen)


def _decide(formula: Formula, scope: Scope) -> Bounds:
    bounds = at_sight(formula)
    if bounds.decided or scope.database is None:
        return bounds
    solution = prover_of(scope.database).solve(read_once(formula, scope.database), scope.persona, scope.table)
    at_least, most = max(bounds.at_least, solution.at_least), min(bounds.at_most, solution.at_most)
    if at_least > most:
        return Bounds(Reach.NONE, Reach.ALL, "not decided: two readings of the policy disagree, which is a bug")
    because = _because(at_least) if at_least is most else f"{bounds.because}{_open(solution)}"
    return replace(
        bounds,
        at_least=at_least,
        at_most=most,
        because=because,
        passes=solution.passes,
        barred=solution.barred,
        given=solution.given,
    )


def shown(formula: Formula) -> Bounds:
    """Returns the same with states that show it, also where first sight decided: then the solver is asked all the same.

    States of a solution that says something else are left out.
    """
    bounds, scope = decide(formula), scope_of(formula)
    if bounds.passes or bounds.barred or scope is None or scope.database is None:
        return bounds
    known, original = scope.database.memory.shown, original_of(formula)
    if id(original) not in known:
        known[id(original)] = (original, _shown(original, scope))
    found = known[id(original)][1]
    return replace(bounds, passes=found.passes, barred=found.barred)


def _shown(formula: Formula, scope: Scope) -> Bounds:
    bounds = decide(formula)
    if scope.database is None:
        return bounds
    solution = prover_of(scope.database).solve(read_once(formula, scope.database), scope.persona, scope.table)
    if solution.at_least > bounds.at_most or solution.at_most < bounds.at_least:
        return bounds
    return replace(bounds, passes=solution.passes, barred=solution.barred)


def example(formula: Formula) -> Witness | None:
    """Returns a state in which a predicate is true of a row that names nobody; None where none is found.

    Its persona may be a member, or staff: it shows what is asked and what is not, of policies whose reach depends on
    what others do.
    """
    scope = scope_of(formula)
    if scope is None or scope.database is None:
        return None
    known, original = scope.database.memory.examples, original_of(formula)
    if id(original) not in known:
        found = prover_of(scope.database).example(read_once(original, scope.database), scope.persona, scope.table)
        known[id(original)] = (original, found)
    return known[id(original)][1]


def opened_by_picks(formula: Formula) -> frozenset[tuple[int, str]]:
    """Returns the columns that open a predicate because whoever signs up fills them as it likes: relation and name.

    None where it is as open without.
    """
    scope = scope_of(formula)
    if scope is None or scope.database is None:
        return frozenset()
    memory, asked = scope.database.memory, read_once(formula, scope.database)
    picked = prover_of(scope.database).picked(asked)
    if not picked:
        return picked
    if memory.unpicked is None:
        memory.unpicked = Prover(scope.database, picks=False)
    found = memory.unpicked.solve(asked, scope.persona, scope.table)
    return picked if found.at_most < decide(formula).at_least else frozenset()


def read_once(formula: Formula, database: Database) -> Expr:
    """Returns a formula as an expression, remembered: it is asked for again at the end of chains."""
    formula = original_of(formula)
    known = database.memory.read
    if id(formula) not in known:
        known[id(formula)] = (formula, read(formula))
    return known[id(formula)][1]


def decide_rows(
    condition: Expr, persona: Persona, database: Database, relation: int, *, stored: bool = False
) -> Bounds:
    """Returns how far a condition that was read already lets a persona go over the rows of `relation` (an OID).

    `stored` is whether these rows are in their table, in the state that is asked about.
    """
    found = prover_of(database).solve(condition, persona, relation, stored=stored)
    because = _because(found.at_least) if found.at_least is found.at_most else f"not decided{_open(found)}"
    return Bounds(found.at_least, found.at_most, because, passes=found.passes, barred=found.barred, given=found.given)


def at_most(expression: Expr, database: Database, persona: Persona, relation: int, *, stored: bool = False) -> Reach:
    """Returns how far a predicate lets a persona go over the rows of a relation (an OID, 0 for none), at most.

    `stored` is whether these rows are in their table, in the state that is asked about. The answer is `none`, `own` or
    `all`; where the solver does not come to an end it is `all`.
    """
    if expression == TRUE:
        return Reach.ALL
    return Reach.NONE if expression == FALSE else prover_of(database).most(expression, persona, relation, stored=stored)


def prover_of(database: Database) -> Prover:
    """Returns what proves predicates of a database, and remembers them."""
    memory = database.memory
    if memory.prover is None:
        memory.prover = Prover(database)
    return memory.prover


def _because(reach: Reach) -> str:
    return {
        Reach.NONE: "true in no state of the database",
        Reach.OWN: "only rows that something in the database ties to its own identity",
        Reach.SOME: "true for strangers' rows of some content",
        Reach.ALL: "true for every row of a stranger's",
    }[reach]


def _open(solution: Solution) -> str:
    return f" (the proof was stopped: {solution.why})" if solution.why else ""


def scope_of(formula: Formula) -> Scope | None:
    """Returns what names mean in a formula's expressions: they are all over one row, for one persona."""
    match formula:
        case Written(scope=scope):
            return scope
        case Not(operand) | Is(operand):
            return scope_of(operand)
        case And(operands) | Or(operands) | Coalesce(operands):
            return next((found for one in operands if (found := scope_of(one)) is not None), None)
        case _:
            return None
