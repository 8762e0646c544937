"""Conditions that are the same for every row: true, false or NULL whatever the row holds, for some or for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.flaws.flaw import Kind
from rlsaudit.policy.values import PURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.policy.flaws.clause import Clause
    from rlsaudit.policy.flaws.flaw import Flaw
    from rlsaudit.policy.proof.outcomes import Possible


def truth(clause: Clause) -> Iterator[Flaw]:
    """Yields that a clause is true, false or NULL of every row."""
    possible = {
        name: clause.reading.outcomes.of(sight.expression, clause.relation.oid) for name, sight in clause.sights.items()
    }
    if not possible:
        return
    anybody = not _asks(clause)
    if anybody and all(map(_always, possible.values())):
        yield clause.flaw(Kind.ALWAYS_TRUE, "true for every row, and it asks nobody who they are")
    elif all(not one.true for one in possible.values()):
        # `false` is how one says that nobody may, and the name of another role that somebody else may.
        if not isinstance(clause.node, ast.A_Const) and not _names_another(clause):
            for name, one in possible.items():
                kind = Kind.ALWAYS_FALSE if one.false else Kind.ALWAYS_NULL
                said = "true for no row" if one.false else "NULL for every row, which lets nothing through"
                yield clause.flaw(kind, said, persona=None if anybody else name)
                if anybody:
                    break
    elif clause.policy.permissive:
        yield from _for_some(clause, possible)


def _for_some(clause: Clause, possible: dict[str, Possible]) -> Iterator[Flaw]:
    for name, one in possible.items():
        claims = clause.sights[name].persona.claims
        if not _always(one) or not claims:
            continue
        if "sub" in claims:
            yield clause.flaw(Kind.TRUE_FOR_ANY_USER, "true for every row for whoever is signed in", persona=name)
        else:
            yield clause.flaw(Kind.TRUE_FOR_ANON, "true for every row for visitors without a user", persona=name)


def _always(one: Possible) -> bool:
    return one.true and not (one.false or one.null or one.fails)


def _asks(clause: Clause) -> bool:
    """Whether a clause may ask who is calling: anything but values of the row and constants."""
    return any(
        isinstance(one, ast.SQLValueFunction | ast.SubLink)
        or (isinstance(one, ast.FuncCall) and tree.name(one.funcname)[-1] not in PURE)
        for one in tree.walk(clause.node)
    )


def _names_another(clause: Clause) -> bool:
    """Whether a clause names a role that nobody is of whom it was read."""
    known = clause.access.catalog.roles_by_name.keys() - {one.persona.role for one in clause.sights.values()}
    return any(
        isinstance(one, ast.A_Const) and isinstance(one.val, ast.String) and one.val.sval in known
        for one in tree.walk(clause.node)
    )
