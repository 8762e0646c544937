"""What tells of rows without handing them out as a statement does: publications, public buckets, foreign keys.

No reach comes of these: Realtime asks for SELECT and its policies before it sends a change, and a foreign key answers
yes or no. What they give away all the same is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import FILES, Platform
from rlsaudit.model import Operation, Reach
from rlsaudit.names import ident

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules import Case

_FULL = "f"


def asides(case: Case, persona: Persona, relation: Relation, operation: Operation) -> Iterator[str]:
    """Yields in words what of the relation's rows gets out besides what is read: nothing but for SELECT."""
    if operation is not Operation.SELECT:
        return
    yield from _published(case, persona, relation)
    yield from _files(case, relation)
    yield from _referenced(case, persona, relation)


def _published(case: Case, persona: Persona, relation: Relation) -> Iterator[str]:
    supabase = case.platform is Platform.SUPABASE
    if supabase and not case.access.on_any_column(case.role(persona).oid, relation, "SELECT"):
        # Realtime sends the columns that may be read, of deleted rows as well.
        return
    for one in case.catalog.snapshot.publications:
        if relation.oid not in one.relations:
            continue
        if not supabase:
            yield f"publication {ident(one.name)} sends its changes to whoever may subscribe, without policies"
        elif relation.rls:
            yield (
                f"publication {ident(one.name)}: Realtime sends changes of rows that SELECT lets through, and of each "
                "deleted row the primary key, to everybody"
            )
        else:
            old = " with the whole deleted row" if relation.replica_identity == _FULL else ""
            yield f"publication {ident(one.name)}: Realtime sends every change{old}, for there are no policies to ask"


def _files(case: Case, relation: Relation) -> Iterator[str]:
    if case.platform is Platform.SUPABASE and case.catalog.identity(relation) == ".".join(FILES):
        for bucket in case.catalog.snapshot.buckets:
            if bucket.public:
                yield f"bucket {bucket.name} is public: whoever knows a file's path reads it, without policies"


def _referenced(case: Case, persona: Persona, relation: Relation) -> Iterator[str]:
    """Tables whose foreign keys point here, and into which the persona may be able to write."""
    for constraint in case.catalog.snapshot.constraints:
        if constraint.kind != "f" or constraint.foreign_relation != relation.oid or constraint.relation == relation.oid:
            continue
        other = case.catalog.relations[constraint.relation]
        ways = (case.direct.way(persona, other, one) for one in (Operation.INSERT, Operation.UPDATE))
        if any(one.at_most is not Reach.NONE for one in ways):
            yield (
                f"a foreign key of {case.catalog.identity(other)} points here: writing there tells whether a key exists"
            )
