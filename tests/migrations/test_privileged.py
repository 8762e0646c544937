"""What a hosted project's `postgres` may do, without being superuser for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from places import ask, at, run, supabase, write

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.engine import Server

pytestmark = pytest.mark.roles

CLOSE_NEW_TABLES = """create function public.close_new_tables() returns event_trigger language plpgsql as $$
declare made record;
begin
  for made in select * from pg_event_trigger_ddl_commands() where object_type = 'table' loop
    execute format('alter table %s enable row level security', made.object_identity);
  end loop;
end $$;
"""


def test_an_event_trigger_fires_for_what_comes_after_it(server: Server, tmp_path: Path) -> None:
    root = supabase(
        tmp_path,
        f"create table before ();\n{CLOSE_NEW_TABLES}"
        "create event trigger close_new_tables on ddl_command_end when tag in ('CREATE TABLE', 'SELECT INTO')\n"
        "  execute function public.close_new_tables();\n"
        "comment on event trigger close_new_tables is 'it''s mine';\n"
        'alter event trigger "close_new_tables" owner to postgres;',
        "create table after ();\nalter event trigger close_new_tables disable;\ncreate table meanwhile ();\n"
        "alter event trigger close_new_tables enable;\ncreate table again ();\n"
        "drop event trigger if exists close_new_tables;\ncreate table last ();",
    )
    made = run(server, root)
    assert made.failures == ()
    closed = "select string_agg(relname, ' ' order by relname) from pg_class where relrowsecurity"
    assert ask(made, f"{closed} and relnamespace = 'public'::regnamespace") == "after again"
    (event,) = (one for one in made.blame.events if one.kind == "relation" and one.name == "meanwhile")
    assert event.location == at(2, 3)


def test_one_within_a_block_as_well(server: Server, tmp_path: Path) -> None:
    root = supabase(
        tmp_path,
        CLOSE_NEW_TABLES,
        "do $$ begin\n  if not exists (select from pg_event_trigger where evtname = 'e') then\n"
        "    create event trigger e on ddl_command_end when tag in ('CREATE TABLE')\n"
        "      execute procedure close_new_tables();\n  end if;\nend $$;\n"
        "create table t ();",
    )
    made = run(server, root)
    assert made.failures == ()
    assert ask(made, "select relrowsecurity from pg_class where oid = 'public.t'::regclass") is True


NOTE = """create table public.seen (who text, whose text);
grant all on public.seen to public;
create function public.note() returns event_trigger language plpgsql as $$
begin
  insert into public.seen select current_setting('is_superuser'), current_user;
end $$;
create event trigger note on ddl_command_start execute function public.note();
create event trigger " note" on ddl_command_start execute function public.note();
"""


def test_no_superuser_sets_it_off(server: Server, tmp_path: Path) -> None:
    """A trusted extension's script is run by a superuser in the session of whoever creates it."""
    trusted = "do $$ begin execute 'create ' || 'extension citext'; end $$;\n"
    root = supabase(
        tmp_path,
        NOTE,
        trusted,
        f"set session_replication_role = replica;\n{trusted}",
        "create extension if not exists pg_trgm with schema extensions;\nalter extension pg_trgm set schema public;\n"
        "drop extension pg_trgm;\ncreate table t ();",
        "alter event trigger note enable always;",
        "create event trigger v on login execute function public.note();",
    )
    made = run(server, root, continue_=True)
    assert [one.location for one in made.failures] == [at(1, 8), at(2, 1), at(3, 2), at(5, 1), at(6, 1)]
    assert {one.code for one in made.failures[1:3]} == {"42501"}
    assert ask(made, "select count(*) from seen") > 0
    assert ask(made, "select count(*) from seen where who = 'on' or whose <> 'postgres'") == 0


def test_extensions_are_moved_within_a_block(server: Server, tmp_path: Path) -> None:
    sql = (
        "create extension pg_trgm with schema public;\ncreate extension btree_gist with schema public;\ndo $$\nbegin\n"
        "  alter extension pg_trgm set schema extensions;\n  alter extension btree_gist set schema extensions;\n"
        "  if exists (select from pg_extension where extname = 'gone') then\n"
        "    alter extension gone set schema extensions;\n  end if;\nend $$;"
    )
    made = run(server, supabase(tmp_path, sql))
    assert made.failures == ()
    query = "select count(*) from pg_extension where extnamespace = 'extensions'::regnamespace"
    assert ask(made, f"{query} and extname in ('pg_trgm', 'btree_gist')") == 2


