"""The function that is at fault where policies open too much by what it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.model import Operation
from rlsaudit.policy.answered import answered, is_given_rows
from rlsaudit.policy.body import body_of
from rlsaudit.policy.decide import decide
from rlsaudit.policy.flaws import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rlsaudit.catalog.facts import Function, Policy, Relation
    from rlsaudit.model import Cell, Persona, Reach
    from rlsaudit.rules.case import Case

IGNORED = frozenset({Kind.IGNORED_ARGUMENT, Kind.IGNORED_CALLER})
"""Flaws of a function that does not look at what it is given."""


def opening_helpers(
    case: Case,
    policies: Collection[Policy],
    cells: Collection[Cell],
    asker: Persona | None = None,
) -> list[Function]:
    """Returns the project's functions by whose word alone each of the policies goes beyond intent, by identity.

    `asker` is who asks, where that is not the persona of the cell as it is.
    """
    if not policies:
        return []
    shared = set.intersection(*(set(one.functions) for one in policies))
    known = (case.catalog.functions.get(oid) for oid in shared)
    found = [
        one
        for one in known
        if one is not None and _is_projects(case, one) and _opens(case, policies, cells, one, asker)
    ]
    return sorted(found, key=case.catalog.function_identity)


def _is_projects(case: Case, function: Function) -> bool:
    return function.extension is None and not case.is_platforms(case.catalog.schemas[function.schema].name)


def _opens(
    case: Case,
    policies: Collection[Policy],
    cells: Collection[Cell],
    function: Function,
    asker: Persona | None,
) -> bool:
    """Whether none of the policies would open a cell if the function had nothing to say."""
    return all(
        (found := _where_answered(case, policy, cell, function, asker)) is not None and found <= cell.intended
        for policy in policies
        for cell in cells
    )


def opens_by_yes(case: Case, policy: Policy, cell: Cell, function: Function) -> bool:
    """Whether the policy surely opens the cell beyond intent where the function says yes."""
    found = _where_answered(case, policy, cell, function, yes=True)
    return function.returns == "boolean" and found is not None and found > cell.intended


def _where_answered(
    case: Case, policy: Policy, cell: Cell, function: Function, asker: Persona | None = None, *, yes: bool = False
) -> Reach | None:
    """How far the policy surely lets somebody go by the function's answer; None where it does not ask it."""
    text = (policy.check or policy.using) if cell.operation is Operation.INSERT else policy.using
    schema = case.catalog.schemas[function.schema].name
    asked = None if text is None else answered(text, schema, function, yes=yes)
    if asked is None:
        return None
    relation = case.catalog.relations[policy.relation]
    return decide(case.predicates.alone(asker or case.persona(cell.persona), relation, asked)).at_least


def ignoring(case: Case, relation: Relation, policies: Collection[Policy], function: Function) -> str | None:
    """Returns what the function is given by one of the policies and does not look at, as a clause; None if nothing."""
    identity = case.catalog.function_identity(function)
    found = (one for one in case.flaws.opening(relation, policies) if one.kind in IGNORED)
    return next((one.because for one in found if one.because.startswith(f"{identity} ")), None)


def ignoring_helpers(
    case: Case, relation: Relation, policy: Policy, cells: Collection[Cell]
) -> Iterator[tuple[Function, tuple[Cell, ...]]]:
    """Yields the helpers by whose yes a policy opens cells, and that do not look at whose the row is, each with those.

    They are given that, and look at no more than who asks. Of what else they are given, staff may pass for any.
    """
    owners = case.owner_columns(relation)
    for function in opening_helpers(case, [policy], cells):
        opened = tuple(one for one in cells if opens_by_yes(case, policy, one, function))
        because = ignoring(case, relation, [policy], function) if opened else None
        if because is not None and not set(re.findall(r"\w+", because)).isdisjoint(owners):
            yield function, opened


def is_given_the_row(case: Case, policies: Collection[Policy], function: Function) -> bool:
    """Whether one of the policies hands the function something of the row."""
    schema = case.catalog.schemas[function.schema].name
    texts = (text for one in policies for text in (one.using, one.check) if text)
    return any(is_given_rows(text, schema, function) for text in texts)


def mentioning(case: Case, function: Function, words: re.Pattern[str]) -> Function:
    """Returns the function in whose body one of the words stands: itself, else one that it calls, else itself."""
    return next((one for one in _below(case, function) if words.search(one.body)), function)


def _below(case: Case, function: Function) -> Iterator[Function]:
    waiting, seen = [function], {function.oid}
    while waiting:
        current = waiting.pop(0)
        yield current
        for name in body_of(current).calls:
            for one in case.catalog.functions_by_name[("public", *name)[-2], name[-1]]:
                if one.oid not in seen and _is_projects(case, one):
                    seen.add(one.oid)
                    waiting.append(one)
