"""`rlsaudit generate-tests`: it passes where the intent holds, fails where it does not, and leaves nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest
from command import rlsaudit
from oracle.world import APPS, read_world
from unchanged import state

from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("catalogue", "column_grants", "tenant")
PGTAP = """
create schema tap;
create function tap.plan(n int) returns text language sql as $$ select '1..' || n $$;
create function tap.told(good boolean, said text) returns text language sql as
$$ select case when good then '' else 'not ' end || 'ok - ' || said $$;
create function tap.cmp_ok(have bigint, operator text, want bigint, said text) returns text language sql as
$$ select tap.told(case operator when '=' then have = want when '>' then have > want end, said) $$;
create function tap.skip(why text, how_many int) returns text language sql as
$$ select 'ok # SKIP ' || why $$;
create function tap.finish() returns setof text language sql as $$ select 'done' $$;
"""
"""What the script calls of pgTAP, as it documents it: no server of these tests has it."""


@pytest.fixture
def project(supabase_database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The application of the test's parameter, with its rows."""
    world = read_world(request.getfixturevalue("name"), APPS)
    (tmp_path / "rlsaudit.toml").write_text(world.intent or 'extends = "supabase"\n', "utf-8")
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(world.schema.encode())
        connection.execute("reset role")
        connection.execute(world.seed.encode())
        revoke_replay_rights(connection)
    return supabase_database


BROKEN = {
    "catalogue": "create policy open on public.orders for select using (true)",
    "column_grants": "alter table public.people disable row level security",
    "tenant": "create policy open on public.memberships for insert to authenticated with check (true)",
}


@pytest.mark.parametrize("name", NAMES)
def test_in_pytest(project: str, name: str, tmp_path: Path) -> None:
    _generate(project, tmp_path, "--pytest", "test_reach.py")
    passed = _pytest(project, tmp_path)
    assert passed.returncode == 0, passed.stdout
    assert " passed" in passed.stdout
    with psycopg.connect(project, autocommit=True) as connection:
        connection.execute(BROKEN[name].encode())
    failed = _pytest(project, tmp_path)
    assert failed.returncode == 1
    assert BROKEN[name].split(" on ")[-1].split(" ")[0].replace("alter", "public.people") in failed.stdout


@pytest.mark.parametrize("name", NAMES)
def test_in_pgtap(project: str, name: str, tmp_path: Path) -> None:
    _generate(project, tmp_path, "--pgtap", "reach.sql")
    with psycopg.connect(project, autocommit=True) as connection:
        connection.execute(PGTAP.encode())
        before = _state(project)
        lines = _tap(connection, (tmp_path / "reach.sql").read_text("utf-8"))
        assert _state(project) == before
        assert lines[0] == f"1..{len(lines) - 2}"
        assert [one for one in lines if one.startswith("not ok")] == []
        assert any(one.startswith("ok") and "SKIP" not in one for one in lines)
        connection.execute(BROKEN[name].encode())
        lines = _tap(connection, (tmp_path / "reach.sql").read_text("utf-8"))
        assert [one for one in lines if one.startswith("not ok")] != []


@pytest.mark.parametrize("name", ["catalogue"])
def test_names_do_not_break_out(project: str, name: str, tmp_path: Path) -> None:
    assert name
    # Numbers that a statement takes are not given back.
    counted = (
        "create table public.counted (id bigint generated always as identity primary key, n serial, owner_id uuid)"
    )
    odd = """public."o'd\\d$$""\n*/ --" """
    with psycopg.connect(project, autocommit=True) as connection:
        connection.execute(f'create table {odd} (id int, "us\'er_id" uuid)'.encode())
        connection.execute(f"alter table {odd} enable row level security".encode())
        connection.execute(counted)
        connection.execute(PGTAP.encode())
        _generate(project, tmp_path, "--pgtap", "reach.sql")
        before = _state(project)
        lines = _tap(connection, (tmp_path / "reach.sql").read_text("utf-8"))
        assert _state(project) == before
    assert any(one.startswith("not ok") and "puts in nothing of public.counted" in one for one in lines)
    assert any("o'd" in one for one in lines)
    _generate(project, tmp_path, "--pytest", "test_reach.py")
    failed = _pytest(project, tmp_path)
    assert "public.counted" in failed.stdout
    assert "error" not in failed.stdout.lower().replace("assertionerror", "")


def test_which_kind_has_to_be_said(tmp_path: Path) -> None:
    (tmp_path / "schema.sql").write_text("create table public.t (id int);", "utf-8")
    rlsaudit("generate-tests", "schema.sql", cwd=tmp_path).refused("--pgtap", "--pytest")
    rlsaudit("generate-tests", "schema.sql", "--pgtap", "--pytest", cwd=tmp_path).refused("--pgtap")


def _generate(url: str, directory: Path, kind: str, file: str) -> None:
    done = rlsaudit(
        "generate-tests", url, kind, "--intent", str(directory / "rlsaudit.toml"), "-o", str(directory / file)
    )
    assert done.code == 0, done.err


def _pytest(url: str, directory: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "test_reach.py"]
    return subprocess.run(  # noqa: S603 — our own interpreter
        command,
        cwd=directory,
        env=os.environ | {"DATABASE_URL": url, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def _state(url: str) -> dict[str, object]:
    # In a session of its own: the other one has another search_path.
    with psycopg.connect(url, autocommit=True) as connection:
        return state(connection)


def _tap(connection: psycopg.Connection[tuple[str]], script: str) -> list[str]:
    """What a script prints, run by a role that row-level security does not bind."""
    connection.execute("set search_path = public, tap, extensions")
    with connection.cursor() as cursor:
        cursor.execute(script.encode())
        found: list[str] = []
        while True:
            if cursor.description is not None:
                found += [one for (one,) in cursor.fetchall()]
            if not cursor.nextset():
                break
    return found
