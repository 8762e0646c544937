"""A bootstrapped database against the facts of a fresh Supabase project, and what follows from them."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from rlsaudit.engine.supabase import Era, bootstrap, grant_replay_rights, revoke_replay_rights, set_era
from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rlsaudit.engine import Server

    Open = Callable[..., psycopg.Connection[Any]]

pytestmark = pytest.mark.majors

FACTS: dict[str, Any] = json.loads(Path(__file__).with_name("supabase-facts.json").read_text("utf-8"))

# What differs on purpose, by its place in the facts, and why. One that does not differ any more fails the test.
ACCEPTED: dict[tuple[str, ...], str] = {
    ("functions", "supabase_functions.http_request()"): (
        "webhooks in real migrations execute it; the facts were measured where webhooks were never enabled"
    ),
}

EVERY_TABLE_PRIVILEGE = "arwdDxt"

OBSERVE = {
    "roles": """
        select rolname, jsonb_build_object(
            'superuser', rolsuper, 'inherit', rolinherit, 'createrole', rolcreaterole, 'createdb', rolcreatedb,
            'login', rolcanlogin, 'replication', rolreplication, 'bypassrls', rolbypassrls,
            'settings', coalesce((select setconfig from pg_db_role_setting
                                  where setrole = r.oid and setdatabase = 0), '{}'))
        from pg_roles as r where rolname = any (%(roles)s)""",
    "memberships": """
        select distinct member.rolname || ' in ' || role.rolname, true
        from pg_auth_members as m
        join pg_roles as member on member.oid = m.member
        join pg_roles as role on role.oid = m.roleid
        where member.rolname = any (%(roles)s) and (role.rolname = any (%(roles)s) or role.rolname ~ '^pg_')""",
    "schemas": """
        select nspname, jsonb_build_object('owner', nspowner::regrole, 'acl', nspacl::text[])
        from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'""",
    "default_privileges": """
        select concat_ws(' ', defaclrole::regrole, defaclnamespace::regnamespace,
                         case defaclobjtype when 'r' then 'tables' when 'S' then 'sequences'
                                            when 'f' then 'functions' else defaclobjtype::text end),
               jsonb_build_object('acl', defaclacl::text[])
        from pg_default_acl""",
    "relations": """
        select nspname || '.' || relname, jsonb_build_object(
            'kind', relkind, 'owner', relowner::regrole, 'rls', relrowsecurity, 'forced', relforcerowsecurity,
            'acl', relacl::text[])
        from pg_class join pg_namespace as n on n.oid = relnamespace
        where relkind in ('r', 'p', 'v', 'm', 'f') and nspname = any (%(schemas)s)""",
    "columns": """
        select format('%%s.%%s.%%s', nspname, relname, lpad(attnum::text, 2, '0')),
               jsonb_build_object('name', attname, 'type', format_type(atttypid, atttypmod), 'not_null', attnotnull)
        from pg_attribute join pg_class as c on c.oid = attrelid join pg_namespace as n on n.oid = relnamespace
        where attnum > 0 and not attisdropped and nspname || '.' || relname = any (%(tables)s)""",
    "functions": """
        select format('%%s.%%s(%%s)', nspname, proname, pg_get_function_identity_arguments(p.oid)), jsonb_build_object(
            'returns', pg_get_function_result(p.oid), 'language', lanname, 'security_definer', prosecdef,
            'volatility', case provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
            'owner', proowner::regrole, 'acl', proacl::text[])
        from pg_proc as p join pg_language as l on l.oid = prolang join pg_namespace as n on n.oid = pronamespace
        where nspname = any (%(schemas)s)""",
    "policies": "select polrelid::regclass || '.' || polname, true from pg_policy",
    "publications": """
        select pubname, jsonb_build_object('all_tables', puballtables, 'tables', array(
            select prrelid::regclass::text from pg_publication_rel where prpubid = p.oid))
        from pg_publication as p""",
}


