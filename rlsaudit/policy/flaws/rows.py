"""Conditions that ask nothing of the row, where the tables say what they should have asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Reach
from rlsaudit.policy.flaws.clause import of_the_row, opaque, personal, sources
from rlsaudit.policy.flaws.flaw import Kind
from rlsaudit.policy.flaws.order import precedence
from rlsaudit.policy.flaws.things import belongs_to, leads_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.policy.flaws.clause import Clause
    from rlsaudit.policy.flaws.flaw import Flaw


def row_independent(clause: Clause) -> Iterator[Flaw]:
    """Yields that whoever belongs to one organisation, project and so on gets rows of others.

    The table has a column that says whose a row is, or leads there; the policy asks a table of who belongs to what, and
    not whether that is the same. That only staff gets in, to all rows, is no flaw. Where it asks of anybody's
    membership by the order of AND and OR, that is the flaw.
    """
    written = clause.written
    if written is None or not clause.policy.permissive or opaque(written) or not personal(written):
        return
    tables = clause.reading.outcomes.tables
    own = leads_to(tables, clause.relation.oid) - {tables.users}
    members = {
        source.relation: source
        for source in sorted(set(sources(written)), key=lambda one: one.name)
        if tables.users in belongs_to(tables, source.relation) and own & belongs_to(tables, source.relation)
    }
    asked = of_the_row(written)
    if not members or (asked and (any(precedence(clause)) or not _lets_others_in(clause, frozenset(members)))):
        return
    catalog = clause.access.catalog
    for oid, source in members.items():
        names = sorted(catalog.identity(catalog.relations[one]) for one, _ in own & belongs_to(tables, oid))
        what = "not whether the row belongs to the same" if asked else "nothing of the row"
        whose = "rows of others" if asked else "the rows of all"
        yield clause.flaw(
            Kind.ROW_INDEPENDENT,
            f"asks {source.name} who one is, and {what}: who belongs to one of {names[0]} gets {whose}",
        )


def _lets_others_in(clause: Clause, members: frozenset[int]) -> bool:
    """Whether a member of anything, by rows in these tables alone, surely gets at a row that belongs to something else.

    Where a row is reached without being a member it is no matter of memberships.
    """
    sight = clause.usual
    if sight is None or not sight.bounds.at_least < Reach.SOME <= sight.bounds.at_most:
        return False
    relation = clause.relation.oid
    return clause.reading.prover.as_member(sight.expression, sight.persona, relation, members) is not None
