"""`rlsaudit matrix`: who can do what, as a table."""

from __future__ import annotations

import fnmatch
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from rlsaudit.cli.opened import Target, opened
from rlsaudit.cli.options import (
    TEXT,
    EngineName,
    EngineUrl,
    FormatName,
    Major,
    OutputFile,
    PgBin,
    ProbeMode,
    engine_request,
    known_machine_format,
    known_probe,
)
from rlsaudit.cli.output import can_be_saved, progress, put
from rlsaudit.cli.replaying import Era, GoOn, IntentFile, Roles, Schemas, known_era
from rlsaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.model import Report
    from rlsaudit.report import Screen
    from rlsaudit.rules import Case


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("matrix", short_help="Show who can do what.")(_matrix)


def _matrix(  # noqa: PLR0913 — the options of the command, each named
    target: Target = None,
    *,
    persona: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Show this persona only. Repeatable.")
    ] = None,
    relation: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Show these relations only: `public.*`, `*.notes`. Repeatable."),
    ] = None,
    privileges: Annotated[
        bool,
        typer.Option(
            "--privileges", help="What the roles hold on every kind of object, in place of the reach of rows."
        ),
    ] = False,
    intent: IntentFile = None,
    schema: Schemas = None,
    role: Roles = None,
    probe: ProbeMode = None,
    grants: Era = None,
    go_on: GoOn = False,
    engine: EngineName = None,
    engine_url: EngineUrl = None,
    pg_bin: PgBin = None,
    major: Major = None,
    format_name: FormatName = TEXT,
    output: OutputFile = None,
) -> None:
    """Show who can do what: for each persona, how far each operation gets with each relation.

    With --privileges what roles hold is listed, with the grant, ownership or membership that it comes from: on the
    database, schemas, relations, sequences, functions, types and the rest, and what the next objects will open.
    """
    from rlsaudit.audit import Options  # noqa: PLC0415 — what --help need not wait for
    from rlsaudit.source import Recipe  # noqa: PLC0415

    known_machine_format(format_name)
    can_be_saved(output)
    recipe = Recipe(engine_request(engine, engine_url, pg_bin, major), known_era(grants), None, go_on)
    with progress("Auditing") as tell:
        options = Options(tuple(schema or ()), tuple(role or ()), known_probe(probe), intent, tell)
        side = opened(target, recipe, options)
    report = _filtered(side.report, persona or [], relation or [])
    if privileges:
        put(lambda screen: _privileges(side.case, report, format_name, screen), output)
    else:
        put(lambda screen: _reach(report, format_name, screen), output)


def _filtered(report: Report, personas: Sequence[str], patterns: Sequence[str]) -> Report:
    from rlsaudit.report.verdict import undecided  # noqa: PLC0415 — what --help need not wait for

    known = {one.name for one in report.personas}
    for name in personas:
        if name not in known:
            raise UsageError(f"There is no persona {name!r}.", hint=f"There are: {', '.join(sorted(known))}.")
    kept = tuple(one for one in report.personas if not personas or one.name in personas)
    names = {one.name for one in kept}
    cells = tuple(
        one
        for one in report.matrix
        if one.persona in names
        and (not patterns or any(fnmatch.fnmatchcase(one.relation, pattern) for pattern in patterns))
    )
    if patterns and not cells and report.matrix:
        raise UsageError(
            f"No exposed relation is called {' or '.join(map(repr, patterns))}.",
            hint="Patterns are as in a shell, over schema and name: `public.*`. `rlsaudit matrix` shows all.",
        )
    # What is not shown is not counted either.
    summary = replace(report.summary, cells=len(cells), unknown=sum(map(undecided, cells)))
    return replace(report, personas=kept, matrix=cells, summary=summary)


def _reach(report: Report, format_name: str, screen: Screen) -> str:
    from rlsaudit.explain import documents  # noqa: PLC0415 — what --help need not wait for
    from rlsaudit.report.text import matrix_page  # noqa: PLC0415

    return matrix_page(report, screen) if format_name == TEXT else documents.matrix(report)


def _privileges(case: Case, report: Report, format_name: str, screen: Screen) -> str:
    from rlsaudit.explain import documents, held, text  # noqa: PLC0415 — what --help need not wait for

    by_role: dict[str, list[str]] = {}
    for one in report.personas:
        by_role.setdefault(one.role, []).append(one.name)
    holdings = {
        role: tuple(held(case.access, case.catalog.roles_by_name[role].oid, case.served[names[0]].__contains__))
        for role, names in by_role.items()
    }
    if format_name != TEXT:
        return documents.privileges(holdings)
    return "\n".join(text.holdings(holdings[role], names, screen) for role, names in by_role.items())
