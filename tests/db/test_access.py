"""What is easily got wrong about privileges, each next to what the server says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.access import Access, Reasons, reads_through
from rlsaudit.catalog import Catalog, take
from rlsaudit.connect import connect
from rlsaudit.model import Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.connect import Session

pytestmark = pytest.mark.majors


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    """In a transaction, so that roles that a test makes go with it."""
    with connect(database) as admin, admin.rolled_back():
        yield admin


def access_of(session: Session) -> Access:
    return Access(Catalog(take(session)))


def oid(access: Access, role: str) -> int:
    return access.catalog.roles_by_name[role].oid


def test_whoever_reads_all_data_may_not_use_a_sequence(session: Session) -> None:
    session.execute("create role acs_a; grant pg_read_all_data, pg_write_all_data to acs_a; create sequence public.q")
    access = access_of(session)
    sequence = access.catalog.relations_by_name["public", "q"]
    for privilege, expected in (("USAGE", False), ("SELECT", True), ("UPDATE", True)):
        told = session.fetch_value(f"select pg_catalog.has_sequence_privilege('acs_a', 'public.q', '{privilege}')")
        assert told is expected
        assert access.on_table(oid(access, "acs_a"), sequence, privilege) is expected


def test_a_database_owner_without_inherit_is_no_different_since_16(session: Session) -> None:
    session.execute(
        "create role acs_a noinherit; create table public.t (); grant select on public.t to pg_database_owner"
    )
    session.execute(f'alter database "{session.database}" owner to acs_a')
    access = access_of(session)
    table = access.catalog.relations_by_name["public", "t"]
    told = session.fetch_value("select pg_catalog.has_table_privilege('acs_a', 'public.t', 'SELECT')")
    assert told is (session.server_version_num >= 160_000)
    assert access.on_table(oid(access, "acs_a"), table, "SELECT") is told
    assert oid(access, "pg_database_owner") in access.roles.settable(oid(access, "acs_a"))


def test_a_table_without_columns_can_still_be_read(session: Session) -> None:
    session.execute("create role acs_a; create table public.t (); grant select on public.t to acs_a")
    access = access_of(session)
    table = access.catalog.relations_by_name["public", "t"]
    assert session.fetch_value("select pg_catalog.has_any_column_privilege('acs_a', 'public.t', 'SELECT')")
    assert access.on_any_column(oid(access, "acs_a"), table, "SELECT")
    assert access.columns(oid(access, "acs_a"), table, "SELECT") == ()


def test_it_is_said_through_whom_a_privilege_is_held(session: Session) -> None:
    session.execute(
        "create role acs_a superuser; create role acs_b; create role acs_c; create role acs_d; create role acs_e;"
        "create table public.t (); grant select on public.t to acs_b; grant acs_b to acs_c;"
        "grant pg_read_all_data to acs_d; grant insert on public.t to public"
    )
    access = access_of(session)
    table = access.catalog.relations_by_name["public", "t"]
    owner = access.name(table.owner)
    reasons = Reasons(access)
    assert {name: reasons.privilege(oid(access, f"acs_{name}"), table, "SELECT").through for name in "abcde"} == {
        "a": ("acs_a is a superuser",),
        "b": (f"granted to acs_b by {owner}",),
        "c": (f"granted to acs_b by {owner}", "acs_c inherits from acs_b"),
        "d": ("pg_read_all_data has it on everything", "acs_d inherits from pg_read_all_data"),
        "e": ("not granted to acs_e, nor to PUBLIC or a role that it inherits from",),
    }
    link = reasons.privilege(oid(access, "acs_e"), table, "INSERT")
    assert (link.what, link.through, link.ends) == ("INSERT on public.t", (f"granted to PUBLIC by {owner}",), False)


def test_a_reason_names_the_shortest_chain_and_the_default_that_makes_the_same(session: Session) -> None:
    session.execute(
        "create role acs_far; create role acs_mid in role acs_far; create role acs_a in role acs_mid, acs_far;"
        "create role acs_maker; create schema s; grant create, usage on schema s to acs_maker;"
        "alter default privileges for role acs_maker in schema s grant select on tables to acs_far;"
        "set local role acs_maker; create table s.t (a int, b int); create table s.c (a int, b int);"
        "revoke select on s.c from acs_far; grant select (b) on s.c to acs_mid; reset role"
    )
    access = access_of(session)
    reasons, role = Reasons(access), oid(access, "acs_a")
    link = reasons.privilege(role, access.catalog.relations_by_name["s", "t"], "SELECT")
    assert link.through == (
        "granted to acs_far by acs_maker",
        "acs_a inherits from acs_far",
        "as the default privileges of acs_maker in schema s give it on each new table",
    )
    link = reasons.privilege(role, access.catalog.relations_by_name["s", "c"], "SELECT")
    assert link.what == "SELECT on columns of s.c: b"
    assert link.through == ("granted to acs_mid by acs_maker", "acs_a inherits from acs_mid")
    assert reasons.usage(role, access.catalog.schemas[access.catalog.relations_by_name["s", "t"].schema]).ends


def test_a_reason_says_why_policies_do_not_filter(session: Session) -> None:
    session.execute(
        "create role acs_super superuser; create role acs_bypass bypassrls; create role acs_owner;"
        "create role acs_other in role acs_owner; create table public.on_ (); create table public.off_ ();"
        "create table public.forced (); alter table public.on_ enable row level security, owner to acs_owner;"
        "alter table public.forced enable row level security, force row level security, owner to acs_owner;"
        "create policy idle on public.off_ using (true); create policy ours on public.forced to acs_owner using (1 > 2)"
    )
    access = access_of(session)
    reasons, tables = Reasons(access), access.catalog.relations_by_name
    on, off, forced = (tables["public", one] for one in ("on_", "off_", "forced"))
    other = oid(access, "acs_other")
    assert reasons.row_security(other, off).through == ("off, so that its policies do nothing",)
    assert reasons.row_security(oid(access, "acs_super"), on).through == ("acs_super is a superuser",)
    assert reasons.row_security(oid(access, "acs_bypass"), on).through == ("acs_bypass has BYPASSRLS",)
    assert reasons.row_security(other, on).through == (
        "acs_owner owns it, and acs_other inherits from acs_owner",
        "not forced on its owner",
    )
    assert reasons.row_security(other, forced).what == "row-level security filters public.forced"
    (link,) = reasons.policies(other, forced, Operation.SELECT)
    assert (link.what, link.through) == (
        "policy ours: using ((1 > 2))",
        ("for acs_owner", "acs_other inherits from acs_owner"),
    )
    (ended,) = reasons.policies(oid(access, "acs_bypass"), forced, Operation.SELECT)
    assert ended.ends


def test_a_function_needs_usage_of_its_schema_to_be_called_by_name(session: Session) -> None:
    session.execute(
        "create role acs_a; create schema hidden;"
        "create function hidden.f() returns int language sql return 1; create view public.v as select hidden.f();"
        "grant usage on schema public to acs_a; grant select on public.v to acs_a"
    )
    access = access_of(session)
    (function,) = access.catalog.functions_by_name["hidden", "f"]
    assert access.may_call(oid(access, "acs_a"), function)
    assert not access.execute(oid(access, "acs_a"), function)
    session.execute("set local role acs_a")
    assert session.fetch_value("select * from public.v") == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("select hidden.f()")


# Each is a view of acs_owner, who may read no column of public.secret.
UNREAD = (
    "select 'public.secret'::regclass::text as a",
    "select a from public.secrets()",
    "select (public.one_secret()).a",
    "select (null::public.secret).a",
)


@pytest.mark.parametrize("query", UNREAD)
def test_a_view_that_only_names_a_table_does_not_read_it(session: Session, query: str) -> None:
    access = secret_view(session, query)
    view = access.catalog.relations_by_name["public", "v"]
    assert access.catalog.rewrites[view.oid][0].columns != ()
    assert reads_through(access, view, oid(access, "acs_reader")) == ()
    session.execute("set local role acs_reader; select * from public.v")


READ = (
    "select a from public.secret",
    "select 1 from public.secret",
    "select x.a from public.secret as x (a)",
    "select 1 where exists (select from only public.secret s)",
    "select 1 as a from public.secrets() t where t.a = (select max(a) from public.secret)",
    "select 1 as a union all select a from (select a from public.secret) s",
    "select 'FROM ( SELECT' as \"FROM (\", s.a from public.secret s",
    "select s.a from public.secret s join public.secrets() t on t.a = s.a",
    "select 'public.secret'::regclass::text from public.secret",
    "select null::public.secret as a from public.secret tablesample system (10)",
)


@pytest.mark.parametrize("query", READ)
def test_a_view_that_reads_a_table_its_owner_may_not_fails(session: Session, query: str) -> None:
    access = secret_view(session, query)
    view = access.catalog.relations_by_name["public", "v"]
    (read,) = reads_through(access, view, oid(access, "acs_reader"))
    assert (read.relation.name, read.role, read.granted) == ("secret", oid(access, "acs_owner"), False)
    session.execute("set local role acs_reader")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("select * from public.v")


OPTIONAL = (
    "select 1 as b, (select max(a) from public.secret) as a",
    "select 1 as b, exists (select from public.secret) and 2 is distinct from 3 as a from public.secrets()",
    "select b, a from (select 1 as b, array(select a from public.secret) as a) s",
    "with unused as (select a from public.secret) select 1 as b",
)


@pytest.mark.parametrize("query", OPTIONAL)
def test_a_view_can_be_read_without_the_columns_that_its_owner_may_not_fill(session: Session, query: str) -> None:
    access = secret_view(session, query)
    view = access.catalog.relations_by_name["public", "v"]
    (read,) = reads_through(access, view, oid(access, "acs_reader"))
    assert (read.relation.name, read.granted) == ("secret", True)
    session.execute("set local role acs_reader")
    assert session.fetch_value("select b from public.v limit 1") in {1, None}


def test_what_only_an_optional_subquery_leads_to_denies_nothing(session: Session) -> None:
    access = secret_view(session, "select 1 as b, (select max(a) from public.v0) as a", "select a from public.secret")
    view = access.catalog.relations_by_name["public", "v"]
    (read,) = reads_through(access, view, oid(access, "acs_reader"))
    assert ([one.name for one in read.through], read.granted) == (["v", "v0"], True)
    session.execute("set local role acs_reader")
    assert session.fetch_value("select b from public.v") == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("select a from public.v")


def secret_view(session: Session, query: str, below: str = "select 1") -> Access:
    session.execute(
        "create role acs_owner; create role acs_reader; create table public.secret (a int, b int);"
        "create function public.secrets() returns setof public.secret language sql security definer"
        " as 'select * from public.secret';"
        "create function public.one_secret() returns public.secret language sql security definer"
        " as 'select * from public.secret';"
        f"create view public.v0 as {below}; alter view public.v0 owner to acs_owner;"
        f"create view public.v as {query}; alter view public.v owner to acs_owner;"
        "grant usage on schema public to acs_reader; grant select on public.v to acs_reader"
    )
    return access_of(session)


def test_a_table_named_by_a_keyword_is_recognised_in_a_view(session: Session) -> None:
    session.execute(
        'create role acs_owner; create schema "json"; create table "json"."Order ""x""" (a int);'
        'create table "json"."json" (a int);'
        'create view public.v as select o.a from "json"."Order ""x""" o, "json"."json" j;'
        "alter view public.v owner to acs_owner"
    )
    access = access_of(session)
    view = access.catalog.relations_by_name["public", "v"]
    reads = reads_through(access, view, oid(access, "acs_owner"))
    assert {one.relation.name for one in reads} == {'Order "x"', "json"}


