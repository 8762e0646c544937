"""Trust in what others decide: the client, who writes it itself, or the policies of another table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import EvidenceKind, Reach
from rlsaudit.policy.client import SOURCES
from rlsaudit.policy.expr import Given, Opaque, Who, walk
from rlsaudit.policy.flaws.clause import personal, sources
from rlsaudit.policy.flaws.flaw import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.policy.flaws.clause import Clause
    from rlsaudit.policy.flaws.flaw import Flaw


def client_input(clause: Clause) -> Iterator[Flaw]:
    """Yields what of the profile or the request a clause trusts in that any client writes at will.

    An e-mail or a second factor is not among it: those may have been checked.
    """
    usual = clause.usual
    if usual is None:
        return
    keys = {one.key for one in walk(usual.expression) if isinstance(one, Given) and one.who is Who.CLIENT}
    for key in sorted(one for one in keys if one.startswith(SOURCES)):
        yield clause.flaw(Kind.CLIENT_INPUT, f"asks for {key}, which the client writes itself")


def depends_on_rls(clause: Clause) -> Iterator[Flaw]:
    """Yields that only the policies of the tables that a clause reads ask who is calling.

    So it is where it names nobody once row-level security is put aside, and then lets strangers' rows through as well.
    """
    usual = clause.usual
    if usual is None or not clause.policy.permissive:
        return
    expression = usual.expression
    if any(isinstance(one, Opaque) for one in walk(expression)) or not personal(expression):
        return
    written = clause.written
    if written is None or personal(written):
        return
    solved = (
        clause.reading.prover.solve(one, usual.persona, clause.relation.oid).at_most for one in (expression, written)
    )
    if next(solved) is not Reach.OWN or next(solved) <= Reach.OWN:
        # What is published is everybody's with it and without it; and what only staff sees, it may see on purpose.
        return
    read = sorted({one.name for one in sources(written) if clause.access.catalog.relations[one.relation].rls})
    if read:
        yield clause.flaw(
            Kind.DEPENDS_ON_RLS,
            f"asks nobody who they are: only the row-level security of {', '.join(read)} does",
            evidence=EvidenceKind.CATALOG,
        )
