"""However a run ends, its server and its directory are gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from children import SERVE, alive, environment, gone, guardian_of, serving, soon
from psycopg.conninfo import conninfo_to_dict

from rlsaudit.engine import directory, start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks at processes as Linux shows them")


def place_of(dsn: str) -> Path:
    return Path(str(conninfo_to_dict(dsn)["host"])).parent


def test_a_server_answers_and_leaves_nothing() -> None:
    with start() as server:
        dsn = server.create_database("app")
        place = place_of(dsn)
        process = int((place / "pid").read_text(encoding="ascii"))
        with psycopg.connect(dsn) as connection:
            assert connection.execute("select current_database(), current_user").fetchone() == ("app", "supabase_admin")
        assert alive(process)
    assert not alive(process)
    assert not place.exists()


def test_an_exception_ends_it_too() -> None:
    places = []

    def fail() -> None:
        with start() as server:
            places.append(place_of(server.dsn("postgres")))
            message = "halfway"
            raise LookupError(message)

    with pytest.raises(LookupError, match="halfway"):
        fail()
    assert not places[0].exists()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_to_us_ends_it(end: signal.Signals) -> None:
    with serving() as child:
        assert alive(child.server)
        child.process.send_signal(end)
        assert soon(lambda: gone(child))


def test_ctrl_c_in_a_terminal_leaves_the_server_to_us() -> None:
    with serving() as child:
        os.killpg(child.process.pid, signal.SIGINT)
        assert child.process.stdout is not None
        assert child.process.stdout.readline() == "still here\n"
        assert soon(lambda: gone(child))


def test_our_output_is_closed_when_we_are_killed() -> None:
    killed = SERVE.replace("time.sleep(60)", "import os; os.kill(os.getpid(), 9)")
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-c", killed], env=environment(), capture_output=True, timeout=30, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert time.monotonic() - began < 15


def test_what_a_crash_left_is_cleaned_by_the_next_run() -> None:
    with serving() as child:
        guardian = guardian_of(child)
        os.kill(guardian, signal.SIGKILL)
        child.process.kill()
        child.process.wait()
        assert soon(lambda: not alive(guardian))
        assert alive(child.server)
        assert child.place.exists()
        with start():
            assert soon(lambda: gone(child))


def test_a_server_whose_guardian_was_killed_still_ends_with_us() -> None:
    with start() as server:
        place = place_of(server.dsn("postgres"))
        process = int((place / "pid").read_text(encoding="ascii"))
        guardian = int(Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
        os.kill(guardian, signal.SIGKILL)
    assert soon(lambda: not alive(process))
    assert not place.exists()


def test_a_running_server_is_none_of_the_next_runs_business() -> None:
    with start() as first, start() as second:
        for server in (first, second):
            with psycopg.connect(server.dsn("postgres")) as connection:
                assert connection.execute("select 1").fetchone() == (1,)


def test_only_our_own_directories_are_cleaned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "lock").touch()
    (tmp_path / "rlsaudit-link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "rlsaudit-fresh").mkdir()
    left = tmp_path / "rlsaudit-left"
    left.mkdir()
    (left / "lock").touch()
    others = tmp_path / "rlsaudit-others"
    others.mkdir()
    (others / "lock").touch()
    if os.geteuid() == 0:
        os.chown(others, 65534, 65534)
    directory.sweep()
    assert not left.exists()
    assert (tmp_path / "elsewhere" / "lock").exists()
    assert (tmp_path / "rlsaudit-fresh").exists()
    assert others.exists() == (os.geteuid() == 0)
