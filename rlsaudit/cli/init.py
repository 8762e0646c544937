"""`rlsaudit init`: an intent file of what is there."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlsaudit.cli.opened import Target, opened
from rlsaudit.cli.options import EngineName, EngineUrl, Major, PgBin, ProbeMode, engine_request, known_probe
from rlsaudit.cli.output import can_be_saved, progress, save, say
from rlsaudit.cli.replaying import Era, GoOn, Roles, Schemas, known_era
from rlsaudit.errors import UsageError

if TYPE_CHECKING:
    from rlsaudit.model import Report

_FILE = Path("rlsaudit.toml")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("init", short_help="Write an intent file of what is there.")(_init)


def _init(  # noqa: PLR0913 — the options of the command, each named
    target: Target = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The intent file to write.")] = _FILE,
    force: Annotated[bool, typer.Option("--force", help="Write it over the one that is there.")] = False,
    schema: Schemas = None,
    role: Roles = None,
    probe: ProbeMode = None,
    grants: Era = None,
    go_on: GoOn = False,
    engine: EngineName = None,
    engine_url: EngineUrl = None,
    pg_bin: PgBin = None,
    major: Major = None,
) -> None:
    """Write an intent file of what is there, to be read, corrected and kept with the project.

    Today's reach is the proposal, by zones. What looks dangerous is left out and listed at the end of the file, and an
    audit with the file finds just that. Nothing is changed in the database.
    """
    from rlsaudit.audit import Options  # noqa: PLC0415 — what --help need not wait for
    from rlsaudit.proposal import propose, with_questions  # noqa: PLC0415
    from rlsaudit.source import Recipe  # noqa: PLC0415

    if output.exists() and not output.is_dir() and not force:
        raise UsageError(f"There is {output} already.", hint="Name another file with --output, or say --force.")
    can_be_saved(output)
    recipe = Recipe(engine_request(engine, engine_url, pg_bin, major), known_era(grants), None, go_on)
    with progress("Auditing") as tell:
        options = Options(tuple(schema or ()), tuple(role or ()), known_probe(probe), None, tell)
        side = opened(target, recipe, options)
        proposal = propose(side.report, side.case)
        with tempfile.TemporaryDirectory() as directory:
            draft = Path(directory) / _FILE
            draft.write_text(proposal, "utf-8")
            left = opened(target, recipe, replace(options, intent=draft)).report
    save(with_questions(proposal, left).encode("utf-8"), output)
    say(_summary(left, output))


def _summary(left: Report, output: Path) -> str:
    from rlsaudit.report.verdict import tally  # noqa: PLC0415 — what --help need not wait for
    from rlsaudit.report.words import count  # noqa: PLC0415

    relations = count(len({one.relation for one in left.matrix}), "relation")
    asked = f"{count(len(left.findings), 'finding')} ({tally(left.findings)})" if left.findings else "nothing"
    return (
        f"{output}: what is reached today of {relations}, as a proposal.\n"
        f"Left out, and found by an audit with it: {asked}.\n"
        f"Read it, and take out what is not meant. Then: rlsaudit audit URL --intent {output}\n"
    )
