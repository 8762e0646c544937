"""The snapshot tells what is in the database: `everything.sql` has one of each."""

from __future__ import annotations

import contextlib
import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.access import Access, Reasons
from rlsaudit.catalog import PUBLIC, Catalog, dump, take
from rlsaudit.connect import connect
from rlsaudit.errors import SnapshotError
from rlsaudit.model import Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog import Snapshot
    from rlsaudit.catalog.facts import Grant, Policy, Relation
    from rlsaudit.engine import Server

pytestmark = pytest.mark.majors

EVERYTHING = (Path(__file__).parent / "everything.sql").read_text(encoding="utf-8")
DATABASE = "everything"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def dsn(server: Server) -> Iterator[str]:
    dsn = server.create_database(DATABASE)
    sql = EVERYTHING
    if server.major < 15:
        sql = re.sub(r"create publication cat_(one|schema).*?;", "", sql)
        sql += "create publication cat_one for table app.base, app.orders with (publish_via_partition_root);"
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(sql.encode())
        yield dsn
    server.drop_database(DATABASE)
    with psycopg.connect(server.dsn("postgres")) as admin:
        admin.execute('drop role cat_owner, cat_member, cat_nobody, "cat ""odd"""')


@pytest.fixture(scope="module")
def snapshot(dsn: str) -> Snapshot:
    with connect(dsn) as session, session.read_only():
        return take(session)


@pytest.fixture(scope="module")
def catalog(snapshot: Snapshot) -> Catalog:
    return Catalog(snapshot)


def relation(catalog: Catalog, name: str) -> Relation:
    return catalog.relations_by_name["app", name]


def policy(catalog: Catalog, name: str) -> Policy:
    (found,) = (one for one in catalog.policies[relation(catalog, "people").oid] if one.name == name)
    return found


def oid(catalog: Catalog, role: str) -> int:
    return catalog.roles_by_name[role].oid


def privileges(acl: tuple[Grant, ...], grantee: int) -> set[tuple[str, bool]]:
    return {(one.privilege, one.grantable) for one in acl if one.grantee == grantee}


def test_every_kind_of_relation_is_there_once(catalog: Catalog) -> None:
    kinds = {one.name: one.kind for one in catalog.snapshot.relations if catalog.schema_name(one) == "app"}
    assert kinds == {
        "people": "r",
        "people_id_seq": "S",
        "orders": "p",
        "orders_id_seq": "S",
        "orders_2024": "r",
        "base": "r",
        "child": "r",
        "open_view": "v",
        "checked": "v",
        "counted": "v",
        "stored": "m",
        "loose": "S",
        "far": "f",
        "near": "f",
        "over_far": "v",
        "over_over_far": "v",
        "wide": "r",
    }


def test_roles_have_their_attributes(catalog: Catalog) -> None:
    owner, odd, nobody = (catalog.roles_by_name[name] for name in ("cat_owner", 'cat "odd"', "cat_nobody"))
    assert (owner.inherit, owner.create_role, owner.login, owner.superuser) == (False, True, False, False)
    assert (odd.bypass_rls, odd.inherit, nobody.login, nobody.bypass_rls) == (True, True, True, False)


def test_a_membership_tells_its_options_since_16(catalog: Catalog) -> None:
    (found,) = (one for one in catalog.snapshot.memberships if one.member == oid(catalog, "cat_member"))
    assert (found.role, found.admin) == (oid(catalog, "cat_owner"), True)
    expected = (True, True) if catalog.snapshot.server.major >= 16 else (None, None)
    assert (found.inherit, found.set) == expected


def test_settings_tell_their_values_only_where_they_decide_access(catalog: Catalog) -> None:
    roles = {0, oid(catalog, "cat_member"), oid(catalog, "cat_owner")}
    found = {(one.role, one.this_database, one.name, one.value) for one in catalog.snapshot.role_settings}
    assert {one for one in found if one[0] in roles} == {
        (0, True, "app.settings.key", None),
        (oid(catalog, "cat_member"), False, "app.jwt_secret", None),
        (oid(catalog, "cat_member"), False, "search_path", 'app, "a b"'),
        (oid(catalog, "cat_owner"), True, "work_mem", None),
    }