def test_a_view_denied_on_the_way_is_told_even_if_it_reads_no_table(session: Session) -> None:
    session.execute(
        "create role acs_owner; create role acs_reader; grant usage on schema public to acs_reader;"
        "create view public.inner as select 1 as a; create view public.v as select a from public.inner;"
        "alter view public.v owner to acs_owner; grant select on public.v to acs_reader"
    )
    access = access_of(session)
    (read,) = reads_through(access, access.catalog.relations_by_name["public", "v"], oid(access, "acs_reader"))
    assert (read.relation.name, read.granted) == ("inner", False)
    session.execute("set local role acs_reader")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("select * from public.v")


def test_a_refresh_reads_with_the_rights_of_the_materialized_views_owner(session: Session) -> None:
    if session.server_version_num < 150_000:
        invoker, reader = "", "acs_view"
    else:
        invoker, reader = "with (security_invoker)", "acs_stored"
    session.execute(
        "create role acs_view; create role acs_stored; create role acs_reader; create table public.t (a int);"
        "grant select on public.t to acs_view, acs_stored;"
        f"create view public.v {invoker} as select a from public.t; alter view public.v owner to acs_view;"
        "create materialized view public.m as select a from public.v;"
        "grant select on public.v to acs_stored; alter materialized view public.m owner to acs_stored"
    )
    access = access_of(session)
    (read,) = reads_through(access, access.catalog.relations_by_name["public", "m"], oid(access, "acs_reader"))
    assert (read.role, read.granted, read.stored) == (oid(access, reader), True, True)
    session.execute("grant usage on schema public to acs_stored")
    session.execute("set local role acs_stored; refresh materialized view public.m; reset role")
    session.execute(f"revoke select on public.t from {reader}; set local role acs_stored")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("refresh materialized view public.m")
