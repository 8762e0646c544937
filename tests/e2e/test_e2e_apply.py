"""`rlsaudit check --apply`: migrations that their own tool runs, in a database that it finds by the environment."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from command import environment, rlsaudit, start
from runner import commit, git

from rlsaudit.engine import EngineRequest
from rlsaudit.engine import start as start_engine

if TYPE_CHECKING:
    from pathlib import Path

    from command import Answer

PYTHON = shlex.quote(sys.executable)
ALEMBIC = f"{PYTHON} -m alembic upgrade head"
INI = "[alembic]\nscript_location = %(here)s/migrations\n"
ENV = """\
import os

import sqlalchemy
from alembic import context

url = sqlalchemy.make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg")
with sqlalchemy.create_engine(url).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
NOTES = '''\
"""notes"""
import sqlalchemy as sa
from alembic import op

revision = "a1"
down_revision = None


def upgrade():
    columns = [sa.Column("id", sa.Integer, primary_key=True), sa.Column("user_id", sa.Uuid, nullable=False)]
    op.create_table("notes", *columns)
    op.execute("alter table notes enable row level security")
    op.execute("create policy own on notes to authenticated using ((select auth.uid()) = user_id)")
    op.execute("alter table alembic_version enable row level security")
    op.execute("revoke truncate on notes, alembic_version from anon, authenticated")
'''
DOOR = '''\
"""wall"""
from alembic import op

revision = "b2"
down_revision = "a1"


def upgrade():
    op.execute("create view wall as select * from notes")
'''
SCRIPT = """\
import os, sys, psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    {}
"""


@pytest.fixture
def alembic(tmp_path: Path) -> Path:
    versions = tmp_path / "project" / "migrations" / "versions"
    versions.mkdir(parents=True)
    root = tmp_path / "project"
    (root / "alembic.ini").write_text(INI)
    (root / "migrations" / "env.py").write_text(ENV)
    (versions / "a1_notes.py").write_text(NOTES)
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, "notes")
    return root


def check(place: Path, command: str, *arguments: str, **variables: str) -> Answer:
    # A database of the user's own, which must neither be reached nor told.
    own = {"DATABASE_URL": "postgresql://app:hunter2hunter2@127.0.0.1:9/production", "PGHOSTADDR": "127.0.0.9"}
    return rlsaudit("check", "--apply", command, *arguments, cwd=place, env=environment(**{**own, **variables}))


def report(answer: Answer) -> dict[str, Any]:
    assert answer.out, answer.err
    found = json.loads(answer.out)
    assert isinstance(found, dict)
    return found


def script(place: Path, *statements: str) -> str:
    """A program that does this, and the command that runs it."""
    (place / "apply.py").write_text(SCRIPT.format("\n    ".join(statements)))
    return f"{PYTHON} apply.py"


def test_a_door_of_alembics_is_found_and_what_was_there_before_is_left_alone(alembic: Path) -> None:
    arguments = ("--platform", "supabase", "--base", "main", "--format", "json")
    same = check(alembic, ALEMBIC, *arguments)
    assert (same.code, report(same)["findings"], report(same)["changes"]) == (0, [], []), same.err
    (alembic / "migrations" / "versions" / "b2_wall.py").write_text(DOOR)
    answer = check(alembic, ALEMBIC, *arguments)
    found = report(answer)
    assert answer.code == 1
    (finding,) = found["findings"]
    assert (finding["rule"], finding["object"]["identity"], finding["location"]) == (
        "definer-view",
        "public.wall",
        None,
    )
    assert any("name no file and no line" in note for note in found["target"]["notes"])
    assert any("made by python" in note for note in found["target"]["notes"])
    assert not list(alembic.rglob("rlsaudit-*"))


def test_a_shell_script_finds_the_database_by_libpqs_variables(tmp_path: Path) -> None:
    connect = "psycopg.connect().execute('create table t (id int)').connection.commit()"
    (tmp_path / "up.sh").write_text(
        f'#!/bin/sh\nset -e\ntest -n "$PGPASSWORD"\n"{sys.executable}" -c "import psycopg; {connect}"\n'
    )
    (tmp_path / "up.sh").chmod(0o755)
    for command in ("./up.sh", "sh up.sh", "sh -c 'cd . && ./up.sh'"):
        answer = check(tmp_path, command, "--format", "json")
        assert {one["relation"] for one in report(answer)["matrix"]} == {"public.t"}, answer.err


def test_it_runs_as_an_owner_that_is_no_superuser(tmp_path: Path) -> None:
    query = "select current_user::text who, rolsuper from pg_roles where rolname = current_user"
    wanted = f"connection.execute('create table t as {query}')"
    show = "print(*connection.execute('select who, rolsuper from t').fetchone(), file=sys.stderr); sys.exit(1)"
    for platform, said in (("postgres", "rlsaudit_owner False"), ("supabase", "postgres False")):
        check(tmp_path, script(tmp_path, wanted, show), "--platform", platform).refused(said)
    attempt = "try: connection.execute(\"copy (select 1) to program 'id'\")"
    refused = check(tmp_path, script(tmp_path, attempt, "except psycopg.Error as error: sys.exit(str(error))"))
    refused.refused("permission denied to COPY", "no superuser")


