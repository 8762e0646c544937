"""Policies written anew: narrowed in place, or made again where a command or its kind has to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.names import ident
from rlsaudit.rules.opened import drop, enclosed

if TYPE_CHECKING:
    from collections.abc import Callable

    from rlsaudit.catalog.facts import Policy, Relation
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
    return rewrite(case, relation, policy, lambda text: f"({condition}) and ({text})") or ""


def reworded(case: Case, relation: Relation, policy: Policy, old: str, new: str) -> str | None:
    """Returns the statement that puts `new` in the place of a text in a policy; None where it does not stand there."""
    return rewrite(case, relation, policy, lambda text: text.replace(old, new))


def remade(case: Case, relation: Relation, policy: Policy, command: str, *, permissive: bool = True) -> str:
    """Returns statements that make a policy anew for another command (`polcmd`), or as another kind.

    What it asked of rows that are there it asks of new ones, and the other way round, where it had no word on them.
    """
    kind = "" if permissive else " as restrictive"
    roles = ", ".join("public" if one == PUBLIC else ident(case.catalog.roles[one].name) for one in policy.roles)
    using, check = policy.using or policy.check, policy.check or policy.using
    clauses = [] if command == "a" else [f"using ({using})"]
    if command == "a" or (command in "w*" and check != using):
        clauses.append(f"with check ({check})")
    made = (
        f"create policy {ident(policy.name)} on {case.catalog.identity(relation)}{kind}"
        f" for {WORDS[command]} to {roles} {' '.join(clauses)};"
    )
    return f"{drop(case, relation, policy)}\n{made}"


def floor(case: Case, relation: Relation, name: str, condition: str) -> str:
    """Returns the statement that makes a restrictive policy, for all commands and whoever is signed in."""
    identity = case.catalog.identity(relation)
    return f"create policy {ident(name)} on {identity} as restrictive to authenticated using ({condition});"
