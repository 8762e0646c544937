"""Whoever uses the database while it is audited notices nothing but that it is busier: no transaction fails."""

from __future__ import annotations

import re
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from installations import pgbench

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.model import Operation, Report

SCALE = 2
"""200,000 accounts, which are left alone, and 2 branches: every transaction changes one of their rows, and so do we."""
CLIENTS = 4
EACH = 200
AUDITS = 10
"""At most: a row of theirs is locked most of the time, and whoever audits waits for none for long."""
OURS = {"public.pgbench_branches", "public.pgbench_tellers"}


def run_pgbench(dsn: str, *options: str) -> str:
    command = [str(pgbench()), *options, dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 — pgbench
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def bank(supabase_database: str) -> str:
    """A database with pgbench's tables, of which anybody may change the small ones."""
    # Without foreign keys: those of the large tables, and of the one that grows, would have the small ones left alone.
    run_pgbench(supabase_database, "--initialize", "--quiet", "--scale", str(SCALE))
    with psycopg.connect(supabase_database, autocommit=True) as admin:
        for name, key in (("pgbench_branches", "bid"), ("pgbench_tellers", "tid")):
            admin.execute(f"alter table public.{name} enable row level security".encode())
            admin.execute(f"create policy p on public.{name} using ({key} is not null)".encode())
            admin.execute(f"grant all on public.{name} to anon, authenticated".encode())
    return supabase_database


def changed_in(report: Report) -> set[str]:
    return {one.relation for one in report.matrix if one.operation is Operation.UPDATE and "changed" in one.because}


@pytest.mark.parametrize("mode", ["read", "write"])
def test_no_transaction_fails(bank: str, mode: str) -> None:
    over = threading.Event()

    def transactions() -> list[str]:
        options = ("--client", str(CLIENTS), "--transactions", str(EACH), "--no-vacuum", "--failures-detailed")
        told = [run_pgbench(bank, *options)]
        while not over.is_set():
            told.append(run_pgbench(bank, *options))
        return told

    with ThreadPoolExecutor() as pool:
        beside = pool.submit(transactions)
        try:
            changed: set[str] = set()
            for number in range(AUDITS):
                with connect(bank) as session:
                    changed |= changed_in(audit(session, Options(probe=mode)))
                if number > 0 and (mode == "read" or changed >= OURS):
                    break
        finally:
            over.set()
        told = beside.result()
    processed = [re.findall(r"actually processed: (\d+)/", one) for one in told]
    assert processed == [[str(CLIENTS * EACH)]] * len(told)
    failed = [re.findall(r"number of .*(?:failures|failed transactions): (\d+)", one) for one in told]
    assert all(failed)
    assert {number for some in failed for number in some} == {"0"}
    # In write mode, of rows that they change as well.
    assert changed >= OURS if mode == "write" else not changed
