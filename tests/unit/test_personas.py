"""Whom an audit impersonates, on a Supabase project and on plain Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, Platform, platform_of, take
from rlsaudit.connect import connect
from rlsaudit.errors import UsageError
from rlsaudit.intent import BUILT_IN_PERSONAS
from rlsaudit.model import STRANGER, Persona
from rlsaudit.personas import Cast, built_in, choose, owns_nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.connect import Session
    from rlsaudit.model import JsonObject

APP = """
create role per_login login;
create role per_tenant;
create role per_staff;
create role per_unreachable;
create role per_boss superuser login;
create role per_noinherit login noinherit;
grant per_tenant to per_login;
grant per_staff to per_tenant;
grant pg_read_all_data to per_login;
create table public.t (tenant text);
alter table public.t enable row level security;
"""


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    """In a transaction, so that the roles go with it."""
    with connect(database) as admin, admin.rolled_back():
        admin.execute(APP)
        yield admin


def cast(session: Session, *roles: str, declared: tuple[Persona, ...] = ()) -> Cast:
    access = Access(Catalog(take(session)))
    return choose(access, platform_of(access.catalog), roles, declared)


def names(chosen: Cast) -> set[str]:
    return {one.name for one in chosen.personas if one.name.startswith("per_")}


def test_supabase_has_personas_of_its_own(supabase_database: str) -> None:
    with connect(supabase_database) as admin, admin.read_only():
        chosen = cast(admin)
    assert [(one.name, one.role) for one in chosen.personas] == [
        ("anon", "anon"),
        ("authenticated", "authenticated"),
    ]
    anon, stranger = chosen.personas
    assert anon.claims == {"role": "anon"}
    assert (stranger.claims["sub"], stranger.claims["role"]) == (STRANGER, "authenticated")
    assert chosen.notes == ()


def test_the_stranger_of_supabase_owns_nothing_and_is_a_uuid(supabase_database: str) -> None:
    with psycopg.connect(supabase_database) as admin:
        assert admin.execute("select count(*) from auth.users where id = %s::uuid", [STRANGER]).fetchone() == (0,)


def test_a_role_asked_for_replaces_the_personas_of_supabase(supabase_database: str) -> None:
    with connect(supabase_database) as admin, admin.read_only():
        chosen = cast(admin, "service_role", "anon", "anon")
    assert [(one.name, one.claims["role"]) for one in chosen.personas] == [
        ("service_role", "service_role"),
        ("anon", "anon"),
    ]


def test_the_api_roles_alone_make_no_supabase(session: Session) -> None:
    assert platform_of(Catalog(take(session))) is Platform.POSTGRES


def test_on_plain_postgres_whoever_can_log_in_or_be_reached_is_a_persona(session: Session) -> None:
    assert names(cast(session)) == {"per_login", "per_tenant", "per_staff", "per_noinherit"}


def test_a_membership_without_set_leads_nowhere(session: Session) -> None:
    if session.server_version_num >= 160_000:
        session.execute("grant per_staff to per_tenant with set false; grant per_tenant to per_login with set true")
        expected = {"per_login", "per_tenant", "per_noinherit"}
    else:
        session.execute("revoke per_staff from per_tenant")
        expected = {"per_login", "per_tenant", "per_noinherit"}
    assert names(cast(session)) == expected


def test_an_unknown_role_is_refused_with_the_nearest_one(session: Session) -> None:
    with pytest.raises(UsageError, match="per_tenat") as raised:
        cast(session, "per_tenat")
    assert raised.value.hint == "Did you mean per_tenant?"


def test_an_unknown_role_like_no_other_is_refused_with_all_that_there_are(session: Session) -> None:
    with pytest.raises(UsageError) as raised:
        cast(session, "zzz999")
    assert "per_login, per_noinherit" in raised.value.hint


def test_the_role_of_a_declared_persona_has_to_exist(session: Session) -> None:
    with pytest.raises(UsageError, match="gym_app"):
        cast(session, declared=(Persona("gym", "gym_app"),))


def test_a_declared_persona_takes_the_place_of_its_namesake(session: Session) -> None:
    declared = Persona("per_tenant", "per_staff", settings={"app.tenant_id": "$tenant"})
    chosen = cast(session, declared=(declared,))
    assert [one for one in chosen.personas if one.name == "per_tenant"] == [declared]
    assert names(chosen) == {"per_login", "per_tenant", "per_staff", "per_noinherit", "per_staff-unset"}


def test_on_supabase_a_declared_role_may_lack_its_settings_as_well(session: Session) -> None:
    declared = Persona("gym", "per_tenant", settings={"app.tenant_id": "$tenant", "app.kind": "gym"})
    found = choose(Access(Catalog(take(session))), Platform.SUPABASE, ("per_login",), (declared,)).personas
    assert {one.name: one.settings for one in found} == {
        "per_login": {},
        "gym": declared.settings,
        "per_tenant-unset": {"app.tenant_id": ""},
    }


READS = (
    "create policy p on public.t using (tenant = current_setting('app.tenant', true))",
    "create policy p on public.t for insert with check (tenant = pg_catalog.current_setting('APP.Tenant'))",
    "create policy p on public.t using (tenant = (select current_setting('app.tenant')::uuid::text))",
    "create function public.f() returns text language sql as 'select CURRENT_SETTING ( ''app.tenant'' , true)'",
    "create function public.f() returns text language sql begin atomic select current_setting('app.tenant'); end",
    "create view public.v as select * from public.t where tenant = current_setting('app.tenant')",
)


@pytest.mark.parametrize("statement", READS)
def test_a_setting_that_is_read_is_the_identity_that_the_application_gives(session: Session, statement: str) -> None:
    session.execute(statement)
    session.execute("create role per_past login bypassrls")
    chosen = cast(session)
    set_by_it = {one.name for one in chosen.personas if one.settings == {"app.tenant": "$app.tenant"}}
    without = {one.name for one in chosen.personas if one.settings == {"app.tenant": ""}}
    assert "per_past" in set_by_it
    # What was set says nothing of what a role reaches that no policy binds.
    bound = {one.name for one in take(session).roles if not one.bypass_rls}
    assert without == {f"{name}-unset" for name in set_by_it & bound}
    assert len(chosen.personas) == len(set_by_it | without)
    assert chosen.notes == ("assumed: app.tenant is set by the application, so its value is who a request belongs to",)


def test_settings_of_the_server_and_of_requests_are_no_identity(session: Session) -> None:
    session.execute(
        "create policy p on public.t using (tenant = current_setting('request.jwt.claims')"
        " or tenant = current_setting('role') or tenant = 'current_setting(app.x)')"
    )
    chosen = cast(session)
    assert {str(one.settings) for one in chosen.personas} == {"{}"}
    assert chosen.notes == ()


SESSIONS = {
    "create policy p on public.t using ((auth.jwt() ->> 'is_anonymous')::boolean is false)": ["anonymous-sign-in"],
    "create policy p on public.t using (auth.jwt() #>> '{aal}' = 'aal2')": ["aal2"],
    "create function public.f() returns text language sql as $$ select auth.jwt() ->> 'aal' $$": ["aal2"],
    "create function public.f() returns text language plpgsql as "
    "$$ begin execute 'select auth.jwt() ->> ''is_anonymous'''; return ''; end $$": ["anonymous-sign-in"],
    "create view public.v as select * from public.t where (auth.jwt() -> 'is_anonymous')::boolean "
    "or auth.jwt() ->> 'aal' = 'aal2'": ["anonymous-sign-in", "aal2"],
    "create policy p on public.t using (tenant = 'is_anonymously')": [],
    "create view public.v as select u.is_anonymous from auth.users u": [],
}


@pytest.mark.parametrize("statement", SESSIONS)
def test_a_session_is_a_persona_where_something_asks_for_it(supabase_database: str, statement: str) -> None:
    with connect(supabase_database) as admin, admin.rolled_back():
        admin.execute("create table public.t (tenant text)")
        admin.execute(statement)
        chosen = cast(admin)
    assert [one.name for one in chosen.personas] == ["anon", "authenticated", *SESSIONS[statement]]
    assert {one.role for one in chosen.personas[1:]} == {"authenticated"}


def test_what_is_built_in_has_the_names_that_an_intent_may_use() -> None:
    for name in BUILT_IN_PERSONAS["supabase"]:
        found = built_in(name)
        assert found is not None
        assert found.name == name


def test_a_role_with_the_name_of_a_session_is_that_role(supabase_database: str) -> None:
    with connect(supabase_database) as admin, admin.rolled_back():
        admin.execute("create role aal2")
        (chosen,) = cast(admin, "aal2").personas
    assert (chosen.role, chosen.claims) == ("aal2", {"role": "aal2"})


@pytest.mark.parametrize(
    ("claims", "nobodys"),
    [
        ({}, False),
        # The name of its role is who it is: rows may hold that.
        ({"role": "x"}, False),
        ({"sub": STRANGER}, True),
        ({"sub": "$user"}, True),
        ({"sub": "7"}, False),
    ],
)
def test_a_persona_owns_nothing_where_its_claims_say_that_it_is_nobody(claims: JsonObject, *, nobodys: bool) -> None:
    assert owns_nothing(Persona("x", "x", claims)) is nobodys


def test_a_role_that_the_api_takes_for_everybody_owns_nothing() -> None:
    assert owns_nothing(Persona("anon", "anon", {"role": "anon"}))
