"""rlsaudit, killed at moments: in processes that have imported everything before, so that it is met at its work."""

from __future__ import annotations

import multiprocessing
import os
import random
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rlsaudit.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

MOMENTS = 20
_MEMORY = "/dev/shm"  # noqa: S108 — a directory in it is made with a name of its own; a throwaway server is quicker there
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["__main__", "killed", "rlsaudit.source", "rlsaudit.cli.audit"])


def command(arguments: tuple[str, ...], place: str) -> None:
    """Runs a command in this process, which says nothing; `place` is for its files, and marks what it starts."""
    os.environ["TMPDIR"] = place
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    main(arguments)


@contextmanager
def running(*arguments: str, place: str) -> Iterator[multiprocessing.process.BaseProcess]:
    """A command in a process of its own, which is killed with SIGKILL in the end."""
    process = _CONTEXT.Process(target=command, args=(arguments, place))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()
        process.close()


def killed_at_moments(*arguments: str) -> int:
    """Runs a command once to its end, then kills it at twenty moments of that time, the same ones each time.

    Whatever it started is gone then, and its files are. Returns how often it was met alive.
    """
    moments = random.Random(7)  # noqa: S311 — the same moments each time
    met = 0
    _ready()
    with tempfile.TemporaryDirectory(prefix="killed-", dir=_MEMORY if Path(_MEMORY).is_dir() else None) as place:
        Path(place).chmod(0o755)  # the server's account has to reach it
        began = time.monotonic()
        with running(*arguments, place=place) as whole:
            whole.join()
            assert whole.exitcode in {0, 1}
        seconds = time.monotonic() - began
        for number in range(MOMENTS):
            # One in each twentieth, so that all of the audit is met, however long its parts are.
            moment = seconds * (number + moments.random()) / MOMENTS
            with running(*arguments, place=place) as process:
                process.join(moment)
                met += process.is_alive()
        assert left_behind(place) == []
    return met


def _ready() -> None:
    """Waits until the process is there that others are forked from: it imports for a second or two."""
    first = _CONTEXT.Process(target=int)
    first.start()
    first.join()
    first.close()


def left_behind(place: str, seconds: float = 15) -> list[str]:
    """Processes that were started with `place` as their directory, and files in it, once both had time to go."""
    until = time.monotonic() + seconds
    while (found := [*_processes(place), *map(str, Path(place).iterdir())]) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def _processes(mark: str) -> Iterator[str]:
    for one in Path("/proc").glob("[0-9]*"):
        try:
            said = (one / "cmdline").read_bytes()
            environment = (one / "environ").read_bytes()
        except OSError:  # it is gone, or another account's
            continue
        if mark.encode() in said or f"TMPDIR={mark}".encode() in environment:
            yield f"{one.name} {said.decode(errors='replace')}"