def test_schemas_have_their_grants_and_system_schemas_are_left_out(catalog: Catalog) -> None:
    schemas = {one.name: one for one in catalog.snapshot.schemas}
    assert len(schemas) == 4
    assert {"app", "public", 'odd "name"'} < schemas.keys()
    assert schemas["app"].owner == oid(catalog, "cat_owner")
    assert privileges(schemas["app"].acl, oid(catalog, "cat_member")) == {("USAGE", True)}
    assert privileges(schemas["public"].acl, PUBLIC) == set()


def test_a_table_tells_its_flags_and_grants(catalog: Catalog) -> None:
    people = relation(catalog, "people")
    assert (people.rls, people.forced, people.partition, people.updatable) == (True, True, False, 28)
    owners = {name for name, _ in privileges(people.acl, oid(catalog, "cat_owner"))}
    assert "SELECT" in owners
    assert "DELETE" not in owners
    assert privileges(people.acl, PUBLIC) == {("INSERT", False)}
    assert relation(catalog, "base").replica_identity == "f"
    assert relation(catalog, "base").rows == 0
    assert relation(catalog, "orders_2024").partition


def test_columns_tell_types_defaults_and_grants_and_dropped_ones_are_gone(catalog: Catalog) -> None:
    columns = {one.name: one for one in catalog.columns[relation(catalog, "people").oid]}
    told = {name: (one.number, one.type, one.type_kind, one.not_null) for name, one in columns.items()}
    assert told == {
        "id": (1, "bigint", "b", True),
        "email": (3, "app.email", "d", True),
        "mood": (4, "app.mood", "e", False),
        "born": (5, "date", "b", False),
        "age": (6, "integer", "b", False),
    }
    assert {name for name, one in columns.items() if one.default} == {"id", "born", "age"}
    assert {name for name, one in columns.items() if one.generated} == {"age"}
    assert {name for name, one in columns.items() if one.identity} == {"id"}
    assert privileges(columns["email"].acl, oid(catalog, "cat_member")) == {("SELECT", True), ("UPDATE", True)}
    assert columns["id"].acl == ()


def test_a_table_may_have_1600_columns(catalog: Catalog) -> None:
    columns = catalog.columns[relation(catalog, "wide").oid]
    assert [one.number for one in columns] == list(range(1, 1601))


def test_policies_tell_command_kind_roles_and_expressions(catalog: Catalog) -> None:
    found = catalog.policies[relation(catalog, "people").oid]
    assert {(one.name, one.command, one.permissive) for one in found} == {
        ("everybody", "*", True),
        ('select "mine"', "r", True),
        ("put", "a", True),
        ("change", "w", False),
        ("remove", "d", True),
    }
    assert (policy(catalog, "everybody").using, policy(catalog, "everybody").check) == ("true", None)
    assert policy(catalog, "everybody").roles == (PUBLIC,)
    assert policy(catalog, "put").using is None
    assert policy(catalog, "put").check == "(email IS NOT NULL)"
    change = policy(catalog, "change")
    assert (change.using, change.check) == ("(id > 0)", "(mood = 'glad'::app.mood)")
    assert change.roles == (oid(catalog, "cat_owner"),)


def test_policies_tell_what_they_depend_on(catalog: Catalog) -> None:
    people, orders = relation(catalog, "people"), relation(catalog, "orders")
    (is_me,) = (one for one in catalog.functions_by_name["app", "is_me"] if one.arguments == "text")
    mine = policy(catalog, 'select "mine"')
    assert mine.functions == (is_me.oid,)
    assert (people.oid, 3) in mine.columns
    person = next(one.number for one in catalog.columns[orders.oid] if one.name == "person")
    assert {(people.oid, 1), (orders.oid, person)} <= set(policy(catalog, "remove").columns)


def test_functions_tell_how_they_run_and_overloads_are_apart(catalog: Catalog) -> None:
    one, other = sorted(catalog.functions_by_name["app", "is_me"], key=lambda each: each.arguments)
    assert (one.arguments, one.volatility, one.leakproof) == ("text", "s", False)
    assert (other.arguments, other.volatility, other.leakproof) == ("text, integer[]", "v", True)
    assert privileges(one.acl, PUBLIC) == set()
    assert privileges(one.acl, oid(catalog, "cat_member")) == {("EXECUTE", False)}
    assert privileges(other.acl, PUBLIC) == {("EXECUTE", False)}
    assert catalog.function_identity(other) == "app.is_me(text, integer[])"


