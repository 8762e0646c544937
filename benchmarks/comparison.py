"""Databases for the tools of docs/comparison.md: `python benchmarks/comparison.py DIRECTORY`.

Makes the demo app and the correct applications of `tests/oracle/apps`, each in a database like that of a Supabase
project, on a throwaway server that listens to 127.0.0.1, and prints for each its name and a URL for the role
`postgres`, which is no superuser. `DIRECTORY/NAME.sql` has the schema, for tools that read files. The server runs until
Ctrl-C.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from oracle.broken import build
from oracle.world import APPS, read_world

from rlsaudit.demo import SCHEMA, load
from rlsaudit.engine import EngineRequest, start

if TYPE_CHECKING:
    from rlsaudit.engine import Server


def make(server: Server, name: str) -> str:
    """Make a database of that name, and return the SQL of its schema."""
    with psycopg.connect(server.supabase_database(name), autocommit=True) as connection:
        if name == "demo":
            load(connection)
            return SCHEMA
        world = read_world(name, APPS)
        build(connection, world)
        return world.schema


def url(server: Server, name: str) -> str:
    """The way in by TCP, for those that know no sockets."""
    given = conninfo_to_dict(server.dsn(name, user="postgres", loopback=True))
    host, port, password = given["hostaddr"] or given["host"], given["port"], quote(str(given["password"]), safe="")
    return f"postgresql://postgres:{password}@{host}:{port}/{name}"


def main() -> None:
    """Make them all, say where they are, and wait."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(KeyboardInterrupt), start(EngineRequest(loopback=True)) as server:
        for name in ("demo", *sorted(one.stem for one in APPS.glob("*.sql"))):
            (directory / f"{name}.sql").write_text(make(server, name), "utf-8")
            print(f"{name:15} {url(server, name)}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
