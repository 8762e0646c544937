"""Policies written anew: narrowed in place, or made again where a command or its kind has to change. Functions, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Operation, Reach
from rlsaudit.names import ident
from rlsaudit.rules.opened import are_own_rows_open, drop, enclosed
from rlsaudit.rules.ownership import free_name, own_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Cell
    from rlsaudit.rules.case import Case

WORDS = {"r": "select", "a": "insert", "w": "update", "d": "delete", "*": "all"}
"""The commands of policies, as SQL has them."""


def rewrite(case: Case, relation: Relation, policy: Policy, change: Callable[[str], str]) -> str | None:
    """Returns the statement by which a policy asks what `change` makes of its expressions; None where it keeps them."""
    texts = (("using", policy.using), ("with check", policy.check))
    changed = [(clause, text, change(text)) for clause, text in texts if text]
    clauses = [f"{clause} {enclosed(new)}" for clause, text, new in changed if new != text]
    if not clauses:
        return None
    return f"alter policy {ident(policy.name)} on {case.catalog.identity(relation)} {' '.join(clauses)};"


def altered(case: Case, relation: Relation, policy: Policy, condition: str) -> str:
    """Returns the statement that lets a policy pass only what meets `condition` as well."""
    return rewrite(case, relation, policy, lambda text: f"{enclosed(condition)} and {enclosed(text)}") or ""


def remade(case: Case, relation: Relation, policy: Policy, command: str, *, permissive: bool = True) -> str:
    """Returns statements that make a policy anew for another command (`polcmd`), or as another kind.

    What it asked of rows that are there it asks of new ones, and the other way round, where it had no word on them.
    """
    made_anew = _created(case, relation, policy, policy.name, command, permissive=permissive)
    return f"{drop(case, relation, policy)}\n{made_anew}"


def made(case: Case, relation: Relation, policy: Policy, operation: Operation) -> str:
    """Returns the statement that makes a policy like a restrictive one for one command more."""
    command = next(one for one, word in WORDS.items() if word == operation.value)
    name = free_name(case, relation, f"{policy.name}, {operation.value}")
    return _created(case, relation, policy, name, command, permissive=False)


def _created(case: Case, relation: Relation, policy: Policy, name: str, command: str, *, permissive: bool) -> str:
    kind = "" if permissive else " as restrictive"
    roles = _roles(case, policy)
    using, check = policy.using or policy.check, policy.check or policy.using
    clauses = [] if command == "a" else [f"using {enclosed(using or 'true')}"]
    if command == "a" or (command in "w*" and check != using):
        clauses.append(f"with check {enclosed(check or 'true')}")
    return (
        f"create policy {ident(name)} on {case.catalog.identity(relation)}{kind}"
        f" for {WORDS[command]} to {roles} {' '.join(clauses)};"
    )


def for_reading(case: Case, relation: Relation, policy: Policy) -> str:
    """Returns SQL by which a policy for all commands is for SELECT alone, and everybody keeps writing rows of its own.

    Those only where it is known whose rows they are, and where by other policies nobody may.
    """
    lines = [remade(case, relation, policy, "r")]
    mine = own_rows(case, relation)
    if mine is not None and not are_own_rows_open(case, relation, policy):
        name = ident(free_name(case, relation, f"own {relation.name}"))
        who = "authenticated" if case.platform is Platform.SUPABASE else _roles(case, policy)
        made = f"create policy {name} on {case.catalog.identity(relation)}"
        lines.append(f"{made} to {who} using ({mine}) with check ({mine});")
    return "\n".join(lines)


def floor(case: Case, relation: Relation, name: str, condition: str, cells: Collection[Cell]) -> str:
    """Returns SQL of a restrictive policy for whoever is signed in: for all commands, unless more is shut by that.

    Args:
        case: The audit.
        relation: The table.
        name: What to call it, if there is none of that name.
        condition: What it asks.
        cells: What it is to shut. Where their personas reach rows by other commands, it is not for those.
    """
    made = f"on {case.catalog.identity(relation)} as restrictive"
    shut = {one.operation for one in cells}
    personas = {one.persona: case.persona(one.persona) for one in cells}.values()
    others = (case.cell(one, relation, each) for one in personas for each in Operation if each not in shut)
    if all(one is None or one.at_most is Reach.NONE for one in others):
        return f"create policy {ident(free_name(case, relation, name))} {made} to authenticated using ({condition});"
    lines = []
    for one in (each for each in Operation if each in shut):
        called = ident(free_name(case, relation, f"{name}, {one.value}"))
        clause = "with check" if one is Operation.INSERT else "using"
        lines.append(f"create policy {called} {made} for {one.value} to authenticated {clause} ({condition});")
    return "\n".join(lines)


def _roles(case: Case, policy: Policy) -> str:
    return ", ".join("public" if one == PUBLIC else ident(case.catalog.roles[one].name) for one in policy.roles)