def test_named_parameters_tell_their_modes(catalog: Catalog) -> None:
    told = {
        (one.name, one.arguments): one.parameters
        for name in ("is_me", "standard", "work", "rows_of")
        for one in catalog.functions_by_name["app", name]
    }
    assert told == {
        ("is_me", "text"): (("i", "name"),),
        ("is_me", "text, integer[]"): (("i", "name"), ("v", "more")),
        ("standard", "integer"): (("i", "a"), ("o", "b"), ("o", "c")),
        ("work", "integer"): (("b", "a"),),
        ("rows_of", ""): (),
    }


def test_a_procedure_tells_its_settings_without_those_that_may_be_secret(catalog: Catalog) -> None:
    (work,) = catalog.functions_by_name["app", "work"]
    assert (work.kind, work.security_definer, work.language) == ("p", True, "plpgsql")
    assert work.settings == ('search_path=""', "app.secret", "row_security=off")


def test_a_standard_body_is_written_out_and_a_set_says_so(catalog: Catalog) -> None:
    (standard,) = catalog.functions_by_name["app", "standard"]
    (rows,) = catalog.functions_by_name["app", "rows_of"]
    assert standard.body.startswith("BEGIN ATOMIC")
    assert (standard.arguments, standard.returns) == ("integer", "record")
    assert (rows.returns, rows.returns_set) == ("SETOF app.people", True)


def test_views_tell_their_query_and_what_it_reads(catalog: Catalog) -> None:
    view, people = relation(catalog, "open_view"), relation(catalog, "people")
    (rewrite,) = catalog.rewrites[view.oid]
    assert {one for one in rewrite.columns if one.relation == people.oid} == {(people.oid, 1), (people.oid, 3)}
    assert view.definition is not None
    assert "FROM app.people" in view.definition
    assert relation(catalog, "checked").options == ("security_barrier=true", "check_option=cascaded")
    assert [relation(catalog, name).updatable for name in ("open_view", "checked", "counted", "stored")] == [
        28,
        28,
        8,
        0,
    ]


def test_rules_triggers_and_event_triggers_are_there(catalog: Catalog) -> None:
    (quiet,) = catalog.rewrites[relation(catalog, "base").oid]
    (redirect,) = (one for one in catalog.rewrites[relation(catalog, "counted").oid] if one.name == "redirect")
    assert (quiet.name, quiet.event, quiet.instead, quiet.enabled) == ("quiet", "4", False, "O")
    assert (redirect.event, redirect.instead) == ("3", True)
    assert redirect.definition is not None
    assert "INSERT INTO app.base" in redirect.definition
    (trigger,) = catalog.triggers[relation(catalog, "people").oid]
    assert (trigger.name, trigger.enabled, trigger.type & 0b10111) == ("touch", "D", 0b10111)
    assert catalog.functions[trigger.function].name == "touch"
    (watch,) = catalog.snapshot.event_triggers
    assert (watch.name, watch.event, watch.enabled) == ("cat_watch", "ddl_command_end", "D")


def test_inheritance_constraints_and_sequence_owners_are_there(catalog: Catalog) -> None:
    people, orders = relation(catalog, "people"), relation(catalog, "orders")
    assert catalog.parents[relation(catalog, "child").oid] == (relation(catalog, "base").oid,)
    assert catalog.children[orders.oid] == (relation(catalog, "orders_2024").oid,)
    constraints = {one.name: one for one in catalog.constraints[people.oid]}
    assert {name: one.kind for name, one in constraints.items()} == {
        "people_pkey": "p",
        "people_email_key": "u",
        "grown": "c",
    }
    assert constraints["people_email_key"].columns == (3,)
    (foreign,) = catalog.constraints[orders.oid]
    assert (foreign.kind, foreign.foreign_relation, foreign.foreign_columns) == ("f", people.oid, (1,))
    owned = {(one.sequence, one.relation, one.column) for one in catalog.snapshot.sequence_owners}
    assert owned == {
        (relation(catalog, "people_id_seq").oid, people.oid, 1),
        (relation(catalog, "orders_id_seq").oid, orders.oid, 1),
    }


def test_default_privileges_tell_of_one_schema_and_of_all(catalog: Catalog) -> None:
    found = {(one.schema, one.objects): one for one in catalog.snapshot.default_acls}
    schema = next(one.oid for one in catalog.snapshot.schemas if one.name == "app")
    assert found.keys() == {(schema, "r"), (0, "f")}
    assert privileges(found[schema, "r"].acl, oid(catalog, "cat_member")) == {("SELECT", False)}
    assert privileges(found[0, "f"].acl, PUBLIC) == set()


