"""The cached data directory: made once, by whoever comes first, and only where nobody else can change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from children import environment, serving

from rlsaudit.engine import data, start

if TYPE_CHECKING:
    from pathlib import Path


def test_the_first_start_fills_the_cache_and_the_next_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with start() as server:
        (template,) = (tmp_path / "rlsaudit" / "postgres").iterdir()
        assert template.name.startswith(f"{server.version}-")
        assert (template / "PG_VERSION").read_text("ascii") == f"{server.major}\n"
        assert not (template / "postmaster.pid").exists()
    made = template.stat().st_ino

    def never(*_: object) -> None:
        pytest.fail("initdb ran again")

    monkeypatch.setattr(data, "run_initdb", never)
    with start():
        pass
    assert template.stat().st_ino == made


def test_two_processes_may_fill_it_at_once(tmp_path: Path) -> None:
    shared = environment(XDG_CACHE_HOME=str(tmp_path))
    with serving(env=shared) as first, serving(env=shared) as second:
        assert first.server != second.server
        (template,) = (tmp_path / "rlsaudit" / "postgres").iterdir()
    with serving(env=shared):
        assert [*(tmp_path / "rlsaudit" / "postgres").iterdir()] == [template]


def test_a_cache_that_others_may_write_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with start():
        assert [*(tmp_path / "rlsaudit" / "postgres").iterdir()] == []


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with start() as server:
        assert server.major
