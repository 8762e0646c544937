"""`rlsaudit check`: what migrations make of a database, compared with what was there before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rlsaudit.cli.baseline import BaselineFile, UpdateBaseline, against
from rlsaudit.cli.exits import exit_code
from rlsaudit.cli.failures import is_database
from rlsaudit.cli.options import (
    EngineName,
    EngineUrl,
    Major,
    PgBin,
    ProbeMode,
    engine_request,
    known_probe,
    known_severity,
)
from rlsaudit.cli.output import deliver, progress
from rlsaudit.cli.receipt import ReceiptFile, witness
from rlsaudit.cli.replaying import (
    Apply,
    ApplySeconds,
    Era,
    FailOn,
    FormatNames,
    GoOn,
    IntentFile,
    OutputFiles,
    Platform,
    Roles,
    Schemas,
    Strict,
    known_command,
    known_era,
    known_platform,
    paired,
)
from rlsaudit.errors import UsageError


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("check", short_help="Check migrations.")(_check)


def _check(  # noqa: PLR0913 — the options of the command, each named
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A repository, a directory of migrations, or a dump.")
    ] = Path(),
    *,
    base: Annotated[
        str | None,
        typer.Option(metavar="WHAT", help="Compare with a git reference, a directory, a snapshot or a database."),
    ] = None,
    intent: IntentFile = None,
    schema: Schemas = None,
    role: Roles = None,
    layout: Annotated[
        str | None, typer.Option(metavar="TOOL", help="The migrations' tool, where it is not seen.")
    ] = None,
    apply: Apply = None,
    apply_seconds: ApplySeconds = 600,
    platform: Platform = None,
    grants: Era = None,
    go_on: GoOn = False,
    seed: Annotated[bool, typer.Option("--seed", help="Run the seeds as well, so that probes see rows.")] = False,
    probe: ProbeMode = None,
    engine: EngineName = None,
    engine_url: EngineUrl = None,
    pg_bin: PgBin = None,
    major: Major = None,
    format_name: FormatNames = None,
    output: OutputFiles = None,
    receipt: ReceiptFile = None,
    baseline: BaselineFile = None,
    update_baseline: UpdateBaseline = False,
    fail_on: FailOn = "high",
    strict: Strict = False,
) -> None:
    """Check migrations: replay them in a throwaway Postgres, audit what comes out, say which line opened what.

    With --base only what is new since then counts: new findings, and access that the intent does not allow. What was
    there before is counted and left. Needs no Docker, no network and no credentials.

    Migrations that are no SQL are run by their own tool: --apply 'alembic upgrade head', say, finds the database by
    DATABASE_URL. Findings have no line then.
    """
    from rlsaudit.audit import Options  # noqa: PLC0415 — loaded where it is used, for the sake of other commands
    from rlsaudit.compare import compared  # noqa: PLC0415
    from rlsaudit.source import Named, Recipe, from_migrations, open_side  # noqa: PLC0415

    if is_database(str(path)):
        raise UsageError("A database has no migrations to replay.", hint="`rlsaudit audit` and its URL audits it.")
    wanted = paired(format_name, output)
    level = known_severity(fail_on)
    only_new = against(baseline, update=update_baseline)
    recipe = Recipe(
        engine_request(engine, engine_url, pg_bin, major),
        known_era(grants),
        layout,
        go_on,
        seed,
        known_platform(platform),
        known_command(apply, apply_seconds),
    )
    seen = replace(recipe, witness=witness(receipt, known_probe(probe) or "write"))
    with progress("Checking") as tell:
        options = Options(tuple(schema or ()), tuple(role or ()), known_probe(probe), intent, tell)
        if base is None:
            report = from_migrations(path, seen, options).report
        else:
            named = Named(base, path, recipe)
            before = open_side(named, replace(options, partial=True))
            report = compared(before, from_migrations(path, seen, options, before), named.shown)
    report = only_new(report)
    for name, file in wanted:
        deliver(report, name, file)
    raise typer.Exit(exit_code(report, level, strict=strict))