def with_maintain(acl: list[str] | None) -> list[str] | None:
    """The ACL of a table as a version with MAINTAIN writes it: wherever ALL stands, there is one letter more."""

    def more(item: str) -> str:
        grantee, letters, grantor = re.fullmatch(r"(.*)=(.*)/(.*)", item).groups()  # type: ignore[union-attr]
        if letters.replace("*", "") != EVERY_TABLE_PRIVILEGE:
            return item
        return f"{grantee}={letters}{'m*' if letters.count('*') == len(EVERY_TABLE_PRIVILEGE) else 'm'}/{grantor}"

    return acl and [more(item) for item in acl]


def expected(version: int) -> dict[str, dict[str, Any]]:
    """The facts, keyed as `OBSERVE` keys them."""
    facts = {
        "roles": FACTS["roles"],
        "memberships": {f"{member} in {role}": True for member, role in FACTS["memberships"]},
        "schemas": FACTS["schemas"],
        "default_privileges": {
            f"{rule['creator']} {rule['schema']} {rule['objects']}": {"acl": rule["acl"]}
            for rule in FACTS["default_privileges"]
        },
        "relations": FACTS["relations"],
        "columns": {
            f"{table}.{number:02}": column
            for table, columns in FACTS["columns"].items()
            for number, column in enumerate(columns, start=1)
        },
        "functions": FACTS["functions"],
        "policies": dict.fromkeys(FACTS["policies"], True),
        "publications": {
            each["name"]: {key: value for key, value in each.items() if key != "name"} for each in FACTS["publications"]
        },
    }
    if version >= 17:
        for kind in ("relations", "default_privileges"):
            facts[kind] = {
                name: {**value, "acl": with_maintain(value["acl"])}
                if kind == "relations" or name.endswith(" tables")
                else value
                for name, value in facts[kind].items()
            }
    return facts


def observe(connection: psycopg.Connection[Any]) -> dict[str, dict[str, Any]]:
    """The same of a database."""
    # The facts' column types were written down under supabase_admin's search_path.
    connection.execute('set search_path = "$user", public, auth, extensions')
    parameters = {
        "roles": list(FACTS["roles"]),
        "schemas": [name for name in FACTS["schemas"] if name not in {"public", "extensions", "supabase_migrations"}],
        "tables": list(FACTS["columns"]),
    }
    return {kind: dict(connection.execute(query, parameters).fetchall()) for kind, query in OBSERVE.items()}


def differences(
    facts: dict[str, dict[str, Any]], database: dict[str, dict[str, Any]]
) -> dict[tuple[str, ...], tuple[Any, Any]]:
    """What differs, by place: the fact and what the database has."""
    found: dict[tuple[str, ...], tuple[Any, Any]] = {}
    for kind, named in facts.items():
        for name in sorted(named.keys() | database[kind].keys()):
            fact, actual = named.get(name), database[kind].get(name)
            if isinstance(fact, dict) and isinstance(actual, dict):
                found |= {
                    (kind, name, key): (fact.get(key), actual.get(key))
                    for key in sorted(fact.keys() | actual.keys())
                    if comparable(fact.get(key)) != comparable(actual.get(key))
                }
            elif fact != actual:
                found[kind, name] = (fact, actual)
    return found


def comparable(value: Any) -> Any:  # noqa: ANN401  # facts are JSON
    """Lists (ACLs, settings) are sets; NULL stays apart from an empty one."""
    return sorted(value) if isinstance(value, list) else value


@pytest.fixture
def project(server: Server) -> Iterator[Open]:
    """A project of one's own: call it with an era, or with a user to connect as somebody else."""
    name = f"bootstrap_{uuid4().hex[:8]}"
    connections: list[psycopg.Connection[Any]] = []

    def connect(user: str | None = None, *, era: Era = "legacy") -> psycopg.Connection[Any]:
        if not connections:
            server.supabase_database(name, era=era)
        connections.append(psycopg.connect(server.dsn(name, user=user), autocommit=True))
        return connections[-1]

    yield connect
    for connection in connections:
        connection.close()
    server.drop_database(name)


