"""How long a check takes beyond psql: `python benchmarks/migrations.py [migrations] [tables]`."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import psycopg
from psycopg.conninfo import conninfo_to_dict

from rlsaudit.audit import Options
from rlsaudit.engine import EngineRequest, Server, start
from rlsaudit.engine.supabase import grant_replay_rights
from rlsaudit.migrations import find, replay
from rlsaudit.migrations.observe import Observer
from rlsaudit.source import Recipe, from_migrations

if TYPE_CHECKING:
    from collections.abc import Iterator


def statements(tables: int) -> Iterator[str]:
    """What such projects are made of, over and over."""
    for number in range(tables):
        name = f"public.thing_{number}"
        columns = ", ".join(f"c{one} text not null default ''" for one in range(8))
        yield f"create table {name} (id bigint generated always as identity primary key, owner uuid, {columns});"
        yield f"alter table {name} enable row level security;"
        yield f"create policy own on {name} to authenticated using (owner = (select auth.uid()));"
        yield f"create index on {name} (owner);"
        yield f"comment on table {name} is 'number {number}';"
    for number in itertools.count():
        name = f"public.thing_{number % tables}"
        kind = [
            f"alter table {name} add column more_{number} int;",
            f"alter policy own on {name} using (owner = (select auth.uid()) and {number} > 0);",
            f"grant select on {name} to anon;",
            f"insert into {name} (owner) values (gen_random_uuid());",
            f"create or replace function public.f_{number % 50}() returns int language sql as 'select {number}';",
            f"create or replace view public.v_{number % 40} with (security_invoker) as select id from {name};",
            f"do $$ begin execute 'revoke all on {name} from anon'; end $$;",
            f"create index on {name} (c{number % 8});",
            f"update {name} set c1 = 'x';",
            f"alter table {name} alter column c2 drop default;",
        ]
        yield kind[number % len(kind)]


def generate(root: Path, migrations: int, tables: int) -> Path:
    """Writes a project of ten statements a migration."""
    place = root / "supabase" / "migrations"
    place.mkdir(parents=True)
    every = statements(tables)
    for number in range(migrations):
        text = "\n\n".join(itertools.islice(every, 10))
        (place / f"{20240101000000 + number}_m.sql").write_text(text + "\n")
    return root


def with_psql(server: Server, root: Path) -> float:
    """The seconds that psql takes for the same files, a transaction each."""
    dsn = server.supabase_database("by_psql")
    with psycopg.connect(dsn, autocommit=True) as connection:
        grant_replay_rights(connection)
    login = conninfo_to_dict(server.dsn("by_psql", user="postgres"))
    target = " ".join(f"{key}={value}" for key, value in login.items() if value)
    program = shutil.which("psql")
    if program is None:
        return float("nan")
    script = root / "all.psql"
    files = sorted((root / "supabase" / "migrations").iterdir())
    script.write_text("".join(f"begin;\n\\i {one}\ncommit;\n" for one in files))
    began = time.perf_counter()
    subprocess.run([program, "-qX", "-v", "ON_ERROR_STOP=1", "-d", target, "-f", str(script)], check=True)  # noqa: S603  our own files
    return time.perf_counter() - began


def main() -> None:
    """Prints seconds."""
    migrations = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    tables = int(sys.argv[2]) if len(sys.argv) > 2 else 100  # noqa: PLR2004  second argument
    with tempfile.TemporaryDirectory() as scratch, start() as server:
        project = find(generate(Path(scratch), migrations, tables))
        server.supabase_database("warm")
        psql = with_psql(server, Path(scratch))
        with mock.patch.object(Observer, "look"), mock.patch.object(Observer, "begin"):
            began = time.perf_counter()
            replay(server, project)
            blind = time.perf_counter() - began
        began = time.perf_counter()
        made = replay(server, project)
        seeing = time.perf_counter() - began
        began = time.perf_counter()
        report = from_migrations(Path(scratch), Recipe(EngineRequest()), Options()).report
        whole = time.perf_counter() - began
    print(f"{migrations} migrations, {made.statements} statements, {tables} tables, {len(made.failures)} failures")
    figures = {"psql": psql, "replay without blame": blind, "replay with blame": seeing, "replay and audit": whole}
    for label, seconds in figures.items():
        print(f"{label:24}{seconds:6.2f} s")
    print(f"{report.summary.cells} cells, {len(report.findings)} findings; beyond psql: {whole - psql:.2f} s")


if __name__ == "__main__":
    main()