def test_supabases_files_say_what_the_database_is_and_what_it_serves(tmp_path: Path) -> None:
    (tmp_path / "supabase").mkdir()
    (tmp_path / "supabase" / "config.toml").write_text('project_id = "p"\n[api]\nschemas = ["api"]\n')
    command = script(tmp_path, "connection.execute('create schema api; create table api.t (id int)')")
    found = report(check(tmp_path, command, "--format", "json"))
    assert (found["target"]["platform"], found["target"]["schemas"]) == ("supabase", ["api", "storage"])
    plain = report(check(tmp_path, command, "--format", "json", "--platform", "postgres"))
    assert plain["target"]["platform"] == "postgres"


def test_an_extension_that_only_a_superuser_may_create_is_there(tmp_path: Path) -> None:
    create = "connection.execute('create extension if not exists pg_stat_statements; create table t ()')"
    command = script(tmp_path, create)
    assert check(tmp_path, command, "--format", "json").code == 0


def test_a_command_that_went_elsewhere_is_no_all_clear(tmp_path: Path) -> None:
    for command in (
        f"{PYTHON} -c pass",
        script(tmp_path, "connection.execute('create table t ()'); connection.rollback()"),
    ):
        check(tmp_path, command).refused("made nothing", "DATABASE_URL")


def test_a_failure_is_told_with_its_last_words_and_without_credentials(tmp_path: Path) -> None:
    failing = script(
        tmp_path,
        "print('this is on standard output')",
        "[print('line', number, file=sys.stderr) for number in range(50)]",
        "print('::error::an order', os.environ['DATABASE_URL'], os.environ['PGPASSWORD'], file=sys.stderr)",
        "print(os.environ['API_TOKEN'], 'mysql://me:swordfish@elsewhere/x', file=sys.stderr)",
        "sys.exit(7)",
    )
    answer = check(tmp_path, failing, API_TOKEN="tok-123456789")  # noqa: S106  made up
    answer.refused("python failed (exit code 7)", "line 49", "::error::an order")
    assert "line 30\n" not in answer.err
    assert "standard output" not in answer.err
    for secret in ("tok-123456789", "swordfish", "hunter2"):
        assert secret not in answer.err
    assert "rlsaudit_owner:***@127.0.0.1" in answer.err
    assert not [line for line in answer.err.splitlines() if line.lstrip().startswith("::")]
    quiet = check(tmp_path, script(tmp_path, "print('said where some say it'); sys.exit(1)"))
    quiet.refused("said where some say it")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--apply", ""], ["empty"]),
        (["--apply", "echo 'a"], ["cannot be understood", "quote"]),
        (["--apply", "cd backend && alembic upgrade head"], ["shell", "sh -c"]),
        (["--apply", "dbmate --url $DATABASE_URL up"], ["shell", "sh -c"]),
        (["--apply", "dbmate --url `cat url` up"], ["shell", "sh -c"]),
        (["--apply", "RAILS_ENV=test bin/rails db:migrate"], ["shell", "sh -c"]),
        (["--apply", "no-such-program up"], ["no program no-such-program on the PATH"]),
        (["--apply", "bin/no-such-program up"], ["no program bin/no-such-program in"]),
        (["--apply", "true", "--layout", "dbmate"], ["--layout"]),
        (["--apply", "true", "--continue"], ["--continue"]),
        (["--apply", "true", "--seed"], ["--seed"]),
        (["--apply", "true", "--platform", "oracle"], ["platform", "supabase, postgres"]),
        (["--apply", "true", "--apply-seconds", "0"], ["seconds"]),
        (["--apply", "true", "nowhere"], ["no directory"]),
    ],
)
def test_what_cannot_be_meant_is_said(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    rlsaudit("check", *arguments, cwd=tmp_path).refused(*words)


def test_a_command_that_waits_is_ended_with_what_it_started(tmp_path: Path) -> None:
    began = time.monotonic()
    check(tmp_path, waiting(tmp_path), "--apply-seconds", "2").refused("longer than 2 s", "--apply-seconds")
    assert time.monotonic() - began < 30
    assert gone(tmp_path)


def test_what_a_command_leaves_running_is_ended(tmp_path: Path) -> None:
    command = f"sh -c '{PYTHON} create.py && ({waiting(tmp_path)} >/dev/null 2>&1 &) && sleep 1'"
    (tmp_path / "create.py").write_text(SCRIPT.format("connection.execute('create table t ()')"))
    assert check(tmp_path, command, "--format", "json").code == 0
    assert gone(tmp_path)


def test_ctrl_c_ends_the_command(tmp_path: Path) -> None:
    with start("check", "--apply", waiting(tmp_path), cwd=tmp_path) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "pids").exists() or len((tmp_path / "pids").read_text().split()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert "interrupted" in err
    assert gone(tmp_path)


def test_a_server_that_was_given_is_used_and_left_as_it_was(tmp_path: Path) -> None:
    with start_engine(EngineRequest(loopback=True)) as server:
        url = server.dsn("postgres")
        command = script(tmp_path, "connection.execute('create table t ()')")
        found = report(check(tmp_path, command, "--engine-url", url, "--format", "json"))
        assert {one["relation"] for one in found["matrix"]} == {"public.t"}


def waiting(place: Path) -> str:
    """A command that waits with a child, neither of which listens to a polite request, and writes down who they are."""
    (place / "wait.py").write_text(
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "os.fork()\n"
        "with open('pids', 'a') as file: file.write(f'{os.getpid()}\\n')\n"
        "time.sleep(120)\n"
    )
    return f"{PYTHON} wait.py"


def gone(place: Path) -> bool:
    """Whether those who wrote themselves down have ended."""
    pids = [int(one) for one in (place / "pids").read_text().split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return not done.stdout.strip().startswith("Z") and done.stdout.strip() != ""
