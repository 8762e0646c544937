"""Policies that let everybody, or everybody who is signed in, do something to every row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import FILES, Platform
from rlsaudit.model import Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.personas import built_in
from rlsaudit.policy.body import body_of
from rlsaudit.policy.decide import decide, opened_by_picks
from rlsaudit.rules.ownership import own_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from rlsaudit.catalog.facts import Function, Policy, Relation
    from rlsaudit.model import Cell, Persona
    from rlsaudit.policy.decide import Bounds
    from rlsaudit.rules.case import Case

_WHO = frozenset({("auth", "uid"), ("auth", "jwt"), ("auth", "email")})
_CLAUSES = {
    "r": ("using",),
    "a": ("with check",),
    "w": ("using", "with check"),
    "d": ("using",),
    "*": ("using", "with check"),
}


@dataclass(frozen=True, slots=True)
class Opened:
    """A permissive policy that is true for every row. `cells` are what it opens beyond intent.

    `signed_in`: true only because somebody is signed in, whoever that is.
    """

    policy: Policy
    cells: tuple[Cell, ...]
    signed_in: bool


def opened(case: Case, relation: Relation) -> Iterator[Opened]:
    """Yields the relation's policies that open every row to a persona, where that is beyond intent."""
    if relation.kind not in "rp" or not relation.rls or relation.extension is not None:
        return
    open_cells = [one for one in case.beyond(relation) if case.way(one, relation).at_least is Reach.ALL]
    for policy in case.catalog.policies[relation.oid] if open_cells else ():
        found = [one for one in open_cells if policy.permissive and _opens(case, policy, relation, one)]
        if found:
            yield Opened(policy, tuple(found), all(_asks_for_session(case, policy, relation, one) for one in found))


def bounds(case: Case, policy: Policy, persona: Persona, relation: Relation, operation: Operation) -> Bounds | None:
    """Returns how far one policy alone lets the persona go; None where it says nothing about the operation."""
    text = (policy.check or policy.using) if operation is Operation.INSERT else policy.using
    if text is None:
        return None
    return decide(case.predicates.alone(persona, relation, text))


def drop(case: Case, relation: Relation, policy: Policy) -> str:
    """Returns the statement that takes the policy away."""
    return f"drop policy {ident(policy.name)} on {case.catalog.identity(relation)};"


def narrow(case: Case, relation: Relation, policy: Policy, *, within: bool = False) -> str:
    """Returns SQL that ties the policy to whose the row is, or drops it where that is not known.

    It is dropped as well where other policies let everybody to their own rows already. `within`: what it asks now is
    asked all the same.
    """
    mine = own_rows(case, relation)
    if mine is None or are_own_rows_open(case, relation, policy):
        return drop(case, relation, policy)
    to = " to authenticated" if case.platform is Platform.SUPABASE else ""
    clauses = (
        f"{clause} {enclosed(f'{enclosed(text)} and {mine}' if within else mine)}" for clause, text in _asked(policy)
    )
    return f"alter policy {ident(policy.name)} on {case.catalog.identity(relation)}{to} {' '.join(clauses)};"


def _asked(policy: Policy) -> Iterator[tuple[str, str]]:
    """The clauses that the policy's command has, with what they ask: nothing, where one is not there."""
    texts = {"using": policy.using, "with check": policy.check}
    return ((clause, texts[clause] or policy.using or "true") for clause in _CLAUSES[policy.command])


def enclosed(condition: str) -> str:
    """Returns the condition in parentheses, which the server puts around most of them itself."""
    code = _QUOTED.sub("", condition)
    depths = list(accumulate((one == "(") - (one == ")") for one in code))
    is_whole = code.startswith("(") and 0 not in depths[:-1] and depths[-1] == 0
    return condition if is_whole else f"({condition})"


_QUOTED = re.compile("'[^']*'|\"[^\"]*\"")


