"""auth-exposure: Supabase's own tables of users and sessions, readable through the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Severity
from rlsaudit.names import ident
from rlsaudit.rules.build import Who, finding, worst
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed, who_can

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.reach.origins import Origin, TableColumn
    from rlsaudit.rules.case import Case

HARMLESS = frozenset({"id", "user_id", "aud", "role", "created_at", "updated_at", "instance_id"})
"""Columns of auth.* that tell that somebody is there, and no more."""


def check(case: Case) -> Iterator[Found]:
    """Yields views and grants by which a persona reads rows of auth.* that are not its own."""
    for view in case.exposed:
        if view.kind in "vm" and view.extension is None and (shown := exposes_auth(case, view)):
            yield from _view(case, view, shown)
    for relation in case.catalog.snapshot.relations:
        if case.is_auth(relation) and relation.kind in "rpvm" and relation.extension is None:
            yield from _granted(case, relation)


@dataclass(frozen=True, slots=True)
class Exposed:
    """Columns of a relation in auth that a view shows, in order, each with how it does: ` as contact`, say.

    `private` is whether some tell more than that somebody is there. `known` is False where the view's query is not
    understood, so that it may show them.
    """

    relation: Relation
    columns: tuple[tuple[str, str], ...]
    private: bool
    known: bool


def exposes_auth(case: Case, view: Relation) -> tuple[Exposed, ...]:
    """Returns what a view shows of relations in auth, however it calls the columns and through however many views.

    Only columns count that may be read, where not all of the view's may be.
    """
    if not case.origins.may_show(view, case.auth_relations):
        return ()
    readable = case.readable(view)
    shown: dict[TableColumn, list[tuple[str, Origin]]] = {}
    for name, origin in case.origins.of_all(view).items():
        for one in origin.columns if name in readable else ():
            if one[0] in case.auth_relations:
                shown.setdefault(one, []).append((name, origin))
    return tuple(_exposed(case, oid, shown) for oid in sorted({oid for oid, _ in shown}))


def _exposed(case: Case, oid: int, shown: dict[TableColumn, list[tuple[str, Origin]]]) -> Exposed:
    ways = {one.name: shown[oid, one.name] for one in case.catalog.columns[oid] if (oid, one.name) in shown}
    known = {one: outputs for one, outputs in ways.items() if any(origin.known for _, origin in outputs)}
    told = known or ways
    return Exposed(
        case.catalog.relations[oid],
        tuple((column, _how((oid, column), outputs)) for column, outputs in told.items()),
        private=not told.keys() <= HARMLESS,
        known=bool(known),
    )


def _how(column: TableColumn, outputs: list[tuple[str, Origin]]) -> str:
    """How a view shows a column, in words: nothing where it has the same name there."""
    plain = [name for name, origin in outputs if column in origin.plain]
    within = [name for name, origin in outputs if column not in origin.plain and origin.known]
    if column[1] in plain:
        return ""
    if plain:
        return f" as {listed([ident(one) for one in plain])}"
    return f" within {listed([ident(one) for one in within])}" if within else ""


def _told(case: Case, exposed: Exposed) -> list[str]:
    """The columns in words, all at once where the view shows every one in the same way."""
    identity = case.catalog.identity(exposed.relation)
    hows = {how for _, how in exposed.columns}
    if len(exposed.columns) == len(case.catalog.columns[exposed.relation.oid]) > 1 and len(hows) == 1:
        return [f"every column of {identity}{hows.pop()}"]
    return [f"{identity}.{ident(column)}{how}" for column, how in exposed.columns]


def _view(case: Case, view: Relation, shown: tuple[Exposed, ...]) -> Iterator[Found]:
    cells = case.beyond(view)
    if not cells:
        return
    identity = case.catalog.identity(view)
    names = [case.catalog.identity(one.relation) for one in shown]
    surely = [one for one in shown if one.known]
    shows = "shows" if surely else "may show"
    columns = [text for one in surely or shown for text in _told(case, one)]
    because = "" if surely else ": its query is not understood"
    read = any(one.operation is Operation.SELECT for one in cells)
    changed = any(one.operation in {Operation.UPDATE, Operation.DELETE} for one in cells)
    personas = [case.persona(name) for name in dict.fromkeys(one.persona for one in cells)]
    yield Found(
        finding(
            RULE,
            case.ref(view),
            worst(cells),
            title=f"{identity} {shows} {listed(names)} to clients",
            message=f"{who_can(cells)} of {identity}, which {shows} {listed(columns)}{because}.",
            evidence=case.evidence(cells, view),
            fix=f"revoke all on {identity} from {', '.join(case.holders(personas, view.acl, 'SELECT')) or 'public'};",
            relations=[identity, *names],
            severity=Severity.CRITICAL if changed or (read and any(one.private for one in surely)) else Severity.HIGH,
        ),
        case.claims([view], case.led_by(identity, (one.relation for p in personas for one in case.reads(p, view)))),
    )


def _granted(case: Case, relation: Relation) -> Iterator[Found]:
    """A new project grants the API roles nothing in auth."""
    found = [
        (persona, operation, way)
        for persona in case.personas
        for operation in Operation
        if (way := case.direct.way(persona, relation, operation)).at_least > case.intended(persona, relation, operation)
    ]
    if not found:
        return
    identity = case.catalog.identity(relation)
    persona, operation, way = found[0]
    operations = list(dict.fromkeys(one.value for _, one, _ in found))
    personas = list(dict.fromkeys(one.name for one, _, _ in found))
    holders = dict.fromkeys(
        name for one, privilege, _ in found for name in case.holders([one], relation.acl, privilege.value.upper())
    )
    served = relation in case.exposed
    yield Found(
        finding(
            RULE,
            case.ref(relation),
            Who(
                persona.name,
                operations[0] if len(operations) == 1 else "all",
                way.at_least,
                case.intended(persona, relation, operation),
            ),
            title=f"{identity} is granted to clients",
            message=(
                f"{listed(personas)} may {listed(operations)} any row of {identity}, which a new project grants to "
                "nobody" + ("." if served else ": any view or function that runs as its caller leads there.")
            ),
            evidence=case.granted_evidence(persona, relation, operation, way.because),
            fix=f"revoke {', '.join(operations)} on {identity} from {', '.join(holders) or 'public'};",
            relations=[identity],
            severity=Severity.CRITICAL if served else Severity.HIGH,
        ),
        case.claims([relation]),
    )


RULE = Rule(
    id="auth-exposure",
    severity=Severity.CRITICAL,
    summary="Rows of auth.users, or of another table in which Supabase keeps users, are readable through the API.",
    why=(
        "auth.users holds everybody's e-mail address, phone number, metadata and last sign-in, and tokens with which "
        "accounts are taken over. Supabase keeps it out of the API; a view in a served schema brings it back, with the "
        "rights of `postgres`. A plain view can also be written: whoever puts an e-mail address of his own into an "
        "account gets the link for its new password."
    ),
    fix=(
        "Revoke the view from the API roles. Keep what the application shows of people in a table of its own, with "
        "policies, and fill it by a trigger on auth.users."
    ),
    fine="Hardly ever. A view that shows callers their own row, by `where id = auth.uid()`, is no finding.",
    bad=(
        Example(
            "A directory of users",
            """
            create view public.user_directory as select id, email, last_sign_in_at from auth.users;
            """,
        ),
        Example(
            "Joined to a table that is protected",
            """
            create table public.profiles (id uuid primary key references auth.users (id), name text);
            alter table public.profiles enable row level security;
            create policy "own profile" on public.profiles to authenticated using ((select auth.uid()) = id);
            create view public.people as
              select p.id, p.name, u.email as contact from public.profiles p join auth.users u on u.id = p.id;
            revoke all on public.people from anon;
            """,
        ),
        Example(
            "Through two views, under other names",
            """
            create schema internal;
            create view internal.accounts as select id as ref, lower(email) as login, phone as tel from auth.users;
            create view public.people as select ref, split_part(login, '@', 1) as nick, tel from internal.accounts;
            """,
        ),
        Example(
            "A whole row",
            """
            create view public.people as select to_jsonb(u) as person from auth.users u;
            """,
        ),
        Example(
            "A copy",
            """
            create materialized view public.user_stats as select email, last_sign_in_at from auth.users;
            """,
        ),
    ),
    good=(
        Example(
            "The caller's own account",
            """
            create view public.my_account as select id, email from auth.users where id = (select auth.uid());
            revoke insert on public.my_account from anon, authenticated;
            """,
        ),
        Example(
            "For the server only",
            """
            create view public.user_directory as select id, email from auth.users;
            revoke all on public.user_directory from anon, authenticated;
            """,
        ),
        Example(
            "With the caller's rights, who has none on auth.users",
            """
            create view public.user_directory with (security_invoker = on) as select id, email from auth.users;
            """,
        ),
        Example(
            "A number of users",
            """
            create view public.numbers as select count(*) as users from auth.users;
            """,
        ),
        Example(
            "Asked for, and not shown",
            """
            create table public.posts (id bigint primary key, author uuid, title text);
            alter table public.posts enable row level security;
            create policy "everybody reads" on public.posts for select using (true);
            create view public.posts_of_members as
              select p.id, p.title, u.email is not null as confirmed
              from public.posts p join auth.users u on u.id = p.author where u.email is not null;
            revoke insert, update, delete on public.posts_of_members from anon, authenticated;
            """,
        ),
    ),
    check=check,
)
