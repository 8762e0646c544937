"""Which Postgres is taken, in which order, and what is said where none is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.engine import Candidate, EngineRequest, Server, candidates, choose, start
from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from pathlib import Path

ORDER = ["url", "pg-bin", "wheel", "local", "docker"]


def taken_binaries() -> Path:
    bin_dir = choose(EngineRequest()).bin_dir
    if bin_dir is None:
        pytest.skip("needs binaries on this machine")
    return bin_dir


def test_the_order_and_a_reason_for_each(server: Server) -> None:
    found = candidates(EngineRequest(url=server.dsn("postgres"), pg_bin=taken_binaries()))
    providers = list(dict.fromkeys(candidate.provider for candidate in found))
    assert providers == ORDER
    assert found[0] == Candidate(
        provider="url",
        usable=True,
        reason="given by --engine-url",
        version=server.version,
        major=server.major,
        explicit=True,
    )
    assert all(candidate.reason for candidate in found)


def test_without_a_request_what_the_user_names_is_no_candidate() -> None:
    assert [c.provider for c in candidates(EngineRequest()) if c.provider in ("url", "pg-bin")] == []


def test_the_first_usable_one_is_taken() -> None:
    request = EngineRequest()
    assert choose(request) == next(candidate for candidate in candidates(request) if candidate.usable)


def test_a_provider_that_is_named_is_the_only_one_that_is_tried() -> None:
    first = choose(EngineRequest())
    assert choose(EngineRequest(provider=first.provider)) == first
    for name in ("wheel", "local", "docker"):
        assert {candidate.provider for candidate in candidates(EngineRequest(provider=name))} == {name}


def test_a_docker_that_does_not_answer_is_an_error_and_nothing_else_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_docker(monkeypatch, tmp_path)
    with pytest.raises(EngineError) as caught, start(EngineRequest(provider="docker")):
        pass
    assert caught.value.message == "There is no Postgres to throw away. docker: no Docker answers (FileNotFoundError)."
    assert "--engine" in caught.value.hint


def test_a_directory_without_postgres_is_an_error_and_nothing_else_is_taken(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught, start(EngineRequest(pg_bin=tmp_path)):
        pass
    assert caught.value.message == (
        f"The Postgres that was named cannot be used: given by --pg-bin: {tmp_path} has no executable postgres."
    )
    assert caught.value.hint


def test_binaries_that_do_not_run_are_an_error(tmp_path: Path) -> None:
    for program in ("postgres", "initdb"):
        (tmp_path / program).write_text("#!/bin/sh\necho 'cannot find libpq' >&2\nexit 127\n", encoding="utf-8")
        (tmp_path / program).chmod(0o755)
    with pytest.raises(EngineError, match="does not run: cannot find libpq"):
        choose(EngineRequest(pg_bin=tmp_path))


def test_binaries_that_are_too_old_are_an_error(tmp_path: Path) -> None:
    for program in ("postgres", "initdb"):
        (tmp_path / program).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 13.23'\n", encoding="utf-8")
        (tmp_path / program).chmod(0o755)
    with pytest.raises(EngineError, match=r"Postgres 13\.23 is older than 14"):
        choose(EngineRequest(pg_bin=tmp_path))


def pretend(directory: Path, **programs: str) -> Path:
    """A directory of executables that are shell scripts, which every account can run."""
    bin_dir = directory / "bin"
    bin_dir.mkdir()
    for program, script in programs.items():
        (bin_dir / program).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (bin_dir / program).chmod(0o755)
    for parent in (directory, *directory.parents[:-2]):
        parent.chmod(parent.stat().st_mode | 0o055)
    return bin_dir


def test_an_initdb_that_fails_says_why(tmp_path: Path) -> None:
    bin_dir = pretend(
        tmp_path, postgres="echo 'postgres (PostgreSQL) 17.77'", initdb="echo 'error: out of luck' >&2; exit 1"
    )
    with pytest.raises(EngineError, match="out of luck"), start(EngineRequest(pg_bin=bin_dir)):
        pass


def test_a_server_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    real = taken_binaries()
    bin_dir = pretend(
        tmp_path,
        postgres=f'[ "$1" = --version ] && exec {real}/postgres --version; echo "FATAL:  no luck today"; exit 1',
        initdb=f'exec {real}/initdb "$@"',
    )
    with (
        pytest.raises(EngineError, match="does not start: FATAL:  no luck today"),
        start(EngineRequest(pg_bin=bin_dir)),
    ):
        pass


def without_docker(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """As on a machine where no Docker engine answers; one that does has every major."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{directory}/docker.sock")


def test_a_major_that_nothing_has_is_an_error_that_lists_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_docker(monkeypatch, tmp_path)
    with pytest.raises(EngineError) as caught:
        choose(EngineRequest(major=99))
    assert caught.value.message.startswith("There is no Postgres 99 to throw away. ")
    assert "wheel: " in caught.value.message
    assert "and Postgres 99 was asked for" in caught.value.message


def test_a_major_passes_over_what_does_not_have_it() -> None:
    first = choose(EngineRequest())
    for candidate in candidates(EngineRequest(major=first.major)):
        if candidate.usable:
            assert candidate.major == first.major
    others = [c for c in candidates(EngineRequest()) if c.usable and c.major != first.major]
    if others:
        assert choose(EngineRequest(pg_bin=first.bin_dir, major=others[0].major)).provider == others[0].provider


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://root:hunter2@127.0.0.1:1/postgres",
        "postgresql://root:hunter2@[::1/postgres",
        "hunter2 is no url",
        "postgresql://root@127.0.0.1:1/postgres?password=hunter2&nonsense=1",
    ],
)
def test_a_url_that_does_not_work_is_an_error_without_its_credentials(url: str) -> None:
    request = EngineRequest(url=url)
    with pytest.raises(EngineError) as caught:
        choose(request)
    assert "--engine-url" in caught.value.message
    for text in (caught.value.message, caught.value.hint, repr(request), repr(candidates(request))):
        assert "hunter2" not in text


def test_a_service_of_the_users_is_not_where_we_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSERVICE", "nowhere")
    with start() as server, psycopg.connect(server.create_database("here")) as connection:
        assert connection.info.dbname == "here"
    assert os.environ["PGSERVICE"] == "nowhere"