def are_own_rows_open(case: Case, relation: Relation, policy: Policy) -> bool:
    """Returns whether without the policy everybody still gets to rows of its own, by all that it is for and is meant.

    Not so of files: what a policy lets through there is of one bucket.
    """
    if (case.catalog.schema_name(relation), relation.name) == FILES:
        return False
    for persona in case.personas:
        for operation in Operation:
            applying = case.access.policies(case.role(persona).oid, relation, operation)
            if policy not in applying or case.intended(persona, relation, operation) is Reach.NONE:
                continue
            others = (one for one in applying if one.permissive and one != policy)
            found = (bounds(case, one, persona, relation, operation) for one in others)
            if not any(one is not None and one.at_least >= Reach.OWN for one in found):
                return False
    return True


def severity(case: Case, relation: Relation, cells: Iterable[Cell], asking: Collection[str] = ()) -> Severity:
    """Returns how bad it is that all rows are open to these operations: the worst of them counts.

    It is the reach that counts, and not in which words a policy gives it: `to authenticated using (true)` and
    `auth.role() = 'authenticated'` are the same. `asking` are the helpers that `askers` returns. With them the policy
    was not meant for everybody.
    """
    found = max(_one_severity(case, relation, cell) for cell in cells)
    return max(found, Severity.HIGH) if asking else found


def askers(case: Case, policy: Policy) -> list[str]:
    """Returns the project's functions by which a policy asks who is calling, by their identities."""
    found = []
    for oid in policy.functions:
        function = case.catalog.functions.get(oid)
        if function is None or function.extension is not None:
            continue
        schema = case.catalog.schemas[function.schema].name
        if not case.is_platforms(schema) and _asks_who(case, function):
            found.append(case.catalog.function_identity(function))
    return found


def asks_who(case: Case, policy: Policy) -> bool:
    """Returns whether a policy asks who is calling, itself or by a function: not where it names visitors as such."""
    called = [case.catalog.functions[oid] for oid in policy.functions if oid in case.catalog.functions]
    names = {(case.catalog.schemas[one.schema].name, one.name) for one in called}
    visitors = any("'anon'" in text for text in (policy.using, policy.check) if text is not None)
    return bool(askers(case, policy)) or (not visitors and not names.isdisjoint(_WHO))


def _asks_who(case: Case, function: Function) -> bool:
    """Whether a function, or one that it calls, asks for a user or what is known of one: not just for a role."""
    waiting, seen = [function], set[int]()
    while waiting:
        calls = body_of(waiting.pop()).calls
        if any(name[-2:] in _WHO for name in calls):
            return True
        for schema, name in (("public", *one)[-2:] for one in calls):
            waiting += [one for one in case.catalog.functions_by_name[schema, name] if one.oid not in seen]
        seen |= {one.oid for one in waiting}
    return False


def _one_severity(case: Case, relation: Relation, cell: Cell) -> Severity:
    match cell.operation:
        case Operation.UPDATE | Operation.DELETE:
            return Severity.CRITICAL
        case Operation.INSERT:
            return Severity.HIGH if case.owner_columns(relation) else Severity.MEDIUM
        case _:
            # That everybody may read, or whoever has signed up, is often meant, and then a policy says so.
            private = case.sensitive(relation, case.way(cell, relation).columns, cell)
            return Severity.CRITICAL if private else Severity.MEDIUM


def _opens(case: Case, policy: Policy, relation: Relation, cell: Cell) -> bool:
    persona = case.persona(cell.persona)
    role = case.role(persona).oid
    if not case.access.rls_applies(role, relation):
        return False
    if policy not in case.access.policies(role, relation, cell.operation):
        return False
    found = bounds(case, policy, persona, relation, cell.operation)
    if found is None or found.at_least is not Reach.ALL or found.chosen:
        return False
    text = (policy.check or policy.using) if cell.operation is Operation.INSERT else policy.using
    # What signing up puts into a table is a fault of its own, and none of the policies that look there.
    return not opened_by_picks(case.predicates.alone(persona, relation, text or ""))


def _asks_for_session(case: Case, policy: Policy, relation: Relation, cell: Cell) -> bool:
    """Whether the same expression keeps visitors out."""
    visitor = built_in("anon")
    if case.platform is not Platform.SUPABASE or visitor is None:
        return False
    found = bounds(case, policy, visitor, relation, cell.operation)
    return found is None or found.at_least is not Reach.ALL
