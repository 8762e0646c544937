"""The stub extensions: each can be created by the role `postgres`, and what it promises resolves and answers."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from rlsaudit.engine.stubs import DIRECTORY, available

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rlsaudit.engine import Server

Project: TypeAlias = tuple[psycopg.Connection[Any], psycopg.Connection[Any]]
"""A project's database, as its superuser and as `postgres`."""

STUBS = available()

# Where the schema is fixed by the control file; pg_net and pg_cron make theirs in the script.
FIXED = {"pg_graphql": "graphql", "supabase_vault": "vault", "pgmq": "pgmq", "pg_tle": "pgtle", "pgsodium": "pgsodium"}

# By extension: what is asked as `postgres`, with the schema `extensions` in its search_path, and the answer.
ANSWERS: dict[str, dict[str, object]] = {
    "uuid-ossp": {
        "select uuid_generate_v4() <> uuid_generate_v1()": True,
        "select uuid_generate_v3(uuid_ns_dns(), 'python.org')::text": "6fa459ea-ee8a-3ca4-894e-db77e160355e",
        "select uuid_generate_v5(uuid_ns_url(), 'a') = uuid_generate_v5(uuid_ns_url(), 'a')": True,
        "select substr(uuid_generate_v5(uuid_ns_url(), 'a')::text, 15, 1)": "5",
        "select uuid_nil()::text": "00000000-0000-0000-0000-000000000000",
    },
    "pgcrypto": {
        "select encode(digest('a', 'sha256'), 'hex') = encode(sha256('a'), 'hex')": True,
        "select length(gen_random_bytes(20))": 20,
        "select length(gen_random_bytes(32))": 32,
        "select gen_random_uuid() is not null": True,
        "select crypt('secret', stored) = stored from (select crypt('secret', gen_salt('bf', 8))) as a (stored)": True,
        "select crypt('wrong', stored) = stored from (select crypt('secret', gen_salt('bf'))) as a (stored)": False,
        "select hmac('a', 'key', 'sha256') <> hmac('a', 'other', 'sha256')": True,
    },
    "pg_net": {
        "select net.http_get('https://a.test') > 0": True,
        "select net.http_post(url := 'https://a.test', body := '{}', headers := '{}') > 0": True,
        "select net.http_delete('https://a.test', timeout_milliseconds := 1) > 0": True,
        "select count(*) from net._http_response": 0,
        "select has_schema_privilege('anon', 'net', 'usage')": True,
    },
    "pg_graphql": {
        "select graphql.resolve('{ a }') #>> '{errors,0,message}'": "rlsaudit stub: pg_graphql resolves nothing",
    },
    "pgjwt": {
        # The example of RFC 7519's best known debugger.
        """select sign('{"sub":"1234567890","name":"John Doe","iat":1516239022}', 'your-256-bit-secret')""": (
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
            "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ."
            "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
        ),
        "select valid from verify(sign('{\"a\": 1}', 'k', 'HS512'), 'k', 'HS512')": True,
        "select valid from verify(sign('{\"a\": 1}', 'k'), 'other')": False,
        "select valid from verify(sign('{\"exp\": 1}', 'k'), 'k')": False,
    },
    "pg_cron": {
        "select cron.schedule('nightly', '0 0 * * *', 'a') = cron.schedule('nightly', '0 1 * * *', 'b')": True,
        "select cron.schedule('* * * * *', 'select 2') > 0": True,
        "select username from cron.job where jobname = 'nightly'": "postgres",
        "select schedule from cron.job where jobname = 'nightly'": "0 1 * * *",
        "select cron.unschedule('nightly')": True,
        "select count(*) from cron.job_run_details": 0,
        "select has_schema_privilege('anon', 'cron', 'usage')": False,
        "select has_table_privilege('postgres', 'cron.job', 'insert')": False,
    },
    "supabase_vault": {
        "select vault.create_secret('a', 'name') is not null": True,
        "select decrypted_secret from vault.decrypted_secrets where name = 'name'": "a",
    },
    "vector": {
        "select '[1,2,3]'::vector(3)::text": "[1,2,3]",
        "select '[0,0]'::vector <-> '[3,4]'": 5.0,
        "select '[1,0]'::vector <=> '[0,1]'": 1.0,
        "select '[1,2]'::vector <#> '[3,4]'": -11.0,
        "select '[1,2]'::vector <+> '[3,4]'": 4.0,
        "select vector_dims('[1,2,3]'::vector)": 3,
        "select array[1, 2.5]::vector::text": "[1,2.5]",
        "select '[1,2]'::vector::real[]": [1.0, 2.0],
        "select avg(v)::text from (values ('[1,2]'::vector), ('[3,4]')) as a (v)": "[2,3]",
        "select sum(v)::text from (values ('[1,2]'::vector), ('[3,4]')) as a (v)": "[4,6]",
        "select count(distinct v) from (values ('[1]'::vector), ('[1]')) as a (v)": 1,
        "select '[0,0]'::halfvec(2) <-> '[3,4]'": 5.0,
        "select '{1:3,3:4}/3'::sparsevec <-> '{}/3'": 5.0,
        "select '{1:3,3:4}/3'::sparsevec::vector::sparsevec::text": "{1:3,3:4}/3",
        "select binary_quantize('[1,-1,2]'::vector)::text": "101",
        "select b'101' <~> b'011'": 2.0,
        "select b'100' <%> b'101'": 0.5,
    },
    "http": {
        "select (http_header('a', 'b')).value": "b",
        "select urlencode('a b&c')": "a%20b%26c",
        "select http_set_curlopt('CURLOPT_TIMEOUT', '1')": True,
        "select pg_get_function_result('http_get(varchar)'::regprocedure) ~ 'http_response'": True,
        "select (null::http_response).status": None,
    },
    "pgmq": {
        "select pgmq.create('jobs') is not null": True,
        "select pgmq.send('jobs', '{\"a\": 1}')": 1,
        "select pgmq.send_batch('jobs', array['{\"a\": 2}', '{\"a\": 3}']::jsonb[])": 2,
        "select message from pgmq.read('jobs', 0, 1)": {"a": 1},
        "select pgmq.archive('jobs', 1)": True,
        "select (pgmq.pop('jobs')).message": {"a": 2},
        "select queue_length from pgmq.metrics('jobs')": 1,
        "select pgmq.delete('jobs', 3)": True,
        "select queue_name from pgmq.list_queues()": "jobs",
        "select pgmq.drop_queue('jobs')": True,
    },
    "pg_tle": {"select count(*) from pgtle.available_extensions()": 0},
    "pgsodium": {
        "select (pgsodium.create_key(name := 'key')).name": "key",
        "select has_function_privilege('anon', 'pgsodium.randombytes_random()', 'execute')": False,
    },
    "hypopg": {"select count(*) from hypopg_list_indexes": 0},
    "index_advisor": {"select 'index_advisor(text)'::regprocedure is not null": True},
    "pgroonga": {"select 'Postgres' &@~ 'post gres'": True, "select 'Postgres' &@ 'mysql'": False},
    "postgis": {
        "select st_astext(st_setsrid(st_makepoint(1, 2), 4326))": "POINT(1 2)",
        "select st_srid(st_setsrid(st_point(1, 2), 4326))": 4326,
        "select st_x('SRID=4326;POINT(1.5 2)'::geometry(point, 4326))": 1.5,
        "select round(st_distance('POINT(0 0)'::geography, 'POINT(1 0)'::geography))": 111195,
        "select st_dwithin(st_point(0, 0)::geography, 'POINT(1 0)'::geography, 200000)": True,
        "select st_distance('POINT(0 0)'::geometry, 'POINT(3 4)'::geometry)": 5.0,
        "select st_asgeojson('POINT(1 2)'::geography)::jsonb ->> 'type'": "Point",
        "select 'POINT(0 0)'::geometry <-> 'POINT(3 4)'": 5.0,
        "select count(distinct g) from (values ('POINT(0 0)'::geometry), ('POINT(0 0)')) as a (g)": 1,
        "select st_geometrytype('SRID=4326;POLYGON((0 0,0 1,1 1,0 0))'::geometry)": "ST_Polygon",
        'select st_astext(st_geomfromgeojson(\'{"type": "Point", "coordinates": [1, 2.5]}\'))': "POINT(1 2.5)",
        "select st_makeenvelope(0, 0, 1, 1, 4326)::text": "SRID=4326;POLYGON((0 0,0 1,1 1,1 0,0 0))",
        "select prosecdef from pg_proc where oid = 'st_estimatedextent(text, text)'::regprocedure": True,
    },
    "plpgsql_check": {"select count(*) from plpgsql_check_function('now()'::regprocedure)": 0},
    "pgaudit": {"select 'pgaudit_ddl_command_end()'::regprocedure is not null": True},
    "pg_stat_statements": {"select has_table_privilege('anon', 'pg_stat_statements', 'select')": True},
    "pg_hashids": {"select id_decode_once(id_encode(1001, 'salt', 8), 'salt', 8)": 1001},
    "moddatetime": {},
    "pg_jsonschema": {
        "select jsonb_matches_schema('{\"type\": \"object\"}', '{}')": True,
        "select json_matches_schema('{}', '{}')": True,
    },
    "wrappers": {"select 'stripe_fdw_handler()'::regprocedure is not null": True},
    "pgtap": {},
}

