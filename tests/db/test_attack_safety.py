"""What an audit that writes leaves behind: nothing, however it ends."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from killed import MOMENTS, killed_at_moments
from unchanged import alone, state

from rlsaudit import demo
from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine.model import SUPERUSER
from rlsaudit.errors import AuditError
from rlsaudit.model import EvidenceKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server

WRITING = Options(probe="write")


@pytest.fixture(scope="module")
def app(server: Server) -> Iterator[str]:
    """The name of a database with the demo app in it."""
    with psycopg.connect(server.supabase_database("attacked"), autocommit=True) as connection:
        demo.load(connection)
        connection.execute("create sequence public.tickets; select nextval('public.tickets')")
        connection.execute("create table public.numbered (id serial primary key, n int generated always as identity)")
        connection.execute("insert into public.numbered default values; grant all on public.numbered to anon")
    yield "attacked"
    server.drop_database("attacked")


@pytest.mark.parametrize("user", ["postgres", SUPERUSER])
def test_all_is_as_before(server: Server, app: str, user: str) -> None:
    with psycopg.connect(server.dsn(app), autocommit=True) as admin:
        before = state(admin)
        with connect(server.dsn(app, user=user)) as session:
            report = audit(session, WRITING)
            assert session.fetch_value("select current_user") == user
            assert session.fetch_value("select pg_my_temp_schema()") == 0
        alone(admin)
        assert state(admin) == before
    # It did write: what a user may change and put in is known by having done so.
    assert sum(one.evidence is EvidenceKind.PROBE and one.operation != "select" for one in report.matrix) > 20


def test_killed_at_any_moment(server: Server, app: str) -> None:
    with psycopg.connect(server.dsn(app), autocommit=True) as admin:
        before = state(admin)
        met = killed_at_moments("audit", server.dsn(app, user="postgres"), "--probe", "write")
        assert met > MOMENTS / 4
        alone(admin)
        assert state(admin) == before


def test_a_connection_that_is_cut(server: Server, app: str) -> None:
    cut = (
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'rlsaudit'"
        " and query like '%rlsaudit_attack%'"
    )
    with psycopg.connect(server.dsn(app), autocommit=True) as admin:
        before = state(admin)

        def cutting() -> None:
            for _ in range(1_000):
                if admin.execute(cut).fetchone() is not None:
                    return
                time.sleep(0.01)

        thread = threading.Thread(target=cutting)
        thread.start()
        with pytest.raises(AuditError, match="connection was lost") as caught, connect(server.dsn(app)) as session:
            audit(session, WRITING)
        thread.join()
        assert "password" not in str(caught.value)
        alone(admin)
        assert state(admin) == before


def test_a_table_that_is_locked(server: Server, app: str) -> None:
    with psycopg.connect(server.dsn(app)) as owner:
        owner.execute("lock table public.clients in access exclusive mode")
        with connect(server.dsn(app, user="postgres")) as session:
            report = audit(session, WRITING)
        owner.rollback()
    assert any("public.clients" in one.what and "55P03" in one.reason for one in report.skipped)
    assert any(one.evidence is EvidenceKind.PROBE and one.operation == "delete" for one in report.matrix)


TRAPS = """
create extension dblink;
create table public.log (id bigserial primary key, what text);
create function public.refuses() returns trigger language plpgsql as
  $$ begin raise exception 'not you' using errcode = '42501'; end $$;
create function public.swallows() returns trigger language plpgsql as $$ begin return null; end $$;
create function public.keeps() returns trigger language plpgsql as $$ begin return old; end $$;
create function public.dials() returns trigger language plpgsql security definer as
  $$ begin perform dblink_exec('dbname=' || current_database(), 'insert into public.log (what) values (1)'); return new;
  end $$;
create function public.tells() returns trigger language plpgsql as
  $$ begin perform pg_notify('trap', 'sprung'); return new; end $$;
create function public.sleeps() returns trigger language plpgsql as $$ begin perform pg_sleep(30); return new; end $$;
create function public.loops() returns trigger language plpgsql as
  $$ begin loop exit when false; end loop; return new; end $$;
create function public.programs() returns trigger language plpgsql security definer as
  $$ begin copy public.log to program 'touch {directory}/triggered'; return new; end $$;
create function public.draws() returns trigger language plpgsql as
  $$ begin insert into public.log (what) values (new.a); return new; end $$;
create function public.checks() returns trigger language plpgsql as
  $$ begin if new.a is not null then raise exception 'too late'; end if; return new; end $$;
