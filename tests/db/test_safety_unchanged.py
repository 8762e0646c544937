"""After an audit the server is what it was before: every row, every catalog, every counter of writes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from unchanged import settled

from rlsaudit import demo
from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine.model import SUPERUSER
from rlsaudit.model import Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server
    from rlsaudit.model import Report

pytestmark = pytest.mark.majors

SLOW = "(select count(*) from generate_series(1, 20000000)) > 0"
"""Slow, and as harmless as a condition can be."""
STRANGER = "safety_stranger"
"""A login without any privilege."""


@pytest.fixture(scope="module")
def app(server: Server) -> Iterator[str]:
    """The name of a database with the demo app in it."""
    with psycopg.connect(server.supabase_database("safety"), autocommit=True) as connection:
        demo.load(connection)
        connection.execute(f"create role {STRANGER} login")
        connection.execute("vacuum freeze")  # or readers would set hint bits and prune
    yield "safety"
    server.drop_database("safety")
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"drop role {STRANGER}")


@pytest.mark.parametrize("probe", ["none", "read"])
@pytest.mark.parametrize("user", ["postgres", SUPERUSER, STRANGER])
def test_an_audit_changes_nothing(server: Server, app: str, probe: str, user: str) -> None:
    with psycopg.connect(server.dsn(app), autocommit=True) as admin:
        before = settled(admin)
        with connect(server.dsn(app, user=user)) as session:
            report = audit(session, Options(probe=probe))
        assert len(report.matrix) > 200
        assert settled(admin) == before


def test_the_comparison_notices_what_a_rollback_leaves(server: Server, app: str) -> None:
    with psycopg.connect(server.dsn(app), autocommit=True) as admin:
        before = settled(admin)
        with contextlib.closing(psycopg.connect(server.dsn(app))) as other:
            other.execute("delete from public.clients")
            other.rollback()
        assert settled(admin) != before


class TestASlowPolicy:
    @pytest.fixture
    def slow(self, supabase_database: str) -> str:
        with psycopg.connect(supabase_database, autocommit=True) as admin:
            for name, condition in (("quick", "true"), ("slow", SLOW), ("other", "true")):
                admin.execute(f"create table public.{name} (id int)")
                admin.execute(f"insert into public.{name} values (1)")
                admin.execute(f"alter table public.{name} enable row level security")
                admin.execute(f"create policy p on public.{name} using ({condition})")
                admin.execute(f"grant all on public.{name} to anon, authenticated")
        return supabase_database

    def test_it_is_asked_alone_and_the_others_are_answered(self, slow: str) -> None:
        began = time.monotonic()
        with connect(slow, statement_timeout_ms=400) as session:
            report = audit(session, Options())
        assert time.monotonic() - began < 20
        skipped = {one.what: one.reason for one in report.skipped if "public.slow" in one.what}
        assert set(skipped) == {f"probes of public.slow as {name} (select)" for name in ("anon", "authenticated")}
        assert set(skipped.values()) == {"the statement ran into the time limit"}
        for name in ("quick", "other"):
            assert reads(report, name) == {("anon", Reach.ALL), ("authenticated", Reach.ALL)}

    def test_killed_in_the_middle_nothing_remains(self, slow: str) -> None:
        with psycopg.connect(slow, autocommit=True) as admin:
            before = settled(admin)
            process = subprocess.Popen(  # noqa: S603 — our own command line
                [sys.executable, "-m", "rlsaudit", "audit", slow], stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            in_a_probe(admin)
            process.kill()
            process.communicate()
            assert settled(admin) == before

    def test_interrupted_it_says_so_and_leaves_at_once(self, slow: str) -> None:
        with psycopg.connect(slow, autocommit=True) as admin:
            before = settled(admin)
            process = subprocess.Popen(  # noqa: S603 — our own command line
                [sys.executable, "-m", "rlsaudit", "audit", slow],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
            in_a_probe(admin)
            os.kill(process.pid, signal.SIGINT)
            began = time.monotonic()
            out, err = process.communicate(timeout=30)
            assert time.monotonic() - began < 5
            assert (process.returncode, out) == (2, "")
            assert err == "rlsaudit: interrupted. Nothing was changed, and nothing was reported.\n"
            assert settled(admin) == before


def test_a_table_that_is_locked_is_skipped_and_the_audit_goes_on(server: Server, app: str) -> None:
    with psycopg.connect(server.dsn(app)) as owner:
        owner.execute("lock table public.clients in access exclusive mode")
        began = time.monotonic()
        with connect(server.dsn(app, user="postgres")) as session:
            report = audit(session, Options())
        assert time.monotonic() - began < 30
        owner.rollback()
    skipped = [one for one in report.skipped if one.what.startswith("probes of public.clients")]
    assert {one.what.split(" (")[0] for one in skipped} == {
        "probes of public.clients as anon",
        "probes of public.clients as authenticated",
    }
    assert all("55P03" in one.reason for one in skipped)
    assert reads(report, "invoices") == {("anon", Reach.ALL), ("authenticated", Reach.ALL)}


def reads(report: Report, table: str) -> set[tuple[str, Reach]]:
    return {
        (one.persona, one.reach)
        for one in report.matrix
        if one.relation == f"public.{table}" and one.operation is Operation.SELECT
    }


def in_a_probe(admin: psycopg.Connection[Any]) -> None:
    """Waits until an audit's probes run."""
    running = (
        "select count(*) from pg_stat_activity where application_name = 'rlsaudit' and state = 'active'"
        " and datname = current_database() and query like '%discard plans%'"
    )
    for _ in range(600):
        if admin.execute(running).fetchone() == (1,):
            return
        time.sleep(0.05)
    pytest.fail("no probe was seen to run")
