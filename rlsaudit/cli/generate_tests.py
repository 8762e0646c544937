"""`rlsaudit generate-tests`: the intent as tests that run without rlsaudit."""

from __future__ import annotations

from typing import Annotated

import typer

from rlsaudit.cli.opened import Target, opened
from rlsaudit.cli.options import EngineName, EngineUrl, Major, OutputFile, PgBin, engine_request
from rlsaudit.cli.output import can_be_saved, progress, put
from rlsaudit.cli.replaying import Era, GoOn, IntentFile, Roles, Schemas, known_era
from rlsaudit.errors import UsageError


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("generate-tests", short_help="Write the intent down as tests.")(_generate)


def _generate(  # noqa: PLR0913 — the options of the command, each named
    target: Target = None,
    *,
    pgtap: Annotated[bool, typer.Option("--pgtap", help="As a script of pgTAP.")] = False,
    pytest: Annotated[bool, typer.Option("--pytest", help="As a file of pytest.")] = False,
    intent: IntentFile = None,
    output: OutputFile = None,
    schema: Schemas = None,
    role: Roles = None,
    grants: Era = None,
    go_on: GoOn = False,
    engine: EngineName = None,
    engine_url: EngineUrl = None,
    pg_bin: PgBin = None,
    major: Major = None,
) -> None:
    """Write the intent down as tests that run without rlsaudit, in pgTAP or in pytest.

    For each persona, table and operation there is a statement, and whether it is to reach a row. They are a floor: a
    statement that reaches nothing proves nothing of the next. `rlsaudit check` does.
    """
    from rlsaudit.audit import Options  # noqa: PLC0415 — what --help need not wait for
    from rlsaudit.generate import checks  # noqa: PLC0415
    from rlsaudit.generate import pgtap as in_pgtap  # noqa: PLC0415
    from rlsaudit.generate import pytest_file as in_pytest  # noqa: PLC0415
    from rlsaudit.source import Recipe  # noqa: PLC0415

    if pgtap is pytest:
        raise UsageError("It is not clear which tests are wanted.", hint="Say either --pgtap or --pytest.")
    can_be_saved(output)
    recipe = Recipe(engine_request(engine, engine_url, pg_bin, major), known_era(grants), None, go_on)
    with progress("Auditing") as tell:
        options = Options(tuple(schema or ()), tuple(role or ()), "none", intent, tell)
        found = checks(opened(target, recipe, options).case)
    put(lambda _: in_pgtap(found) if pgtap else in_pytest(found), output)