@pytest.fixture
def empty(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """An empty database of the same cluster."""
    name = f"empty_{uuid4().hex[:8]}"
    with closing(psycopg.connect(server.create_database(name), autocommit=True)) as connection:
        yield connection
    server.drop_database(name)


def value(connection: psycopg.Connection[Any], query: str, *parameters: object) -> Any:  # noqa: ANN401  # SQL's
    """The one value that a query gives."""
    row = connection.execute(query.encode(), parameters or None).fetchone()
    assert row is not None
    return row[0]


def test_a_project_equals_the_facts(project: Open, server: Server) -> None:
    found = differences(expected(server.major), observe(project()))
    assert {place: pair for place, pair in found.items() if place not in ACCEPTED} == {}


def test_every_accepted_difference_is_one(project: Open, server: Server) -> None:
    assert ACCEPTED.keys() - differences(expected(server.major), observe(project())).keys() == set()


def test_the_facts_would_show_a_difference(project: Open, server: Server) -> None:
    connection = project()
    connection.execute("alter table auth.users force row level security")
    connection.execute("revoke truncate on storage.objects from anon")
    connection.execute("create policy everybody on storage.objects using (true)")
    found = differences(expected(server.major), observe(connection)).keys()
    assert {
        ("relations", "auth.users", "forced"),
        ("relations", "storage.objects", "acl"),
        ("policies", "storage.objects.everybody"),
    } <= found


def test_a_second_database_of_the_cluster_equals_the_facts_too(
    project: Open, empty: psycopg.Connection[Any], server: Server
) -> None:
    project()
    bootstrap(empty)
    assert differences(expected(server.major), observe(empty)).keys() == ACCEPTED.keys()


def test_the_superuser_may_be_called_something_else(
    project: Open, empty: psycopg.Connection[Any], server: Server
) -> None:
    project()
    empty.execute("create role somebody superuser")
    try:
        empty.execute("set session authorization somebody")
        bootstrap(empty)
        assert differences(expected(server.major), observe(empty)).keys() == ACCEPTED.keys()
    finally:
        empty.execute("reset session authorization")
        empty.execute("drop role somebody")


def test_whoever_is_no_superuser_is_told_so(project: Open) -> None:
    with pytest.raises(EngineError, match='"postgres" cannot set up'):
        bootstrap(project("postgres"))


def test_a_superuser_called_postgres_keeps_its_rights(project: Open) -> None:
    connection = project()
    with connection.transaction(force_rollback=True):
        connection.execute("alter role postgres superuser")
        with pytest.raises(EngineError, match='superuser called "postgres"'):
            bootstrap(connection)
        assert value(connection, "select rolsuper from pg_roles where rolname = 'postgres'") is True


def test_postgres_may_manage_the_api_roles_and_not_become_more(project: Open, server: Server) -> None:
    admin = value(
        project(),
        "select array_agg(role.rolname::text order by 1) from pg_auth_members"
        " join pg_roles as role on role.oid = roleid where member = 'postgres'::regrole and admin_option",
    )
    # CREATEROLE was enough before 16.
    assert admin == (["anon", "authenticated", "service_role"] if server.major >= 16 else None)


API_ROLES = ("anon", "authenticated", "service_role")
VERBS = ("select", "insert", "update", "delete")


@pytest.mark.parametrize("role", API_ROLES)
@pytest.mark.parametrize(("era", "open_"), [("legacy", True), ("explicit", False)])
def test_what_postgres_makes_in_public(project: Open, server: Server, era: Era, role: str, open_: bool) -> None:  # noqa: FBT001
    project(era=era)
    connection = project("postgres")
    connection.execute("create table public.notes (id bigserial primary key)")
    connection.execute("create view public.notes_view as select * from public.notes")
    connection.execute("create function public.answer() returns integer language sql as 'select 42'")

    def may(privilege: str, relation: str = "public.notes") -> Any:  # noqa: ANN401
        return value(connection, "select has_table_privilege(%s, %s, %s)", role, relation, privilege)

    others = ("truncate", "references", "trigger", *(["maintain"] if server.major >= 17 else []))
    for relation in ("public.notes", "public.notes_view"):
        assert {may(verb, relation) for verb in VERBS} == {open_}
        assert {may(other, relation) for other in others} == {True}

    sequence = {
        privilege: value(connection, "select has_sequence_privilege(%s, 'public.notes_id_seq', %s)", role, privilege)
        for privilege in ("usage", "select", "update")
    }
    assert sequence == {"usage": open_, "select": open_, "update": True}

    # The grant goes, the right stays: PUBLIC's EXECUTE is built in, and no per-schema default can take it.
    assert value(connection, "select has_function_privilege(%s, 'public.answer()', 'execute')", role) is True
    connection.execute("revoke execute on function public.answer() from public")
    assert value(connection, "select has_function_privilege(%s, 'public.answer()', 'execute')", role) is open_


@pytest.mark.parametrize("era", ["legacy", "explicit"])
def test_what_supabase_admin_makes_in_public_is_open_in_both_eras(project: Open, era: Era) -> None:
    connection = project(era=era)
    connection.execute("set role supabase_admin")
    connection.execute("create table public.notes (id integer)")
    assert value(connection, "select has_table_privilege('anon', 'public.notes', 'select')") is True


def test_an_era_can_be_switched_and_leaves_what_is_there(project: Open, server: Server) -> None:
    superuser, connection = project(), project("postgres")
    connection.execute("create table public.before (id integer)")
    set_era(superuser, "explicit")
    connection.execute("create table public.after (id integer)")
    readable = "select has_table_privilege('anon', %s, 'select')"
    assert value(connection, readable, "public.before") is True
    assert value(connection, readable, "public.after") is False
    set_era(superuser, "legacy")
    for table in ("before", "after"):
        connection.execute(sql.SQL("drop table public.{}").format(sql.Identifier(table)))
    assert differences(expected(server.major), observe(superuser)).keys() == ACCEPTED.keys()


SOMEBODY = "11111111-1111-1111-1111-111111111111"
SOMEBODY_ELSE = "22222222-2222-2222-2222-222222222222"


@pytest.mark.parametrize(
    ("function", "settings", "result"),
    [
        ("uid", {}, None),
        ("uid", {"request.jwt.claims": ""}, None),
        ("uid", {"request.jwt.claims": "{}"}, None),
        ("uid", {"request.jwt.claims": f'{{"sub": "{SOMEBODY}"}}'}, SOMEBODY),
        ("uid", {"request.jwt.claim.sub": SOMEBODY}, SOMEBODY),
        (
            "uid",
            {"request.jwt.claim.sub": SOMEBODY, "request.jwt.claims": f'{{"sub": "{SOMEBODY_ELSE}"}}'},
            SOMEBODY,
        ),
        ("uid", {"request.jwt.claim.sub": "", "request.jwt.claims": f'{{"sub": "{SOMEBODY}"}}'}, SOMEBODY),
        ("role", {}, None),
        ("role", {"request.jwt.claims": '{"role": "authenticated"}'}, "authenticated"),
        ("role", {"request.jwt.claim.role": "anon", "request.jwt.claims": '{"role": "authenticated"}'}, "anon"),
        ("email", {"request.jwt.claims": '{"email": "a@b.test"}'}, "a@b.test"),
        ("email", {"request.jwt.claim.email": "c@d.test"}, "c@d.test"),
        ("jwt", {}, None),
        ("jwt", {"request.jwt.claims": ""}, None),
        ("jwt", {"request.jwt.claims": '{"aal": "aal2"}'}, '{"aal": "aal2"}'),
        ("jwt", {"request.jwt.claim": '{"aal": "aal1"}', "request.jwt.claims": "{}"}, '{"aal": "aal1"}'),
    ],
)
def test_what_auth_says_of_a_request(
    project: Open, function: str, settings: dict[str, str], result: str | None
) -> None:
    connection = project()
    # The role is not asked: without claims a request has none, whoever it runs as.
    connection.execute("set role authenticated")
    for name, setting in settings.items():
        connection.execute("select set_config(%s, %s, false)", [name, setting])
    assert value(connection, f"select auth.{function}()::text") == result


def test_a_sub_that_is_no_uuid_raises(project: Open) -> None:
    connection = project()
    connection.execute("select set_config('request.jwt.claims', '{\"sub\": \"me\"}', false)")
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        connection.execute("select auth.uid()")


def test_a_view_of_postgres_bypasses_rls_even_when_forced(project: Open) -> None:
    project()
    connection = project("postgres")
    connection.execute("create table public.notes as select 1 as id")
    connection.execute("alter table public.notes enable row level security, force row level security")
    connection.execute("create view public.notes_view as select * from public.notes")
    connection.execute("set role anon")
    assert value(connection, "select count(*) from public.notes") == 0
    assert value(connection, "select count(*) from public.notes_view") == 1


@pytest.mark.parametrize("relation", ["auth.users", "auth.sessions", "vault.secrets", "vault.decrypted_secrets"])
@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_strangers_do_not_read_the_services_tables(project: Open, role: str, relation: str) -> None:
    connection = project()
    connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"select from {relation}".encode())


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("foldername('a/b/c.png')", ["a", "b"]),
        ("foldername('c.png')", []),
        ("foldername(null)", None),
        ("filename('a/b/c.png')", "c.png"),
        ("extension('a/b.d/c.tar.gz')", "gz"),
        ("extension('a/README')", "README"),
        ("get_common_prefix('a/b/c', 'a/', '/')", "a/b/"),
        ("get_common_prefix('a/b', 'a/', '/')", None),
        ("allow_only_operation('object.list')", False),
    ],
)
def test_what_storage_computes(project: Open, call: str, result: object) -> None:
    connection = project()
    connection.execute("set role anon")
    assert value(connection, f"select storage.{call}") == result


