"""Triggers, defaults, checks, rules and views that would do what no rollback undoes: attacks set off none of them.

RLS is off on all of these tables, so nothing but the traps stands between anybody and their rows.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from unchanged import alone, state

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine.model import SUPERUSER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from rlsaudit.engine import Server
    from rlsaudit.model import Report

VICTIM = "trap_victim"
OTHERS = f"from pg_stat_activity where application_name = '{VICTIM}'"
MARK = "sprung"
"""What a message that outlives its transaction says."""
SLOT = "trap_watch"

TRIGGERS = {
    "makes_large_object": "perform lo_create(0)",
    "imports": "perform lo_import('/etc/hostname')",
    "exports": "perform lo_export(4711, '{directory}/exported')",
    "copies": "copy public.log to '{directory}/copied'",
    "locks": "perform pg_advisory_lock(7)",
    "tries_lock": "perform pg_try_advisory_lock(8)",
    "unlocks": "perform pg_advisory_unlock_all()",
    "terminates": f"perform pg_terminate_backend(pid) {OTHERS}",
    "cancels": f"perform pg_cancel_backend(pid) {OTHERS}",
    "reloads": "perform pg_reload_conf()",
    "rotates": "perform pg_rotate_logfile()",
    "logs_memory": f"perform pg_log_backend_memory_contexts(pid) {OTHERS}",
    "sets": "perform setval('public.log_id_seq', 999)",
    "keeps_setting": "perform set_config('app.trap', 'yes', false)",
    "takes_role": "perform set_config('role', 'postgres', false)",
    "makes_slot": "perform pg_create_physical_replication_slot('trap_slot')",
    "drops_slot": f"perform pg_drop_replication_slot('{SLOT}')",
    "emits": f"perform pg_logical_emit_message(false, 'trap', '{MARK}')",
    "switches": "perform pg_switch_wal()",
    "names_point": "perform pg_create_restore_point('trap')",
    "exports_snapshot": "perform pg_export_snapshot()",
    "connects": "perform extensions.dblink_connect('trap', 'dbname=' || current_database())",
    "posts": "perform net.http_post('http://192.0.2.1/')",
    "schedules": "perform cron.schedule('trap', '* * * * *', 'select 1')",
    "writes_abroad": "insert into public.abroad values ('trap')",
    "runs_what_it_finds": "execute 'select pg_advisory_lo' || 'ck(9)'",
    "forgets": "perform pg_stat_reset()",
}
"""What is done by the trigger of a table that is called like it, with a superuser's rights."""

SHAPES = """
create extension if not exists dblink schema extensions; create extension if not exists pg_net;
create extension if not exists pg_cron; create extension if not exists postgres_fdw schema extensions;
create extension file_fdw schema extensions;
create table public.log (id bigserial primary key, what text);
create function public.locks_it(text) returns boolean language sql immutable security definer as
  'select pg_try_advisory_lock(42)';
create function public.locks_always(text) returns text language plpgsql immutable security definer as
  $$ begin perform pg_advisory_lock(43); return $1; end $$;
create server files foreign data wrapper file_fdw;
create foreign table public.t_program (a text) server files options (program 'touch {directory}/program');
create server elsewhere foreign data wrapper postgres_fdw options (host '192.0.2.1');
create user mapping for public server elsewhere options (user 'x', password 'y');
create foreign table public.abroad (a text) server elsewhere;
create function public.on_abroad() returns trigger language plpgsql security definer as
  $$ begin perform pg_advisory_lock(44); return new; end $$;
create trigger t before insert on public.abroad for each row execute function public.on_abroad();
create table public.t_default (id int, a text default public.locks_always('a'));
create table public.t_check (a text check (public.locks_it(a)));
create table public.t_generated (a text, b text generated always as (public.locks_always(a)) stored);
create table public.t_indexed (a text);
create index on public.t_indexed (public.locks_always(a));
create table public.t_partly (a text);
create index on public.t_partly (a) where public.locks_it(a);
create domain public.trapped as text check (public.locks_it(value));
create table public.t_domain (a public.trapped);
create table public.t_domain_in (id int, a public.trapped[]);
create type public.pair as (a public.trapped);
create table public.t_domain_of (a public.pair);
create table public.t_ruled (a text);
create rule r as on insert to public.t_ruled do also select pg_advisory_lock(45);
create table public.t_policy (a text);
alter table public.t_policy enable row level security;
create policy p on public.t_policy for insert with check (public.locks_it(a));
create policy q on public.t_policy for select using (true);
create table public.t_parent (id int primary key);
insert into public.t_parent select generate_series(1, 3);
create table public.t_cascades (id int references public.t_parent on delete cascade);
insert into public.t_cascades select 1;
create trigger t before delete on public.t_cascades for each row execute function public.on_abroad();
create table public.t_parted (id int) partition by list (id);
create table public.t_part partition of public.t_parted default;
create trigger t before insert or update or delete on public.t_part for each row execute function public.on_abroad();
create table public.t_statement (a text);
create trigger t after insert or update or delete on public.t_statement execute function public.on_abroad();
create table public.below (a text);
create view public.t_instead as select a from public.below;
create trigger t instead of insert or update or delete on public.t_instead
  for each row execute function public.on_abroad();
create view public.v_tells as select pg_notify('trap', 'sprung')::text as a from generate_series(1, 2);
create view public.v_emits as select pg_logical_emit_message(false, 'trap', 'sprung')::text as a;
create view public.v_reads as select pg_read_file('PG_VERSION') as a;
create view public.v_exports as select lo_export(4711, '{directory}/viewed') as a;
create view public.v_keeps as select set_config('app.trap', 'yes', false) as a;
create view public.v_connects as select extensions.dblink_connect('trap', 'dbname=' || current_database()) as a;
"""
LANGUAGES = {
    "plperlu": "open(my $file, '>', '{directory}/perl'); close($file); return;",
    "plpython3u": "open('{directory}/python', 'w').close()",
    "pltclu": "close [open {directory}/tcl w]; return OK",
}
"""Untrusted, where the server has them: their functions may do whatever the server's account may."""