# By extension: what must fail, because nothing honest could be answered.
REFUSALS = {
    "pgcrypto": "select pgp_sym_encrypt('a', 'b')",
    "http": "select * from http_post('https://a.test', '{}', 'application/json')",
    "pg_tle": "select pgtle.install_extension('a', '1', '', '')",
    "pgsodium": "select pgsodium.crypto_aead_det_encrypt('a', 'b', null)",
    "index_advisor": "select index_advisor('select 1')",
    "hypopg": "select hypopg_create_index('create index on a (b)')",
    "postgis": "select st_contains('POINT(0 0)'::geometry, 'POINT(0 0)'::geometry)",
    "pg_net": "select net.check_worker_is_up()",
}


@pytest.fixture
def project(server: Server) -> Iterator[Project]:
    """A project, as its superuser and as `postgres`."""
    name = f"stubs_{uuid4().hex[:8]}"
    superuser = server.supabase_database(name)
    with (
        closing(psycopg.connect(superuser, autocommit=True)) as admin,
        closing(psycopg.connect(server.dsn(name, user="postgres"), autocommit=True)) as postgres,
    ):
        yield admin, postgres
    server.drop_database(name)


def ask(connection: psycopg.Connection[Any], query: str) -> object:
    """The one value that a query gives."""
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def create(server: Server, project: Project, name: str) -> psycopg.Connection[Any]:
    """Have the stub there: created by `postgres`, or run as a script where the server has the real extension."""
    admin, postgres = project
    target = FIXED.get(name, "extensions")
    if name in server.stubs:
        postgres.execute(
            sql.SQL("create extension if not exists {} {}").format(
                sql.Identifier(name), sql.SQL("" if name in FIXED else "schema extensions")
            )
        )
        query = "select obj_description(oid, 'pg_extension') from pg_extension where extname = %s"
        comment = postgres.execute(query, [name]).fetchone()
        assert str(comment and comment[0]).startswith("rlsaudit stub")
        return postgres
    run_script(admin, name, target)
    return postgres