@pytest.mark.parametrize("operation", ["storage.object.list", "object.list"])
def test_storage_knows_its_operation(project: Open, operation: str) -> None:
    connection = project()
    connection.execute("select set_config('storage.operation', 'storage.object.list', false)")
    assert value(connection, "select storage.allow_any_operation(array['object.get', %s])", operation) is True
    assert value(connection, "select storage.allow_only_operation('object.get')") is False


def test_storage_starts_closed_and_one_policy_opens_it(project: Open) -> None:
    connection = project()
    connection.execute("insert into storage.buckets (id, name) values ('files', 'files')")
    connection.execute("insert into storage.objects (bucket_id, name) values ('files', 'a/b.png')")
    connection.execute("set role anon")
    assert value(connection, "select count(*) from storage.objects") == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        connection.execute("insert into storage.objects (bucket_id, name) values ('files', 'c')")
    connection.execute("reset role")
    connection.execute("create policy open on storage.objects using ((storage.foldername(name))[1] = 'a')")
    connection.execute("set role anon")
    assert value(connection, "select path_tokens from storage.objects") == ["a", "b.png"]
    assert value(connection, "select count(*) from storage.search('a', 'files')") == 1
    assert value(connection, "select count(*) from storage.search_v2('b', 'files')") == 0
    with pytest.raises(psycopg.Error) as caught:
        connection.execute("select storage.can_insert_object('files', 'a/d', null, '{}')")
    assert caught.value.sqlstate == "PT200"


