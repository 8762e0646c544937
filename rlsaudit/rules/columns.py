"""Privileges without single columns: what a grant of a whole table is turned into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.names import ident

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Operation, Persona
    from rlsaudit.rules.case import Case


def without_columns(
    case: Case, relation: Relation, operation: Operation, columns: Collection[str], personas: Iterable[Persona]
) -> str:
    """Returns SQL by which the personas hold a privilege on all columns but these, as far as they hold it.

    To revoke it of a column takes nothing from whoever holds it on the table.
    """
    identity, verb = case.catalog.identity(relation), operation.value
    wanted, every = tuple(personas), case.catalog.columns[relation.oid]
    holders = case.holders(wanted, relation.acl, verb.upper())
    lines = []
    if holders:
        roles = ", ".join(holders)
        left = [ident(one.name) for one in every if one.name not in columns and (verb == "select" or not one.generated)]
        lines.append(f"revoke {verb} on {identity} from {roles};")
        lines += [f"grant {verb} ({', '.join(left)}) on {identity} to {roles};"] if left else []
    for one in every:
        single = [name for name in case.holders(wanted, one.acl, verb.upper()) if name not in holders]
        if one.name in columns and single:
            lines.append(f"revoke {verb} ({ident(one.name)}) on {identity} from {', '.join(single)};")
    return "\n".join(lines)
