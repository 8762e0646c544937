"""Conditions that ask nothing of the row, where the tables say what they should have asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.policy.flaws.clause import of_the_row, opaque, personal, sources
from rlsaudit.policy.flaws.flaw import Kind
from rlsaudit.policy.flaws.things import belongs_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.policy.flaws.clause import Clause
    from rlsaudit.policy.flaws.flaw import Flaw


def row_independent(clause: Clause) -> Iterator[Flaw]:
    """Yields that whoever belongs to one organisation, project and so on gets the rows of all.

    The table has a column that says whose a row is, the policy asks a table of who belongs to what, and not whether
    that is the same. That only staff gets in, to all rows, is no flaw.
    """
    written = clause.written
    if written is None or not clause.policy.permissive or opaque(written):
        return
    if of_the_row(written) or not personal(written):
        return
    tables = clause.reading.outcomes.tables
    users = {tables.users}
    own = belongs_to(tables, clause.relation.oid) - users
    for source in sorted(set(sources(written)), key=lambda one: one.name):
        shared = own & belongs_to(tables, source.relation)
        if shared and tables.users in belongs_to(tables, source.relation):
            catalog = clause.access.catalog
            names = sorted(catalog.identity(catalog.relations[relation]) for relation, _ in shared)
            yield clause.flaw(
                Kind.ROW_INDEPENDENT,
                f"asks {source.name} who one is, and nothing of the row: who belongs to one of {names[0]} gets the "
                "rows of all",
            )
