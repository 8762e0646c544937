"""What CI builds on: the exit codes, and that reports go where they are sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest
from command import rlsaudit

from rlsaudit import __version__
from rlsaudit.cli.exits import exit_code
from rlsaudit.model import (
    Evidence,
    EvidenceKind,
    Finding,
    Fix,
    ObjectRef,
    Reach,
    Report,
    Severity,
    Summary,
    Target,
    Tool,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command import Answer

    Ask = Callable[..., Answer]

OPEN = "create table public.open (id int, email text); grant all on public.open to anon, authenticated"
CLOSED = "create table public.closed (id int); revoke all on public.closed from anon, authenticated"
UNDECIDED = """
create table public.odd (id int); alter table public.odd enable row level security;
create function public.odd(id int) returns boolean language plpgsql stable as
  $$ begin return md5(id::text) < md5('x'); end $$;
create policy p on public.odd for select to anon, authenticated using (public.odd(id));
"""


def made(dsn: str, schema: str) -> str:
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(schema.encode())
    return dsn


def test_a_clean_database_exits_with_0_even_when_strict(ask: Ask, supabase_database: str) -> None:
    answer = ask("audit", made(supabase_database, CLOSED), "--schema", "public", "--strict", "--format", "json")
    summary = json.loads(answer.out)["summary"]
    assert (answer.code, summary["unknown"], summary["skipped"]) == (0, 0, 0)


@pytest.mark.parametrize("level", ["info", "low", "medium", "high", "critical"])
def test_a_critical_finding_exits_with_1_at_every_level(ask: Ask, supabase_database: str, level: str) -> None:
    assert ask("audit", made(supabase_database, OPEN), "--fail-on", level).code == 1


def test_findings_weigh_more_than_gaps(ask: Ask, supabase_database: str) -> None:
    dsn = made(supabase_database, OPEN + ";" + UNDECIDED)
    assert ask("audit", dsn, "--strict").code == 1


def test_gaps_exit_with_3_only_when_strict(ask: Ask, supabase_database: str) -> None:
    dsn = made(supabase_database, UNDECIDED)
    assert ask("audit", dsn, "--schema", "public").code == 0
    assert ask("audit", dsn, "--schema", "public", "--strict").code == 3


def test_an_auditor_that_may_not_become_the_personas_audits_in_part(ask: Ask, supabase_database: str) -> None:
    dsn = made(supabase_database, CLOSED)
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("create role cli_auditor login")
    try:
        as_auditor = psycopg.conninfo.make_conninfo(dsn, user="cli_auditor")
        answer = ask("audit", as_auditor, "--schema", "public", "--strict", "--format", "json")
    finally:
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute("drop role cli_auditor")
    assert answer.code == 3
    assert any("may not SET ROLE anon" in one["reason"] for one in json.loads(answer.out)["skipped"])


@pytest.mark.parametrize("worst", list(Severity))
@pytest.mark.parametrize("fail_on", list(Severity))
def test_the_level_is_the_least_that_fails(worst: Severity, fail_on: Severity) -> None:
    finding = Finding(
        rule="rls-off",
        severity=worst,
        title="",
        message="",
        object=ObjectRef("table", "public.t"),
        relations=(),
        persona="anon",
        operation="select",
        reach=Reach.ALL,
        intended=Reach.NONE,
        evidence=Evidence(EvidenceKind.CATALOG),
        fix=Fix(""),
        fingerprint="",
    )
    report = Report(
        tool=Tool("rlsaudit", "0"),
        target=Target("postgres", "17", "app", (), "none"),
        personas=(),
        summary=Summary(0, 0, 0, 0, 0, 0, unknown=1, skipped=0),
        matrix=(),
        findings=(finding,),
        skipped=(),
    )
    assert exit_code(report, fail_on, strict=False) == (1 if worst >= fail_on else 0)
    assert exit_code(report, fail_on, strict=True) == (1 if worst >= fail_on else 3)


def test_a_report_goes_into_a_file_and_nothing_to_the_screen(ask: Ask, supabase_database: str, tmp_path: Path) -> None:
    dsn = made(supabase_database, OPEN)
    answer = ask("audit", dsn, "--format", "json", "-o", str(tmp_path / "report.json"))
    assert (answer.code, answer.out, answer.err) == (1, "", "")
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["schema"] == "rlsaudit.report/1"


def test_a_snapshot_is_audited_later_without_the_database(ask: Ask, supabase_database: str, tmp_path: Path) -> None:
    dsn = made(supabase_database, OPEN)
    assert ask("snapshot", dsn, "-o", str(tmp_path / "facts.json")).code == 0
    answer = ask("audit", "facts.json")
    assert answer.code == 1
    assert "public.open" in answer.out
    assert ask("snapshot", dsn).out.encode() == (tmp_path / "facts.json").read_bytes()


def test_hostile_names_reach_the_screen_as_escapes(ask: Ask, supabase_database: str) -> None:
    names = ["\x1b[2Jclear", "line\nbreak", "\u202egnp", 'quo"te', "select", "x" * 63]
    with psycopg.connect(supabase_database, autocommit=True) as admin:
        for name in names:
            quoted = '"' + name.replace('"', '""') + '"'
            admin.execute(f"create table public.{quoted} (id int)".encode())
            admin.execute(f"grant all on public.{quoted} to anon".encode())
    text = ask("audit", supabase_database)
    assert text.code == 1
    assert not any(one in text.out for one in ("\x1b", "\u202e", "line\nbreak"))
    report = json.loads(ask("audit", supabase_database, "--format", "json").out)
    relations = {one["relation"] for one in report["matrix"]}
    assert {f'public."{name.replace(chr(34), chr(34) * 2)}"' for name in names[:5]} | {
        f"public.{names[5]}"
    } <= relations


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_databases_that_are_not_utf_8_are_audited(ask: Ask, database: str, encoding: str) -> None:
    name = f"cli_{encoding.lower()}"
    create = f"create database {name} encoding '{encoding}' template template0 lc_collate 'C' lc_ctype 'C'"
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(create)
        admin.execute("create role cli_reader")
        dsn = psycopg.conninfo.make_conninfo(database, dbname=name)
        try:
            with psycopg.connect(dsn, autocommit=True, client_encoding=encoding) as other:
                for table in (b"caf\xe9", b"plain"):
                    other.execute(b'create table public."' + table + b'" (id int)')
                    other.execute(b'grant all on public."' + table + b'" to cli_reader')
            answer = ask("audit", dsn, "--role", "cli_reader", "--format", "json")
        finally:
            admin.execute(f"drop database {name} with (force)")
            admin.execute("drop role cli_reader")
    assert answer.code in {0, 1}, answer.err
    cells = {one["relation"]: one["reach"] for one in json.loads(answer.out)["matrix"] if one["operation"] == "select"}
    assert cells["public.plain"] == "all"
    assert len(cells) == 2


def test_the_version_is_shown_and_a_lone_command_shows_the_help() -> None:
    assert rlsaudit("--version").out == f"rlsaudit {__version__}\n"
    alone = rlsaudit()
    assert (alone.code, alone.out) == (2, "")
    assert "Usage: rlsaudit" in alone.err


def test_the_demo_exits_with_0(ask: Ask) -> None:
    answer = ask("demo")
    assert (answer.code, answer.err) == (0, "")
    assert "This was the demo" in answer.out
