"""`rlsaudit explain`: a rule, or why a cell of the matrix is what it is."""

from __future__ import annotations

import difflib
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from rlsaudit.cli.failures import is_database
from rlsaudit.cli.opened import opened
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
from rlsaudit.cli.output import can_be_saved, progress, put, say
from rlsaudit.cli.replaying import Era, GoOn, IntentFile, Roles, Schemas, known_era
from rlsaudit.errors import UsageError

if TYPE_CHECKING:
    from rlsaudit.compare import Side
    from rlsaudit.explain import Explanation

_WIDTH = 100


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("explain", short_help="Explain a rule, or a cell of the matrix.")(_explain)


def _explain(  # noqa: PLR0913 — the options of the command, each named
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="RULE|URL|PATH|FACTS.json",
            show_default=False,
            help="A rule's id, as `rlsaudit rules` lists them; with --cell what to look at, as for `rlsaudit matrix`.",
        ),
    ] = None,
    *,
    cell: Annotated[
        tuple[str, str, str] | None,
        typer.Option(metavar="PERSONA OPERATION RELATION", help="The cell: `--cell anon select public.notes`."),
    ] = None,
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
    """Explain a rule: what it finds, what an attacker does with it, how to mend it, and when it is fine.

    With --cell: why a persona reaches what it does of a relation. Every way to its rows is shown, with the grants,
    memberships, flags and policies that it depends on, up to where it ends.
    """
    known_machine_format(format_name)
    can_be_saved(output)
    if cell is None:
        if subject is None:
            raise UsageError(
                "There is nothing to explain.", hint="Name a rule, or a cell: `--cell anon select public.notes`."
            )
        if is_database(subject):
            raise UsageError(
                "Of a database a cell is explained, and none is named.", hint="Add `--cell anon select public.notes`."
            )
        if format_name != TEXT or output is not None:
            raise UsageError(
                "--format and --output are about a cell.",
                hint="Leave them out: a rule is explained on standard output.",
            )
        _rule(subject)
        return
    from rlsaudit.audit import Options  # noqa: PLC0415 — what --help need not wait for
    from rlsaudit.explain import documents, text  # noqa: PLC0415
    from rlsaudit.model import Operation  # noqa: PLC0415
    from rlsaudit.source import Recipe  # noqa: PLC0415

    persona, operation, relation = cell
    if operation not in set(Operation):
        raise UsageError(f"There is no operation {operation!r}.", hint=f"There are: {', '.join(Operation)}.")
    recipe = Recipe(engine_request(engine, engine_url, pg_bin, major), known_era(grants), None, go_on)
    with progress("Auditing") as tell:
        options = Options(tuple(schema or ()), tuple(role or ()), known_probe(probe), intent, tell)
        side = opened(subject, recipe, options)
    found = _found(side, persona, Operation(operation), relation)
    if format_name == TEXT:
        put(lambda screen: text.explanation(found, screen), output)
    else:
        put(lambda _: documents.explanation(found), output)


def _found(side: Side, persona: str, operation: str, relation: str) -> Explanation:
    from rlsaudit.explain import explain, persona_named, relation_named  # noqa: PLC0415 — what --help need not wait for
    from rlsaudit.model import Operation  # noqa: PLC0415

    who, what = persona_named(side.case, persona), relation_named(side.case, relation)
    return explain(side.case, who, what, Operation(operation), side.report.matrix)


def _rule(name: str) -> None:
    from rlsaudit.rules import all_rules  # noqa: PLC0415 — what --help need not wait for

    rules = all_rules()
    if name not in rules:
        near = difflib.get_close_matches(name, rules, n=1)
        hint = f"Did you mean {near[0]}?" if near else "`rlsaudit rules` lists them."
        raise UsageError(f"There is no rule {name!r}.", hint=hint)
    found = rules[name]
    say(f"{found.id} ({found.severity.value} at worst)\n\n")
    for title, text in (
        ("What", found.summary),
        ("Why it matters", found.why),
        ("How to mend it", found.fix),
        ("When it is fine", found.fine),
    ):
        say(f"{title}\n{textwrap.indent(textwrap.fill(text, _WIDTH - 2, break_on_hyphens=False), '  ')}\n\n")
    for title, examples in (("A schema with the fault", found.bad[:1]), ("One without", found.good[:1])):
        for example in examples:
            say(f"{title}: {example.name}\n{textwrap.indent(textwrap.dedent(example.sql).strip(), '    ')}\n\n")
