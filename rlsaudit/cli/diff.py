"""`rlsaudit diff A B`: what became more open between two of anything that can be audited."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rlsaudit.cli.exits import exit_code
from rlsaudit.cli.options import EngineName, EngineUrl, Major, PgBin, engine_request, known_severity
from rlsaudit.cli.output import deliver, progress
from rlsaudit.cli.replaying import (
    Era,
    FailOn,
    FormatNames,
    GoOn,
    IntentFile,
    OutputFiles,
    Roles,
    Schemas,
    Strict,
    known_era,
    paired,
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("diff", short_help="Compare two of them.")(_diff)


def _diff(  # noqa: PLR0913 — the options of the command, each named
    before: Annotated[str, typer.Argument(metavar="A", help="A database, a snapshot, migrations, or a git reference.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    *,
    intent: IntentFile = None,
    schema: Schemas = None,
    role: Roles = None,
    grants: Era = None,
    go_on: GoOn = False,
    engine: EngineName = None,
    engine_url: EngineUrl = None,
    pg_bin: PgBin = None,
    major: Major = None,
    format_name: FormatNames = None,
    output: OutputFiles = None,
    fail_on: FailOn = "high",
    strict: Strict = False,
) -> None:
    """Compare two databases, snapshots, sets of migrations or git references: more open, less, or not comparable."""
    from rlsaudit.audit import Options  # noqa: PLC0415 — loaded where it is used, for the sake of other commands
    from rlsaudit.compare import compared  # noqa: PLC0415
    from rlsaudit.source import Named, Recipe, open_side  # noqa: PLC0415

    wanted = paired(format_name, output)
    level = known_severity(fail_on)
    recipe = Recipe(engine_request(engine, engine_url, pg_bin, major), known_era(grants), None, go_on)
    with progress("Comparing") as tell:
        options = Options(tuple(schema or ()), tuple(role or ()), "read", intent, tell)
        first, second = Named(before, Path(), recipe), Named(after, Path(), recipe)
        base = open_side(first, replace(options, partial=True))
        report = compared(base, open_side(second, options, base), first.shown)
    for name, file in wanted:
        deliver(report, name, file)
    raise typer.Exit(exit_code(report, level, strict=strict))
