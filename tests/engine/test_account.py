"""Who runs the server, and who can get at it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sysconfig
from pathlib import Path

import psycopg
import pytest
from children import environment, gone, python_for_everybody, serving, soon
from psycopg.conninfo import make_conninfo

from rlsaudit.engine import EngineRequest, choose, start
from rlsaudit.engine.model import SUPERUSER

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def python_of_nobody() -> str:
    python = python_for_everybody()
    if python is None or not os.access(sysconfig.get_path("purelib"), os.R_OK):
        pytest.skip("no Python here can be run by other accounts")
    return python


@as_root
def test_root_gives_the_server_to_an_account_that_nobody_else_has() -> None:
    with serving() as child:
        owner = Path(f"/proc/{child.server}").stat().st_uid
        assert owner not in (0, NOBODY)
        assert owner not in {entry.pw_uid for entry in pwd.getpwall()}
        assert Path(f"/proc/{child.server}/status").read_text("ascii").split("Groups:")[1].splitlines()[0].strip() == ""


@as_root
def test_another_account_cannot_connect() -> None:
    with serving() as child:
        connect = f"import psycopg; psycopg.connect({child.dsn!r})"
        done = subprocess.run(  # noqa: S603  our own script
            [python_of_nobody(), "-c", connect],
            env=environment(HOME="/nonexistent"),
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert "Permission denied" in done.stderr


@as_root
def test_an_ordinary_user_without_a_home_runs_one() -> None:
    changes = environment(HOME="/nonexistent", XDG_CACHE_HOME="")
    with serving(python=python_of_nobody(), env=changes, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/") as child:
        assert Path(f"/proc/{child.server}").stat().st_uid == NOBODY
        assert child.place.stat().st_mode & 0o777 == 0o700
        child.process.kill()
        assert soon(lambda: gone(child))


@as_root
def test_a_user_without_a_name_is_told_so() -> None:
    nameless = next(number for number in range(60000, 61000) if number not in {one.pw_uid for one in pwd.getpwall()})
    done = subprocess.run(  # noqa: S603  our own command line
        [python_of_nobody(), "-m", "rlsaudit", "demo"],
        env=environment(HOME="/nonexistent", XDG_CACHE_HOME=""),
        user=nameless,
        group=nameless,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{nameless} has no name" in done.stderr
    assert "--user 0" in done.stderr


@as_root
def test_an_installation_that_the_account_cannot_reach_is_linked(tmp_path: Path) -> None:
    taken = choose(EngineRequest())
    assert taken.bin_dir is not None
    if taken.provider != "wheel":
        pytest.skip("needs the extra `embedded`: other installations are not in one directory")
    hidden = tmp_path / "hidden"
    shutil.copytree(taken.bin_dir.parent, hidden / "postgres")
    hidden.chmod(0o700)
    before = {path: path.stat().st_mode for path in hidden.rglob("*")}
    with start(EngineRequest(pg_bin=hidden / "postgres" / "bin")) as server:
        with psycopg.connect(server.dsn("postgres")) as connection:
            connection.execute("create extension pgcrypto")
        assert server.version == taken.version
    assert {path: path.stat().st_mode for path in hidden.rglob("*")} == before


def test_the_server_gets_none_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:hunter2@db.example.com/app")
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    with start() as server, psycopg.connect(server.dsn("postgres")) as connection:
        connection.execute("create table seen (line text)")
        connection.execute("copy seen from program 'env'")
        names = {line.partition("=")[0] for (line,) in connection.execute("select line from seen")}
    assert names & {"DATABASE_URL", "PGPASSWORD", "HOME"} == set()


def test_it_listens_to_its_socket_alone() -> None:
    with start() as server, psycopg.connect(server.dsn("postgres")) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)
        directory = connection.info.host
        assert Path(directory).stat().st_mode & 0o777 == 0o700


def test_by_tcp_nobody_gets_in_but_whom_a_password_was_given() -> None:
    with start(EngineRequest(loopback=True)) as server:
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            connection.execute("create role app login")
            connection.execute("create role other login")
            assert connection.execute("show listen_addresses").fetchone() == ("127.0.0.1",)
        given = server.dsn("postgres", user="app", loopback=True)
        assert given == server.dsn("postgres", user="app", loopback=True)
        with psycopg.connect(given) as connection:
            assert (connection.info.host, connection.info.user) == ("127.0.0.1", "app")
        for changed in (
            {"user": "other"},
            {"password": "guess"},
            {"user": SUPERUSER},
            {"user": SUPERUSER, "password": ""},
        ):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(make_conninfo(given, **changed))