def test_a_wrapper_of_the_stub_is_made(server: Server, tmp_path: Path) -> None:
    if "wrappers" not in server.stubs:
        pytest.skip("the server has the real wrappers")
    sql = (
        "create extension wrappers with schema extensions;\ndo $$ begin\n  create foreign data wrapper stripe_wrapper\n"
        "    handler extensions.stripe_fdw_handler\n    validator extensions.stripe_fdw_validator;\nend $$;\n"
        "create server stripe foreign data wrapper stripe_wrapper options (api_key_id 'x');\n"
        "create foreign table public.customers (id text) server stripe options (object 'customers');"
    )
    made = run(server, supabase(tmp_path, sql))
    assert made.failures == ()
    with pytest.raises(psycopg.Error, match="did not return an FdwRoutine struct"):
        ask(made, "select count(*) from public.customers")


def test_a_wrapper_that_connects_is_not(server: Server, tmp_path: Path) -> None:
    sql = (
        "create extension postgres_fdw with schema extensions;\n"
        "create foreign data wrapper mine handler extensions.postgres_fdw_handler;"
    )
    made = run(server, supabase(tmp_path, sql))
    assert [one.code for one in made.failures] == ["42501"]


def test_elsewhere_nothing_is_done_for_anybody(server: Server, tmp_path: Path) -> None:
    sql = f"{CLOSE_NEW_TABLES}create event trigger e on ddl_command_end execute function public.close_new_tables();"
    (failure,) = run(server, write(tmp_path, {"1.sql": sql})).failures
    assert failure.code == "42501"


@pytest.mark.parametrize(
    "index",
    [
        "create index on d using ivfflat (v vector_cosine_ops) with (lists = 100);",
        "create index on d using hnsw (v vector_l2_ops) with (m='16', ef_construction = 64) where v is not null;",
        "do $$ begin create index on d using ivfflat (v) with ( lists=10 ); end $$;",
        "create index on d using hnsw ((v::halfvec(3)) halfvec_ip_ops) with (\n  m = 8\n);",
        "create index on d using hnsw ((binary_quantize(v)::bit(3)) bit_hamming_ops) with (m = 8);",
        "create index on d using hnsw (b bit_jaccard_ops);",
    ],
)
def test_indexes_of_vectors_take_their_options(server: Server, tmp_path: Path, index: str) -> None:
    table = "create extension vector with schema public;\ncreate table d (v vector(3), b bit(3));\n"
    made = run(server, supabase(tmp_path, table + index))
    assert made.failures == ()
    assert ask(made, "select count(*) from pg_index where indrelid = 'd'::regclass") == 1


@pytest.mark.parametrize(
    "index",
    [
        "create index places_at on places using gist (at);",
        "create index places_at on places using spgist (area);",
        "create index places_at on places using gist (area gist_geometry_ops_nd) where area is not null;",
    ],
)
def test_indexes_of_shapes_are_made(server: Server, tmp_path: Path, index: str) -> None:
    table = (
        "create extension postgis with schema extensions;\n"
        "create table places (at geography(point, 4326), area geometry);\n"
    )
    root = supabase(tmp_path, table + index, "create index on pg_temp.x using gist (at);", "drop index places_at;")
    made = run(server, root, continue_=True)
    assert [one.location for one in made.failures] == [at(2, 1)]


def test_buckets_may_be_deleted_as_they_once_could(server: Server, tmp_path: Path) -> None:
    bucket = "insert into storage.buckets (id, name, public) values ('old', 'old', true);"
    made = run(server, supabase(tmp_path, bucket, "delete from storage.buckets where id = 'old';"))
    assert made.failures == ()
    assert ask(made, "select count(*) from storage.buckets") == 0


def test_migrations_find_the_books_of_the_command_line(server: Server, tmp_path: Path) -> None:
    sql = (
        "create view public.applied as select max(version) as version from supabase_migrations.schema_migrations;\n"
        "create function public.search() returns int language sql set hnsw.ef_search = 100 as 'select 1';\n"
    )
    made = run(server, supabase(tmp_path, sql))
    assert made.failures == ()
