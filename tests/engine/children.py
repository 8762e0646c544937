"""Processes of their own that start a server, to be ended in every way there is."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

import rlsaudit
from rlsaudit.engine.account import everybody_can_reach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVE = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may ignore it, as nohup does
import json, sys, time
from pathlib import Path
import psycopg
from psycopg.conninfo import conninfo_to_dict
from rlsaudit.engine import start

with start() as server:
    dsn = server.create_database("app")
    place = Path(conninfo_to_dict(dsn)["host"]).parent
    try:
        print(json.dumps({"place": str(place), "server": int((place / "pid").read_text()), "dsn": dsn}), flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        with psycopg.connect(dsn) as connection:
            print(connection.execute("select 'still here'").fetchone()[0], flush=True)
"""


@dataclass(frozen=True, slots=True)
class Child:
    """A process that runs a server: the directory of the run, and the server's own process."""

    process: subprocess.Popen[str]
    place: Path
    server: int
    dsn: str


def environment(**changes: str) -> dict[str, str]:
    """Ours, with what a Python that is not the virtual environment's needs to find the same packages."""
    paths = [str(Path(file).parents[1]) for file in (rlsaudit.__file__, psycopg.__file__) if file]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1", **changes}


@contextlib.contextmanager
def serving(**options: Any) -> Iterator[Child]:  # noqa: ANN401  whatever Popen takes
    """Start one, and see to it that it is gone at the end."""
    python = options.pop("python", sys.executable)
    options.setdefault("env", environment())
    with subprocess.Popen(  # noqa: S603  our own script
        [python, "-c", SERVE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said = json.loads(line)
            yield Child(process, Path(said["place"]), said["server"], said["dsn"])
        finally:
            process.kill()


def guardian_of(child: Child) -> int:
    """The process that watches over the server: its parent."""
    status = Path(f"/proc/{child.server}/stat").read_text(encoding="ascii")
    return int(status.rpartition(")")[2].split()[1])


def alive(process: int) -> bool:
    """Whether the process is there and is no zombie."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def soon(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether the condition comes true within some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def gone(child: Child) -> bool:
    """Whether neither the server nor its directory is there any more."""
    return not alive(child.server) and not child.place.exists()


def python_for_everybody() -> str | None:
    """A Python of our version that any account can run; the virtual environment's may be in somebody's home."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(version, path="/usr/bin:/usr/local/bin")):
        if python is not None and everybody_can_reach(Path(python)):
            return python
    return None