create function public.on_ddl() returns event_trigger language plpgsql security definer as
  $$ begin insert into public.log (what) values ('ddl'); end $$;
create table public.t_refuses (a text); create table public.t_swallows (a text); create table public.t_keeps (a text);
create table public.t_dials (a text); create table public.t_tells (a text); create table public.t_sleeps (a text);
create table public.t_loops (a text); create table public.t_programs (a text); create table public.t_draws (a text);
create table public.t_checks (a text);
create trigger t before insert or update or delete on public.t_refuses for each row execute function public.refuses();
create trigger t before insert or update or delete on public.t_swallows for each row execute function public.swallows();
create trigger t before update on public.t_keeps for each row execute function public.keeps();
create trigger t after insert or update on public.t_dials for each row execute function public.dials();
create trigger t after insert or update on public.t_tells for each row execute function public.tells();
create trigger t after insert or update on public.t_sleeps for each row execute function public.sleeps();
create trigger t after insert or update on public.t_loops for each row execute function public.loops();
create trigger t after insert or update on public.t_programs for each row execute function public.programs();
create trigger t after insert or update on public.t_draws for each row execute function public.draws();
create constraint trigger t after insert on public.t_checks deferrable initially deferred
  for each row execute function public.checks();
create function public.by_program() returns setof int language plpgsql as
  $$ begin copy (select 1) to program 'touch {directory}/viewed'; return next 1; end $$;
create view public.v_program as select * from public.by_program() as a;
create view public.v_draws as select nextval('public.log_id_seq') as a from generate_series(1, 3);
create view public.v_locks as select pg_advisory_lock(42)::text as a from generate_series(1, 2);
create function public.notes_it() returns int language plpgsql security definer as
  $$ begin insert into public.log (what) values ('read'); return 1; end $$;
create table public.t_noted (a text); alter table public.t_noted enable row level security;
create policy p on public.t_noted using (public.notes_it() = 1);
create table public.t_small (id int primary key, a text);
create table public.t_big (id int references public.t_small on delete cascade);
insert into public.t_small values (1, 'one'); insert into public.t_big select 1 from generate_series(1, 20000);
analyze public.t_big;
create table public.always (id int generated always as identity primary key, a text);
create table public.serial (id serial primary key, a text);
grant all on all tables in schema public to anon;
create event trigger rlsaudit_trap on ddl_command_end execute function public.on_ddl();
"""


@pytest.fixture
def sprung() -> Iterator[Path]:
    """A directory in which whoever runs the server may make files."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o777)
        yield Path(directory)


@pytest.fixture
def trapped(supabase_database: str, sprung: Path) -> Iterator[str]:
    with psycopg.connect(supabase_database, autocommit=True) as admin:
        admin.execute(TRAPS.replace("{directory}", str(sprung)).encode())
    yield supabase_database
    with psycopg.connect(supabase_database, autocommit=True) as admin:
        admin.execute("drop event trigger if exists rlsaudit_trap")


def test_traps(trapped: str, sprung: Path) -> None:
    with psycopg.connect(trapped, autocommit=True) as admin, psycopg.connect(trapped, autocommit=True) as listener:
        listener.execute("listen trap")
        before = state(admin)
        gone = "select n_tup_del from pg_stat_user_tables where relname = 't_big'"
        with connect(trapped, statement_timeout_ms=2_000) as session:
            report = audit(session, WRITING)
            assert session.fetch_value("select count(*) from pg_locks where locktype = 'advisory'") == 0
        assert list(sprung.iterdir()) == []
        assert state(admin) == before
        assert list(listener.notifies(timeout=0.2)) == []
        listener.close()
        alone(admin)
        assert admin.execute(gone).fetchone() == (0,)
    cells = {(one.relation, one.operation.value): one for one in report.matrix if one.persona == "anon"}
    tried = {key[0] for key, one in cells.items() if "put in a row" in one.because and key[1] == "insert"}
    # RLS is off, so nothing but the traps stands between anybody and these tables.
    assert {"public.t_tells", "public.always", "public.serial"} <= tried
    harmful = {f"public.t_{name}" for name in ("dials", "sleeps", "programs", "draws")}
    assert not tried & (harmful | {"public.t_refuses", "public.t_swallows", "public.t_checks", "public.t_loops"})
    told = {one.what: one.reason for one in report.skipped}
    for name in harmful:
        assert any(name in what for what in told), name
    assert "dblink" in " ".join(why for what, why in told.items() if "t_dials" in what)
    assert cells["public.t_keeps", "update"].evidence is not EvidenceKind.PROBE
