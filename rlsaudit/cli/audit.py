"""`rlsaudit audit`: the audit of a database, or of a saved snapshot."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from rlsaudit.cli.baseline import BaselineFile, UpdateBaseline, against
from rlsaudit.cli.exits import exit_code
from rlsaudit.cli.options import (
    CLONE,
    TEXT,
    EngineName,
    FormatName,
    Major,
    OutputFile,
    PgBin,
    engine_request,
    known_format,
    known_probe,
    known_severity,
)
from rlsaudit.cli.output import can_be_saved, deliver, progress
from rlsaudit.cli.receipt import ReceiptFile, witness
from rlsaudit.errors import UsageError

_SNAPSHOT = ".json"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("audit", short_help="Audit a database.")(_audit)


def _audit(  # noqa: PLR0913 — the options of the command, each named
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="URL|FACTS.json",
            show_default=False,
            help="The database, or a file of `rlsaudit snapshot`. Without it DATABASE_URL, then libpq's PG* variables.",
        ),
    ] = None,
    *,
    intent: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What is meant to be reached (docs/intent.md)."),
    ] = None,
    schema: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A schema that the API serves, instead of those found. Repeatable."),
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A role to audit, instead of those found. Repeatable.")
    ] = None,
    probe: Annotated[
        str,
        typer.Option(
            metavar="MODE",
            help="none: catalog and proofs alone. read: also count rows as each persona. "
            "write: also try to change rows made for it, all rolled back; needs a role that policies do not hold. "
            "clone: read only, and attack a throwaway copy of the schema instead.",
        ),
    ] = "read",
    engine: EngineName = None,
    pg_bin: PgBin = None,
    major: Major = None,
    format_name: FormatName = TEXT,
    output: OutputFile = None,
    receipt: ReceiptFile = None,
    baseline: BaselineFile = None,
    update_baseline: UpdateBaseline = False,
    fail_on: Annotated[
        str, typer.Option(metavar="LEVEL", help="Exit with 1 from this severity on: info, low, medium, high, critical.")
    ] = "high",
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 3 if anything is unknown or was skipped.")
    ] = False,
) -> None:
    """Audit a database: who can read or write what, and is that what is meant?

    It reads the catalog and counts rows as each persona, in READ ONLY transactions that are rolled back: nothing is
    changed. With --probe write it makes rows and attacks them, in a transaction that is rolled back as well. With
    --probe clone it reads the catalog and the schema, and attacks a copy of the schema that it makes in a throwaway
    Postgres (--engine, --pg-bin, --pg), which is gone afterwards.

    \b
    Exit codes:
      0  audited, and nothing at or above --fail-on was found
      1  audited, with findings at or above it
      2  could not audit: usage, connection, a fault of rlsaudit
      3  audited in part and --strict, with no such finding
    """  # noqa: D301 — \b is typer's, and keeps the lines below it as they are
    from rlsaudit.audit import Options, audit, examine  # noqa: PLC0415 — what --help need not wait for
    from rlsaudit.catalog import load  # noqa: PLC0415
    from rlsaudit.connect import connect, target_from  # noqa: PLC0415
    from rlsaudit.engine import EngineRequest  # noqa: PLC0415
    from rlsaudit.source import in_a_clone  # noqa: PLC0415

    known_format(format_name)
    known_probe(probe, CLONE)
    level = known_severity(fail_on)
    can_be_saved(output)
    only_new = against(baseline, update=update_baseline)
    seen = witness(receipt, probe)
    request = engine_request(engine, None, pg_bin, major)
    if probe != CLONE and request != EngineRequest():
        raise UsageError(
            "Only --probe clone takes a Postgres of its own.", hint="Leave out --engine, --pg-bin and --pg."
        )
    facts = _file(target)
    if facts is not None and (probe == CLONE or receipt is not None):
        hint = "Give the database itself, or leave out --probe and --receipt."
        raise UsageError("A snapshot has no server to clone, nor anything to give a receipt for.", hint=hint)
    if facts is not None:
        options = Options(tuple(schema or ()), tuple(role or ()), "none", intent)
        report = examine(load(facts), options).report
    else:
        conninfo = target_from(target, os.environ)
        with connect(conninfo) as session, seen(session), progress("Auditing") as tell:
            if probe == CLONE:
                options = Options(tuple(schema or ()), tuple(role or ()), None, intent, tell, throwaway=True)
                report = in_a_clone(session, conninfo, request, options).report
            else:
                options = Options(tuple(schema or ()), tuple(role or ()), probe, intent, tell)
                report = audit(session, options)
    report = only_new(report)
    deliver(report, format_name, output)
    raise typer.Exit(exit_code(report, level, strict=strict))


def _file(target: str | None) -> Path | None:
    """The file of facts that is meant, None where a database is."""
    if not target or "://" in target or "=" in target:
        return None
    if target.endswith(_SNAPSHOT):
        return Path(target)
    try:
        there = Path(target).exists()
    except (OSError, ValueError):
        # Too long for a file's name, or not one at all: whoever reads connection strings says what it is.
        return None
    if there:
        what = "a directory" if Path(target).is_dir() else "a file"
        raise UsageError(f"{target} is {what}.", hint="A snapshot's name ends in .json; a database is given as a URL.")
    return None
