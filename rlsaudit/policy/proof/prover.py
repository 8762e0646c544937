"""The proofs of one database, each made once: tables that differ in names alone share it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import z3

from rlsaudit.model import Reach
from rlsaudit.policy.expr import Expr, Field, Type, is_larger, rebuilt, walk
from rlsaudit.policy.proof.afresh import afresh
from rlsaudit.policy.proof.escalate import escalate
from rlsaudit.policy.proof.solution import UNSOLVED, Gain
from rlsaudit.policy.proof.solve import as_member, example, most, solve
from rlsaudit.policy.proof.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.model import Persona
    from rlsaudit.policy.database import Database
    from rlsaudit.policy.proof.makings import Makings
    from rlsaudit.policy.proof.solution import Solution, Witness


_FAULTS = (IndexError, KeyError, RecursionError, TypeError, z3.Z3Exception)
MOST_NODES = 1_500
"""Larger predicates are not solved: counted as a tree, for that is how it is gone through."""

MOST_BOUNDED = 400
"""The same where only the upper bound is asked for, which is asked of every statement of every function."""


class Prover:
    """Proofs over one database. Without `picks` nobody says of itself what signing up then puts into tables."""

    def __init__(self, database: Database, *, picks: bool = True) -> None:
        self._tables = Tables(database, picks=picks)
        self._bounded: dict[tuple[object, ...], Reach] = {}
        self._solved: dict[tuple[object, ...], tuple[Solution, tuple[str, ...]]] = {}
        self._gained: dict[tuple[object, ...], tuple[Gain, tuple[str, ...]]] = {}

    def picked(self, expression: Expr) -> frozenset[tuple[int, str]]:
        """Returns the columns that a predicate reads which whoever signs up fills as it likes: relation and name."""
        columns = (one for one in walk(expression) if isinstance(one, Field))
        return frozenset((one.relation, one.name) for one in columns if self._tables.picked_at_sign_up(one))

    def most(self, expression: Expr, persona: Persona, relation: int, *, stored: bool = False) -> Reach:
        """Returns how far a predicate lets a persona go at most: `none`, `own` or `all`.

        `stored` is whether the row is in its table, in the state that is asked about.
        """
        if is_larger(expression, MOST_BOUNDED):
            return Reach.ALL
        columns = _columns(expression)
        # Where it is the row itself that other columns are asked of, tables are told apart by more than these columns.
        key = (stored and relation, *self._key(expression, persona, columns))
        if key not in self._bounded:
            try:
                with afresh():
                    self._bounded[key] = most(expression, persona, self._tables, relation, stored=stored)
            except _FAULTS:
                self._bounded[key] = Reach.ALL
        return self._bounded[key]

    def solve(self, expression: Expr, persona: Persona, relation: int, *, stored: bool = False) -> Solution:
        """Returns how far a predicate lets a persona go over the rows of `relation` (an OID, 0 for none).

        `stored` is as for `most`.
        """
        if _is_large(expression):
            return replace(UNSOLVED, why="too large")
        columns = _columns(expression)
        key = (stored and relation, *self._key(expression, persona, columns))
        names = tuple(one.name for one in columns)
        if key not in self._solved:
            self._solved[key] = _solved(expression, persona, self._tables, relation, stored=stored), names
        solution, named = self._solved[key]
        renamed = dict(zip(named, names, strict=True))
        return replace(solution, passes=_renamed(solution.passes, renamed), barred=_renamed(solution.barred, renamed))

    def example(self, expression: Expr, persona: Persona, relation: int) -> Witness | None:
        """Returns a state in which a predicate is true of a row of `relation` (an OID) that names nobody; None else.

        The persona may be whoever it takes, by rows that others gave it: it shows what a predicate asks, not who gets
        there.
        """
        if _is_large(expression):
            return None
        try:
            with afresh():
                return example(expression, persona, self._tables, relation)
        except _FAULTS:
            return None

    def as_member(self, expression: Expr, persona: Persona, relation: int, members: frozenset[int]) -> Witness | None:
        """Returns a state in which a predicate is true of a stranger's row because the persona is a member of anything.

        `members` are tables (OIDs) that say who belongs to what: by nothing else it is more than anybody.
        """
        if _is_large(expression):
            return None
        try:
            with afresh():
                return as_member(expression, persona, self._tables, relation, members)
        except _FAULTS:
            return None

    def escalate(self, expression: Expr, persona: Persona, relation: int, makings: Makings, reach: Reach) -> Gain:
        """Returns how far a predicate lets a persona go after statements of its own, of which `makings` tells.

        One persona has the same makings each time. `reach` is how far it gets without such statements.
        """
        if _is_large(expression):
            return Gain(Reach.NONE, Reach.ALL, why="too large")
        columns = _columns(expression)
        key = (persona.name, reach, *self._key(expression, persona, columns))
        names = tuple(one.name for one in columns)
        if key not in self._gained:
            self._gained[key] = _gained(expression, persona, self._tables, relation, makings, reach), names
        gain, named = self._gained[key]
        renamed = dict(zip(named, names, strict=True))
        steps = tuple(replace(one, start=_renamed(one.start, renamed)) for one in gain.steps)
        return replace(gain, steps=steps, witness=_renamed(gain.witness, renamed))

    def _key(self, expression: Expr, persona: Persona, columns: tuple[Field, ...]) -> tuple[object, ...]:
        return (
            _nameless(expression, columns),
            persona.role,
            json.dumps(persona.claims, sort_keys=True),
            tuple(self._tables.kind_of(one) for one in columns),
        )


def _is_large(expression: Expr) -> bool:
    return is_larger(expression, MOST_NODES)


def _columns(expression: Expr) -> tuple[Field, ...]:
    """The target's columns in the order in which they come."""
    return tuple(dict.fromkeys(one for one in walk(expression) if isinstance(one, Field) and one.place == 0))


def _gained(expression: Expr, persona: Persona, tables: Tables, relation: int, makings: Makings, reach: Reach) -> Gain:
    try:
        with afresh():
            return escalate(expression, persona, tables, relation, makings, reach)
    except _FAULTS:
        # As with a proof of what a single statement reaches.
        return Gain(Reach.NONE, Reach.ALL, why="a fault of its own")


def _solved(expression: Expr, persona: Persona, tables: Tables, relation: int, *, stored: bool) -> Solution:
    try:
        with afresh():
            return solve(expression, persona, tables, relation, stored=stored)
    except _FAULTS:
        # A proof that fails proves nothing, and no audit fails for it.
        return replace(UNSOLVED, why="a fault of its own")


def _nameless(expression: Expr, columns: tuple[Field, ...]) -> Expr:
    """The predicate with the target's columns numbered as they come."""
    numbers = {one: number for number, one in enumerate(columns)}

    def leaf(one: Expr) -> Expr:
        if isinstance(one, Field) and one in numbers:
            return Field(0, 0, numbers[one], "", Type(""), one.nullable)
        return one

    return rebuilt(expression, leaf)


def _renamed(witness: Witness | None, names: Mapping[str, str]) -> Witness | None:
    if witness is None:
        return None
    return replace(witness, row={names[name]: value for name, value in witness.row.items() if name in names})
