"""auth-exposure: Supabase's own tables of users and sessions, readable through the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Severity
from rlsaudit.rules.build import Who, finding, worst
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.shown import origins
from rlsaudit.rules.wording import listed, who_can

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.rules.case import Case

_HARMLESS = frozenset({"id", "user_id", "aud", "role", "created_at", "updated_at", "instance_id"})
"""Columns of auth.* that tell that somebody is there, and no more."""


def check(case: Case) -> Iterator[Found]:
    """Yields views and grants by which a persona reads rows of auth.* that are not its own."""
    for view in case.exposed:
        if view.kind in "vm" and view.extension is None and (shown := exposes_auth(case, view)):
            yield from _view(case, view, shown)
    for relation in case.catalog.snapshot.relations:
        if case.is_auth(relation) and relation.kind in "rpvm" and relation.extension is None:
            yield from _granted(case, relation)


def exposes_auth(case: Case, view: Relation) -> dict[Relation, tuple[str, ...]]:
    """Returns the relations in auth that a view shows columns of, with these columns."""
    found: dict[Relation, list[str]] = {}
    for oid, column in sorted(origins(case, view)):
        relation = case.catalog.relations[oid]
        if case.is_auth(relation):
            found.setdefault(relation, []).append(column)
    return {relation: tuple(columns) for relation, columns in found.items()}


def _view(case: Case, view: Relation, shown: dict[Relation, tuple[str, ...]]) -> Iterator[Found]:
    cells = case.beyond(view)
    if not cells:
        return
    identity = case.catalog.identity(view)
    names = [case.catalog.identity(one) for one in shown]
    columns = list(dict.fromkeys(f"{case.catalog.identity(one)}.{column}" for one in shown for column in shown[one]))
    private = any(column not in _HARMLESS for group in shown.values() for column in group)
    read = any(one.operation is Operation.SELECT for one in cells)
    changed = any(one.operation in {Operation.UPDATE, Operation.DELETE} for one in cells)
    personas = [case.persona(name) for name in dict.fromkeys(one.persona for one in cells)]
    yield Found(
        finding(
            RULE,
            case.ref(view),
            worst(cells),
            title=f"{identity} shows {listed(names)} to clients",
            message=f"{who_can(cells)} of {identity}, which shows {listed(columns)}.",
            evidence=case.evidence(cells, view),
            fix=f"revoke all on {identity} from {', '.join(case.holders(personas, view.acl, 'SELECT')) or 'public'};",
            relations=[identity, *names],
            severity=Severity.CRITICAL if changed or (private and read) else Severity.HIGH,
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
    ),
    check=check,
)