def run_script(admin: psycopg.Connection[Any], name: str, target: str) -> None:
    """What CREATE EXTENSION does with the script, without the extension."""
    admin.execute(sql.SQL("drop extension if exists {} cascade").format(sql.Identifier(name)))
    admin.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(target)))
    with admin.transaction():
        admin.execute(sql.SQL("set local search_path = {}").format(sql.Identifier(target)))
        admin.execute(STUBS[name][1].read_text("utf-8").replace("@extschema@", target).encode())


def test_every_stub_is_asked_something() -> None:
    assert ANSWERS.keys() == STUBS.keys()


@pytest.mark.parametrize(("name", "files"), STUBS.items())
def test_a_stub_says_what_it_is(name: str, files: tuple[Path, ...]) -> None:
    control, script = files
    settings = dict(re.findall(r"^(\w+) = '?(.*?)'?$", control.read_text("utf-8"), re.MULTILINE))
    assert settings["comment"].startswith("rlsaudit stub: ")
    assert settings["trusted"] == "true"
    assert script.name == f"{name}--{settings['default_version']}.sql"
    assert script.parent == control.parent == DIRECTORY / "extension"
    assert settings.get("schema") == FIXED.get(name)
    # Postgres puts the schema's name into scripts of extensions that stay where they are, and only there.
    assert not (settings["relocatable"] == "true" and "@extschema@" in script.read_text("utf-8"))


@pytest.mark.parametrize("name", STUBS)
def test_postgres_creates_it_and_it_answers(server: Server, project: Project, name: str) -> None:
    connection = create(server, project, name)
    assert {query: ask(connection, query) for query in ANSWERS[name]} == ANSWERS[name]


