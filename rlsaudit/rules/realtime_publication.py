"""realtime-publication: Realtime sends the changes of a table to whoever listens, past the API and its schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.rules.asked import asked_as, holds_on
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Publication, Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_PUBLICATION = "supabase_realtime"
_FULL = "f"


def check(case: Case) -> Iterator[Found]:
    """Yields published tables whose changes reach further than intended, where no verdict on the table tells that."""
    for publication, relation in _published(case):
        read = case.beyond(relation, [Operation.SELECT])
        told = any(case.way(one, relation).at_least > one.intended for one in read)
        personas = [one for one in case.personas if _listens(case, one, relation)]
        if not personas or told:
            continue
        if not relation.rls:
            yield _changes(case, publication, relation, personas)
        elif telling := _telling_key(case, relation):
            yield _deletes(case, publication, relation, personas, telling)


def published_aside(case: Case, relation: Relation) -> str:
    """Returns a sentence to add to a finding about a table, where Realtime publishes it as well; else nothing."""
    if not any(one.oid == relation.oid for _, one in _published(case)):
        return ""
    old = ", old rows included," if relation.replica_identity == _FULL else ""
    return f" Realtime sends its changes{old} to whoever listens."


def _published(case: Case) -> Iterator[tuple[Publication, Relation]]:
    if case.platform is not Platform.SUPABASE:
        return
    for publication in case.catalog.snapshot.publications:
        for oid in publication.relations if publication.name == _PUBLICATION else ():
            relation = case.catalog.relations.get(oid)
            if relation is not None and not case.is_platforms(case.catalog.schema_name(relation)):
                yield publication, relation


def _listens(case: Case, persona: Persona, relation: Relation) -> bool:
    """Whether Realtime sends the persona changes of rows that are not meant for it.

    It asks for SELECT on a column, and neither for USAGE of the schema nor whether the API serves it.
    """
    role = case.role(persona).oid
    granted = case.access.on_any_column(role, relation, "SELECT")
    return granted and case.intended(persona, relation, Operation.SELECT) < Reach.ALL


def _telling_key(case: Case, relation: Relation) -> list[str]:
    """The columns of the primary key that name a user or a tenant, or are private."""
    keys = {number for one in case.catalog.constraints[relation.oid] if one.kind == "p" for number in one.columns}
    names = [one.name for one in case.catalog.columns[relation.oid] if one.number in keys]
    telling = {*case.owner_columns(relation), *case.sensitive(relation, names)}
    return [one for one in names if one in telling]


def _changes(case: Case, publication: Publication, relation: Relation, personas: list[Persona]) -> Found:
    identity = case.catalog.identity(relation)
    full = relation.replica_identity == _FULL
    rows = "as it was and as it is" if full else "as it is"
    drop = f"alter publication {ident(publication.name)} drop table {identity};"
    return Found(
        finding(
            RULE,
            case.ref(relation),
            Who(personas[0].name, "select", Reach.ALL, case.intended(personas[0], relation, Operation.SELECT)),
            title=f"Realtime sends every change of {identity} to whoever listens",
            message=(
                f"{listed([one.name for one in personas])} may read {identity}, which has no row-level security, and "
                f"the publication {ident(publication.name)} has it: Realtime sends them each row that changes, {rows}, "
                "whether or not the API serves the schema."
            ),
            evidence=asked_as(
                case, personas[0], holds_on(case, relation, "SELECT", columns=True), "granted; published; RLS off"
            ),
            fix=f"alter table {identity} enable row level security;" if publication.all_tables else drop,
            relations=[identity],
        )
    )


def _deletes(
    case: Case, publication: Publication, relation: Relation, personas: list[Persona], telling: list[str]
) -> Found:
    identity = case.catalog.identity(relation)
    return Found(
        finding(
            RULE,
            case.ref(relation),
            Who(personas[0].name, "select", Reach.SOME, case.intended(personas[0], relation, Operation.SELECT)),
            title=f"Realtime tells everybody whose rows of {identity} are deleted",
            message=(
                f"No policy is asked about a row that is gone: whoever listens to {identity} gets the primary key of "
                f"each deleted row, with {listed(telling)} in it. {listed([one.name for one in personas])} may listen."
            ),
            evidence=asked_as(
                case, personas[0], holds_on(case, relation, "SELECT", columns=True), "granted; published; RLS on"
            ),
            fix=(
                f"-- Or give the table a primary key that tells nothing.\n"
                f"alter publication {ident(publication.name)} drop table {identity};"
            ),
            relations=[identity],
            severity=Severity.LOW,
        )
    )


_PRIVATE = """
            create schema billing;
            grant usage on schema billing to authenticated;
            create table billing.charges (id bigint primary key, user_id uuid, amount numeric);
            grant select on billing.charges to authenticated;
            alter publication supabase_realtime add table billing.charges;"""

RULE = Rule(
    id="realtime-publication",
    severity=Severity.CRITICAL,
    summary="Realtime sends changes of a table to clients that they are not meant for.",
    why=(
        "Whoever subscribes to a published table gets its changes. Realtime asks whether the role may read a column "
        "of the table, and its policies where row-level security is on; it does not ask whether the API serves the "
        "schema. Without row-level security everybody gets every row that is written, and with `replica identity full` "
        "the old one as well. Deleted rows pass no policy: with row-level security their primary key is sent all the "
        "same, which matters where it names somebody."
    ),
    fix=(
        "Take the table out of the publication, or enable row-level security and write policies: Realtime asks them "
        "for each subscriber. Where deletes tell too much, use a key that means nothing."
    ),
    fine=(
        "Where everybody may read the table. A table that the API serves without row-level security is a finding of "
        "rls-off, which then names the publication. Which rows of somebody's are deleted is of level low."
    ),
    bad=(
        Example("A schema that the API does not serve, and a table without row-level security", _PRIVATE),
        Example(
            "With old rows",
            f"""{_PRIVATE}
            alter table billing.charges replica identity full;
            """,
        ),
        Example(
            "All tables are published",
            """
            create schema billing;
            grant usage on schema billing to authenticated;
            create table billing.charges (id bigint primary key, user_id uuid, amount numeric);
            grant select on billing.charges to authenticated;
            """,
            before="drop publication if exists supabase_realtime; create publication supabase_realtime for all tables;",
        ),
        Example(
            "Whose membership ends, in the primary key",
            """
            create table public.members (team_id bigint, user_id uuid, primary key (team_id, user_id));
            alter table public.members enable row level security;
            create policy own on public.members for select to authenticated using ((select auth.uid()) = user_id);
            alter publication supabase_realtime add table public.members;
            """,
        ),
    ),
    good=(
        Example(
            "Rows that policies keep apart, under a key that says nothing",
            """
            create table public.messages (id uuid primary key, user_id uuid, body text);
            alter table public.messages enable row level security;
            create policy own on public.messages for select to authenticated using ((select auth.uid()) = user_id);
            alter publication supabase_realtime add table public.messages;
            """,
        ),
        Example(
            "Granted to nobody",
            """
            create schema billing;
            create table billing.charges (id bigint primary key, user_id uuid, amount numeric);
            alter publication supabase_realtime add table billing.charges;
            """,
        ),
        Example(
            "In a publication for something else",
            """
            create schema billing;
            grant usage on schema billing to authenticated;
            create table billing.charges (id bigint primary key, user_id uuid, amount numeric);
            grant select on billing.charges to authenticated;
            create publication warehouse for table billing.charges;
            """,
        ),
    ),
    check=check,
)
