"""A program that reads a server for us, and ends with us: not even a kill of ours leaves it behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from rlsaudit.connect import leash

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_WATCH_SECONDS = 1.0


def run(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    seconds: float,
    watch: Callable[[], None] = lambda: None,
) -> subprocess.CompletedProcess[bytes]:
    """Runs a program to its end, and returns what it wrote.

    Where we end first, or it takes too long, or `watch` raises, it is interrupted, and killed if it does not heed that.

    Args:
        command: The program and its arguments.
        environment: All that its environment holds.
        seconds: How long it may take.
        watch: Called every second while it runs.

    Raises:
        subprocess.TimeoutExpired: it took longer than `seconds`.
        OSError: it does not run.
    """
    theirs, ours = os.pipe()
    # Ours is handed down to nobody: the system closes it when this process ends.
    with os.fdopen(ours, "wb") as held:
        try:
            process = subprocess.Popen(  # noqa: S603  our own module, and the caller's command: no shell
                [sys.executable, "-I", "-S", leash.__file__, *map(str, command)],
                env=environment,
                stdin=theirs,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                **detached(),
            )
        finally:
            os.close(theirs)
        with process:
            try:
                out, err = _watched(process, time.monotonic() + seconds, watch)
            except BaseException:
                held.close()
                _end(process)
                raise
    if process.returncode == leash.DOES_NOT_RUN:
        raise OSError(0, err.decode(errors="replace").strip())
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _watched(process: subprocess.Popen[bytes], until: float, watch: Callable[[], None]) -> tuple[bytes, bytes]:
    while True:
        left = max(until - time.monotonic(), 0)
        try:
            return process.communicate(timeout=min(left, _WATCH_SECONDS))
        except subprocess.TimeoutExpired:
            if left <= _WATCH_SECONDS:
                raise
        watch()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Waits until the program has been ended; twice its grace is enough unless somebody killed the leash."""
    try:
        process.communicate(timeout=2 * leash.GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def detached() -> dict[str, Any]:
    """Arguments that keep the terminal's Ctrl-C, which is meant for us, away from a process."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