def test_publications_tell_the_tables_they_publish(catalog: Catalog) -> None:
    published = {
        one.name: {catalog.relations[each].name for each in one.relations} for one in catalog.snapshot.publications
    }
    tables = {one.name for one in catalog.snapshot.relations if one.kind == "r"}
    assert published["cat_all"] == tables
    assert published["cat_one"] == {"base", "child", "orders"}
    if catalog.snapshot.server.major >= 15:
        app = {one.name for one in catalog.snapshot.relations if one.kind == "r" and catalog.schema_name(one) == "app"}
        assert published["cat_schema"] == app
    assert {one.name for one in catalog.snapshot.publications if one.all_tables} == {"cat_all"}


def test_extensions_and_what_belongs_to_them_are_marked(catalog: Catalog) -> None:
    extensions = {one.name: one for one in catalog.snapshot.extensions}
    assert {"citext", "postgres_fdw", "plpgsql"} <= extensions.keys()
    assert extensions["citext"].available == extensions["citext"].version
    functions = [one for one in catalog.snapshot.functions if one.extension == "citext"]
    assert len(functions) > 20
    assert {one.extension for one in catalog.functions_by_name["app", "is_me"]} == {None}


def test_foreign_servers_tell_names_of_options_only(catalog: Catalog) -> None:
    servers = {one.name: one for one in catalog.snapshot.foreign_servers}
    assert servers["cat_bare"].options == ("host", "password")
    assert servers["cat_real"].options == ("host",)
    assert privileges(servers["cat_real"].acl, oid(catalog, "cat_member")) == {("USAGE", False)}
    assert {(one.server, one.role, one.options) for one in catalog.snapshot.user_mappings} == {
        (servers["cat_real"].oid, oid(catalog, "cat_member"), ("user", "password")),
        (servers["cat_bare"].oid, PUBLIC, ("password",)),
    }
    tables = {catalog.relations[one.relation].name: one.server for one in catalog.snapshot.foreign_tables}
    assert tables == {"far": servers["cat_bare"].oid, "near": servers["cat_real"].oid}


def test_a_wrapper_without_a_handler_is_no_obstacle(catalog: Catalog) -> None:
    names = ("near", "far", "over_far", "over_over_far")
    assert [relation(catalog, name).updatable for name in names] == [28, 0, 0, 0]


def test_no_secret_leaves_the_server(snapshot: Snapshot) -> None:
    assert b"S3CRET" in EVERYTHING.encode()
    assert b"S3CRET" not in dump(snapshot)


def test_names_may_hold_anything(catalog: Catalog) -> None:
    (odd,) = (one for one in catalog.snapshot.schemas if one.name.startswith("\"'\\n\n\t{"))
    assert len(odd.name.encode()) == 63
    table = catalog.relations_by_name[odd.name, odd.name]
    assert [one.name for one in catalog.columns[table.oid]] == [odd.name, "select"]
    (about,) = catalog.policies[table.oid]
    assert about.name == odd.name
    assert len(catalog.functions_by_name[odd.name, odd.name]) == 1
    with_quotes = odd.name.replace('"', '""')
    assert catalog.identity(table) == f'"{with_quotes}"."{with_quotes}"'