@pytest.mark.parametrize("name", REFUSALS)
def test_what_it_cannot_do_raises(server: Server, project: Project, name: str) -> None:
    connection = create(server, project, name)
    with pytest.raises(psycopg.errors.RaiseException, match="rlsaudit stub"):
        ask(connection, REFUSALS[name])


def test_the_stub_of_vault_works_without_a_project(server: Server) -> None:
    name = f"stubs_{uuid4().hex[:8]}"
    with closing(psycopg.connect(server.create_database(name), autocommit=True)) as connection:
        connection.execute("create schema vault")
        run_script(connection, "supabase_vault", "vault")
        assert ask(connection, "select vault.create_secret('a', 'b') is not null") is True
        assert ask(connection, "select decrypted_secret from vault.decrypted_secrets") == "a"
    server.drop_database(name)


def test_pg_cron_goes_where_the_manual_says(server: Server, project: Project) -> None:
    if "pg_cron" not in server.stubs:
        pytest.skip("the server has a real pg_cron")
    connection = project[1]
    connection.execute("create extension pg_cron with schema pg_catalog")
    assert ask(connection, "select cron.schedule('* * * * *', 'select 1')") == 1


@pytest.mark.parametrize("method", ["hnsw", "ivfflat"])
def test_a_table_of_vectors_takes_its_index_and_long_rows(server: Server, project: Project, method: str) -> None:
    connection = create(server, project, "vector")
    connection.execute("create table public.documents (id bigserial primary key, embedding vector(1536))")
    connection.execute(f"create index on public.documents using {method} (embedding vector_cosine_ops)".encode())
    connection.execute(
        "insert into public.documents (embedding)"
        " select array_agg(random() * n)::vector from generate_series(1, 1536), generate_series(1, 3) as n group by n"
    )
    assert ask(connection, "select format_type(atttypid, atttypmod) from pg_attribute where attname = 'embedding'") == (
        "vector(1536)"
    )
    nearest = (
        "select id from public.documents order by embedding <=> (select embedding from public.documents where id = 2)"
    )
    assert ask(connection, nearest) == 2
    # The one thing that cannot be imitated. Whoever replays migrations leaves such options out.
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="unrecognized parameter"):
        connection.execute(
            f"create index on public.documents using {method} (embedding vector_l2_ops) with (lists = 100)".encode()
        )


def test_columns_of_shapes_can_be_declared(server: Server, project: Project) -> None:
    connection = create(server, project, "postgis")
    connection.execute("create table public.places (location geography(point, 4326), area geometry(Polygon))")
    connection.execute("insert into public.places values ('POINT(1 2)', st_makeenvelope(0, 0, 1, 1))")
    assert ask(connection, "select st_astext(location) from public.places") == "POINT(1 2)"
    # The one that there is. Whoever replays migrations takes it for those that they ask for.
    connection.execute("create index on public.places using hash (area)")
    connection.execute("create index on public.places using hash (location gist_geography_ops)")


def test_an_index_of_pgroonga_can_be_created(server: Server, project: Project) -> None:
    connection = create(server, project, "pgroonga")
    connection.execute("create table public.pages (title text, tag varchar(9), more jsonb)")
    for column in ("title", "tag", "more"):
        connection.execute(f"create index on public.pages using pgroonga ({column})".encode())
    connection.execute("insert into public.pages values ('a', 'b', '{}')")


def test_moddatetime_writes_the_time(server: Server, project: Project) -> None:
    connection = create(server, project, "moddatetime")
    connection.execute("""
        create table public.notes (id integer, updated_at timestamptz);
        create trigger touch before update on public.notes
          for each row execute function extensions.moddatetime(updated_at);
        insert into public.notes values (1, null);
        update public.notes set id = 2;
    """)
    assert ask(connection, "select id = 2 and updated_at is not null from public.notes") is True


def test_a_foreign_table_of_a_wrapper_exists_and_refuses_to_be_read(server: Server, project: Project) -> None:
    create(server, project, "wrappers")
    admin = project[0]
    admin.execute("""
        create foreign data wrapper stripe_wrapper
          handler extensions.stripe_fdw_handler validator extensions.stripe_fdw_validator;
        create server stripe foreign data wrapper stripe_wrapper options (api_key_id 'x');
        create foreign table public.customers (id text) server stripe options (object 'customers');
    """)
    with pytest.raises(psycopg.Error, match="did not return an FdwRoutine struct"):
        admin.execute("select * from public.customers")