def test_storage_refuses_direct_deletes_until_told(project: Open) -> None:
    connection = project()
    for table in ("buckets", "objects"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
            connection.execute(sql.SQL("delete from storage.{}").format(sql.Identifier(table)))
        assert caught.value.diag.source_function == "exec_stmt_raise"
    connection.execute("set storage.allow_delete_query = 'true'")
    connection.execute("delete from storage.objects")


def test_realtime_knows_its_topic_and_takes_a_message_where_there_is_a_partition(project: Open) -> None:
    connection = project()
    assert value(connection, "select realtime.topic()") is None
    # No partition, no message, no error.
    connection.execute("select realtime.send('{}', 'event', 'room:0')")
    connection.execute("create table realtime.messages_now partition of realtime.messages default")
    connection.execute("""
        create table public.notes (id integer);
        create function public.notify_notes() returns trigger language plpgsql as $$
        begin
          perform realtime.broadcast_changes('room:1', tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
          return null;
        end $$;
        create trigger notify after insert on public.notes for each row execute function public.notify_notes();
        insert into public.notes values (7);
    """)
    stored = connection.execute("select topic, payload -> 'record' from realtime.messages").fetchall()
    assert stored == [("room:1", {"id": 7})]
    connection.execute("select set_config('realtime.topic', 'room:2', false)")
    assert value(connection, "select realtime.topic()") == "room:2"


def test_vault_keeps_a_secret_for_those_who_may_read_it(project: Open) -> None:
    project()
    connection = project("postgres")
    secret = value(connection, "select vault.create_secret('s3cret', 'key')")
    connection.execute("select vault.update_secret(%s, new_description => 'why')", [secret])
    rows = connection.execute("select decrypted_secret, description from vault.decrypted_secrets").fetchall()
    assert rows == [("s3cret", "why")]
    connection.execute("set role anon")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select vault.create_secret('x')")


def test_what_migrations_use_without_creating_it_is_there(project: Open) -> None:
    project()
    connection = project("postgres")
    assert value(connection, "select uuid_generate_v4() is not null") is True
    assert value(connection, "select crypt('password', gen_salt('bf')) like '$2%'") is True


def test_a_seed_signs_somebody_up(project: Open) -> None:
    project()
    connection = project("postgres")
    connection.execute("""
        create table public.profiles (id uuid primary key references auth.users on delete cascade, email text);
        create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = ''
        as $$ begin insert into public.profiles values (new.id, new.email); return new; end $$;
        create trigger on_auth_user_created after insert on auth.users
          for each row execute function public.handle_new_user();
        insert into auth.users (
          instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data,
          raw_user_meta_data, created_at, updated_at, confirmation_token, email_change, email_change_token_new,
          recovery_token
        ) values (
          '00000000-0000-0000-0000-000000000000', '11111111-1111-1111-1111-111111111111', 'authenticated',
          'authenticated', 'A@b.test', crypt('password', gen_salt('bf')), now(),
          '{"provider": "email", "providers": ["email"]}', '{}', now(), now(), '', '', '', ''
        );
        insert into auth.identities (provider_id, user_id, identity_data, provider)
        select id::text, id, jsonb_build_object('sub', id, 'email', email), 'email' from auth.users;
    """)
    assert value(connection, "select email from public.profiles") == "A@b.test"
    assert value(connection, "select email from auth.identities") == "a@b.test"
    assert value(connection, "select confirmed_at = email_confirmed_at from auth.users") is True


OWNED_BY_SERVICES = (
    "create policy p on storage.objects for select using (bucket_id = 'files')",
    "create policy p on realtime.messages for select using (realtime.topic() = topic)",
    "alter table storage.objects enable row level security",
    "create function auth.tenant() returns text language sql as 'select null::text'",
)
SETTINGS = (
    "alter role authenticator set pgrst.db_schemas = 'public, api'",
    "alter role authenticator reset pgrst.db_schemas",
    "set session_replication_role = 'replica'",
)


def allowed(connection: psycopg.Connection[Any], statement: str) -> bool:
    """Whether a statement passes; it is taken back."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def test_postgres_replays_migrations_with_rights_that_it_loses_again(project: Open, server: Server) -> None:
    superuser, connection = project(), project("postgres")
    database = sql.Identifier(connection.info.dbname).as_string(connection)
    unknown = f"alter database {database} set app.settings.secret = 'x'"
    settings = (*SETTINGS, unknown) if server.major >= 15 else ()

    assert [s for s in (*OWNED_BY_SERVICES, *settings) if allowed(connection, s)] == []
    grant_replay_rights(superuser, parameters=["app.settings.secret"])
    try:
        assert [s for s in (*OWNED_BY_SERVICES, *settings) if not allowed(connection, s)] == []
        connection.execute(OWNED_BY_SERVICES[0])
    finally:
        revoke_replay_rights(superuser)
    assert [s for s in (*OWNED_BY_SERVICES, *settings) if allowed(connection, s)] == []
    assert value(superuser, "select count(*) from pg_policy") == 1
    superuser.execute("drop policy p on storage.objects")
    assert differences(expected(server.major), observe(superuser)).keys() == ACCEPTED.keys()


def test_postgres_does_its_own_work_without_them(project: Open) -> None:
    project()
    connection = project("postgres")
    connection.execute("""
        create schema api;
        create table public.notes (id integer);
        alter publication supabase_realtime add table public.notes;
        create role reporter;
        grant reporter to authenticator;
        insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true);
        drop role reporter;
    """)


def test_rights_that_were_never_given_can_be_revoked(project: Open) -> None:
    revoke_replay_rights(project())
