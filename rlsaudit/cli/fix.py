"""`rlsaudit fix`: the fixes of what is found, each tried on a copy, as a migration."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlsaudit.cli.exits import CLEAN, FINDINGS
from rlsaudit.cli.failures import is_database
from rlsaudit.cli.options import (
    TEXT,
    EngineName,
    EngineUrl,
    FormatName,
    Major,
    PgBin,
    engine_request,
    known_machine_format,
    known_severity,
)
from rlsaudit.cli.output import can_be_saved, deliver, progress, put, save, say, screen_of
from rlsaudit.cli.replaying import (
    Apply,
    ApplySeconds,
    Era,
    FailOn,
    GoOn,
    IntentFile,
    Platform,
    Roles,
    Schemas,
    known_command,
    known_era,
    known_platform,
)
from rlsaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.audit import Options
    from rlsaudit.source import Recipe, Standing


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("fix", short_help="Try fixes on a copy, write a migration.")(_fix)


def _fix(  # noqa: PLR0913 — the options of the command, each named
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="URL|PATH",
            show_default=False,
            help="A database, or migrations. Without it DATABASE_URL, then libpq's PG* variables.",
        ),
    ] = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the migration there, not to standard output."),
    ] = None,
    format_name: FormatName = TEXT,
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
    engine: EngineName = None,
    engine_url: EngineUrl = None,
    pg_bin: PgBin = None,
    major: Major = None,
    fail_on: FailOn = "high",
) -> None:
    """Try the fix of each finding on a copy, and write a migration of those that mend it and break nothing.

    A database is only read: its schema is rebuilt in a throwaway Postgres, as `rlsaudit audit --probe clone` does it.
    Migrations are replayed there, as `rlsaudit check` does it. Fixes are applied to copies of that, one after another,
    each with an audit behind it. One is verified if its finding is gone, no other came, and whoever reaches rows as the
    intent allows still does. The others stand in the migration as comments, with what speaks against them.

    The migration goes to --output or standard output. What became of each finding is told on standard error, or on
    standard output where that is free; --format json prints the report there, with `fix.verified`.

    \b
    Exit codes:
      0  nothing at or above --fail-on was found, or each has a fix that was verified
      1  findings at or above it are left without one
      2  could not audit: usage, connection, a fault of rlsaudit
    """  # noqa: D301 — \b is typer's, and keeps the lines below it as they are
    from rlsaudit.audit import Options  # noqa: PLC0415 — what --help need not wait for
    from rlsaudit.fix import mended, migration, summary  # noqa: PLC0415
    from rlsaudit.source import Recipe  # noqa: PLC0415

    known_machine_format(format_name)
    level = known_severity(fail_on)
    can_be_saved(output)
    recipe = Recipe(
        engine_request(engine, engine_url, pg_bin, major),
        known_era(grants),
        layout,
        go_on,
        platform=known_platform(platform),
        command=known_command(apply, apply_seconds),
    )
    options = Options(tuple(schema or ()), tuple(role or ()), None, intent, throwaway=True)
    with _standing(target, recipe, options) as standing, progress("Trying fixes", "findings") as tell:
        done = mended(standing, tell)
    text = migration(done)
    if output is not None:
        save(text.encode("utf-8", "backslashreplace"), output)
    if format_name != TEXT:
        deliver(done.marked, format_name, None)
    elif output is not None:
        put(lambda screen: summary(done, screen), None)
    else:
        say(text)
        sys.stderr.write(summary(done, screen_of(sys.stderr)))
    raise typer.Exit(FINDINGS if done.left(level) else CLEAN)


@contextlib.contextmanager
def _standing(target: str | None, recipe: Recipe, options: Options) -> Iterator[Standing]:
    """What fixes are tried on: a clone of a database, or what migrations make."""
    from rlsaudit.connect import connect, target_from  # noqa: PLC0415 — what --help need not wait for
    from rlsaudit.source import Recipe, cloned, replayed_at  # noqa: PLC0415

    if target is not None and not is_database(target):
        path = Path(target)
        if not path.exists():
            raise UsageError(
                "There is no file or directory of that name.", hint="Name migrations, or give a database as a URL."
            )
        if path.suffix == ".json" and path.is_file():
            raise UsageError("A snapshot has no database to copy.", hint="Give the database itself, or migrations.")
        with replayed_at(path, recipe, options) as standing:
            yield standing
        return
    if recipe != Recipe(recipe.engine):
        raise UsageError(
            "--layout, --apply, --platform, --grants and --continue are about migrations.",
            hint="Leave them out: of a database its schema is taken as it is.",
        )
    conninfo = target_from(target, os.environ)
    with connect(conninfo) as session, cloned(session, conninfo, recipe.engine, options) as standing:
        yield standing
