"""Small projects, written where a test wants them, and what came of replaying them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from rlsaudit.migrations import find, replay
from rlsaudit.model import Evidence, EvidenceKind, Finding, Fix, Location, ObjectRef, Reach, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.engine import Server
    from rlsaudit.migrations import Replayed


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def supabase(root: Path, *migrations: str | bytes, **files: str) -> Path:
    numbered = {f"supabase/migrations/{number}_m.sql": text for number, text in enumerate(migrations, 1)}
    extra = {"supabase/" + name.replace("__", "."): text for name, text in files.items()}
    return write(root, {"supabase/config.toml": 'project_id = "p"\n', **numbered, **extra})


def run(server: Server, root: Path, **options: Any) -> Replayed:  # noqa: ANN401  whatever replay takes
    return replay(server, find(root), **options)


def ask(replayed: Replayed, query: str) -> Any:  # noqa: ANN401  whatever the query answers
    with psycopg.connect(replayed.dsn, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def at(number: int, line: int) -> Location:
    return Location(f"supabase/migrations/{number}_m.sql", line)


def finding(rule: str, kind: str, identity: str, *relations: str) -> Finding:
    return Finding(
        rule=rule,
        severity=Severity.HIGH,
        title="t",
        message="m",
        object=ObjectRef(kind, identity),
        relations=relations,
        persona="anon",
        operation="select",
        reach=Reach.ALL,
        intended=Reach.NONE,
        evidence=Evidence(EvidenceKind.CATALOG),
        fix=Fix(""),
        fingerprint="f",
    )