def test_temporary_tables_are_nobodys(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as other:
        other.execute("create temp table mine (a int); create policy mine on mine using (true)")
        with connect(dsn) as session, session.read_only():
            found = take(session)
    assert not {"mine", "passing"} & {one.name for one in found.relations}
    assert {one.relation for one in found.policies} <= {one.oid for one in found.relations}
    assert {one.relation for one in found.columns} <= {one.oid for one in found.relations}


def test_a_dropped_role_may_still_hold_grants(catalog: Catalog) -> None:
    people = relation(catalog, "people")
    (gone,) = {one.grantee for one in people.acl} - {PUBLIC, *catalog.roles}
    assert gone in policy(catalog, 'select "mine"').roles
    access = Access(catalog)
    assert access.on_table(gone, people, "SELECT")
    assert access.rls_applies(gone, people)
    assert {one.name for one in access.policies(gone, people, Operation.SELECT)} == {"everybody", 'select "mine"'}
    (words,) = Reasons(access).privilege(gone, people, "SELECT").through
    assert words.startswith(f"granted to {gone} by ")


def test_an_unprivileged_role_sees_the_same(server: Server, dsn: str, snapshot: Snapshot) -> None:
    assert snapshot.viewer.superuser
    with connect(server.dsn(DATABASE, user="cat_nobody")) as session, session.read_only():
        theirs = take(session)
    assert (theirs.viewer.name, theirs.viewer.superuser, theirs.blind) == ("cat_nobody", False, ())
    assert theirs.viewer.settable == {oid(Catalog(theirs), "cat_nobody")}
    # Of these Postgres shows the options to nobody else, and that is not to be taken for none.
    hidden = tuple(replace(one, options=None) for one in snapshot.user_mappings)
    assert replace(theirs, viewer=snapshot.viewer) == replace(snapshot, user_mappings=hidden)
    assert dsn


def test_a_snapshot_is_one_round_trip(dsn: str) -> None:
    with connect(dsn) as session, session.read_only():
        before = session.round_trips
        take(session)
        assert session.round_trips == before + 1


def test_a_snapshot_writes_nothing_and_locks_nothing_of_the_user(dsn: str) -> None:
    with connect(dsn) as session, session.read_only():
        take(session)
        held = session.fetch_all(
            "select distinct mode from pg_catalog.pg_locks where pid = pg_catalog.pg_backend_pid()"
            " and relation >= 16384 and locktype = 'relation'"
        )
        assert held in ([], [("AccessShareLock",)])
        assert session.fetch_value("select pg_catalog.pg_current_xact_id_if_assigned() is null")


DROPS = (
    "table app.base cascade",
    "table app.wide",
    "view app.checked cascade",
    "materialized view app.stored",
)


@pytest.mark.parametrize("dropped", DROPS)
def test_what_is_dropped_meanwhile_is_missing(server: Server, dropped: str) -> None:
    """The transaction has begun and sees it; the functions that write definitions see that it is gone."""
    with copied(server) as dsn, connect(dsn) as session, session.read_only():
        elsewhere(dsn, f"drop {dropped}")
        found = Catalog(take(session))
    name = dropped.removesuffix(" cascade").rpartition(".")[2]
    assert ("app", name) not in found.relations_by_name
    assert ("public", "stays") in found.relations_by_name


@pytest.mark.parametrize("dropped", ["table app.orders cascade", "publication small"])
def test_what_is_dropped_meanwhile_and_cannot_be_left_out_is_said(server: Server, dropped: str) -> None:
    with copied(server) as dsn, connect(dsn) as session, session.read_only():
        elsewhere(dsn, f"drop {dropped}")
        with pytest.raises(SnapshotError) as raised:
            take(session)
    assert "Try again when nobody changes the schema." in raised.value.hint


def test_a_lock_on_a_table_with_policies_is_said_not_waited_for(server: Server) -> None:
    with copied(server) as dsn, psycopg.connect(dsn) as other, connect(dsn) as session, session.read_only():
        other.execute("lock table app.people in access exclusive mode")
        session.execute("set local lock_timeout = '50ms'")
        with pytest.raises(SnapshotError) as raised:
            take(session)
        other.rollback()
    assert "lock timeout" in raised.value.message
    assert "Somebody holds a lock" in raised.value.hint


def test_a_lock_on_a_plain_table_does_not_matter(server: Server) -> None:
    with copied(server) as dsn, psycopg.connect(dsn) as other, connect(dsn) as session:
        # Since 16 the server opens each table that is published.
        elsewhere(dsn, "drop publication small")
        other.execute("lock table app.wide in access exclusive mode")
        with session.read_only():
            session.execute("set local lock_timeout = '50ms'")
            assert ("app", "wide") in Catalog(take(session)).relations_by_name
        other.rollback()


def elsewhere(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as other:
        other.execute(statement.encode())


@contextlib.contextmanager
def copied(server: Server) -> Iterator[str]:
    name = f"{DATABASE}_{next(_numbers)}"
    dsn = server.create_database(name)
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(SMALL.encode())
    try:
        yield dsn
    finally:
        server.drop_database(name)


SMALL = """
create schema app;
create table app.people (id int);
create table app.orders (id int, day date) partition by range (day);
create table app.orders_2024 partition of app.orders for values from ('2024-01-01') to ('2025-01-01');
create table app.base (a int check (a > 0));
create table app.child (b int) inherits (app.base);
create table app.wide (a int);
create table public.stays (a int);
create policy reads on app.people using (exists (select from app.orders o where o.id = people.id));
create policy own on app.base using (a = 1);
create view app.checked as select id from app.people;
create materialized view app.stored as select id from app.checked;
create view app.counted as select count(*) from app.orders;
create publication small for all tables;
"""