@pytest.fixture(scope="module")
def sprung() -> Iterator[Path]:
    """A directory in which whoever runs the server may make files."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o777)
        yield Path(directory)


@pytest.fixture(scope="module")
def trapped(server: Server, sprung: Path) -> Iterator[str]:
    """The name of a database full of traps."""
    with psycopg.connect(server.supabase_database("traps"), autocommit=True) as admin:
        for statement in (SHAPES, *(_table(name, "plpgsql", f"begin {body}; return new; end")
                                    for name, body in TRIGGERS.items())):  # fmt: skip
            admin.execute(statement.replace("{directory}", str(sprung)).encode())
        admin.execute(f"select lo_from_bytea(4711, '{MARK}')")
        # Not everybody has a Perl; where its library is missing the extension is listed all the same.
        for language, body in LANGUAGES.items():
            try:
                admin.execute(f"create extension {language}")
            except (psycopg.errors.UndefinedFile, psycopg.errors.FeatureNotSupported):
                continue
            admin.execute(_table(language, language, body).replace("{directory}", str(sprung)).encode())
        if admin.execute("select from pg_available_extensions where name = 'adminpack'").fetchone():  # gone since 17
            admin.execute("create extension adminpack")
            body = f"begin perform pg_file_write('{sprung}/written', 'a', false); return new; end"
            admin.execute(_table("writes_file", "plpgsql", body).encode())
        admin.execute("grant all on all tables in schema public to anon")
        admin.execute("create publication trapped for table public.log")
        admin.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", [SLOT])
    yield "traps"
    with psycopg.connect(server.dsn("traps"), autocommit=True) as admin:
        admin.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots")
    server.drop_database("traps")


def _table(name: str, language: str, body: str) -> str:
    """A table with a row and a trigger that does something, whatever is written."""
    return (
        f"create table public.t_{name} (a text); insert into public.t_{name} values ('one');"
        f"create function public.{name}() returns trigger language {language} security definer as $f$ {body} $f$;"
        f"create trigger t before insert or update or delete on public.t_{name}"
        f" for each row execute function public.{name}()"
    )


def messages(admin: psycopg.Connection[Any]) -> int:
    """How many messages of traps are in the log of changes, where what is not transactional is kept at once."""
    ask = (
        "select count(*) from pg_logical_slot_peek_binary_changes(%s, null, null, 'proto_version', '1',"
        " 'publication_names', 'trapped', 'messages', 'true') where position(%s::bytea in data) > 0"
    )
    admin.execute("checkpoint")  # what is not on the disk yet is not told
    row = admin.execute(ask, [SLOT, MARK.encode()]).fetchone()
    assert row is not None
    return int(row[0])


def test_the_watch_hears_of_a_message(server: Server, trapped: str) -> None:
    with psycopg.connect(server.dsn(trapped)) as admin:
        before = messages(admin)
        admin.execute(f"select pg_logical_emit_message(false, 'test', '{MARK}')")
        admin.rollback()
        assert messages(admin) == before + 1


@pytest.mark.parametrize("user", ["postgres", SUPERUSER])
def test_nothing_outlives_it(server: Server, trapped: str, sprung: Path, user: str) -> None:
    moment = "select pg_conf_load_time(), (select stats_reset from pg_stat_database where datname = current_database())"
    sessions = "select count(*) from pg_stat_activity where datname = current_database()"
    with (
        psycopg.connect(server.dsn(trapped), autocommit=True) as admin,
        psycopg.connect(server.dsn(trapped), autocommit=True, application_name=VICTIM) as victim,
    ):
        victim.execute("listen trap")
        before, loaded, told = state(admin), admin.execute(moment).fetchone(), messages(admin)
        with connect(server.dsn(trapped, user=user), statement_timeout_ms=5_000) as session:
            report = audit(session, Options(probe="write"))
            # What the next one would find who gets this connection from a pool.
            assert session.fetch_value("select current_user") == user
            assert session.fetch_value("select current_setting('app.trap', true)") in {None, ""}
            assert admin.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (0,)
            assert admin.execute(sessions).fetchone() == (3,)  # these: nobody has connected to elsewhere
        assert list(sprung.iterdir()) == []
        assert (state(admin), admin.execute(moment).fetchone(), messages(admin)) == (before, loaded, told)
        assert list(victim.notifies(timeout=0.2)) == []
        assert victim.execute("select 1").fetchone() == (1,)  # neither terminated nor cancelled
        victim.close()
        alone(admin)
    assert_left_alone(report)


def assert_left_alone(report: Report) -> None:
    """Each trap is listed with a reason, and nobody has put a row into its table."""
    skipped = " ".join(one.what for one in report.skipped)
    wrote = {one.relation for one in report.matrix if "put in a row" in one.because or "deleted" in one.because}
    for name in TRIGGERS:
        assert f"public.t_{name} " in skipped, name
        assert f"public.t_{name}" not in wrote, name
