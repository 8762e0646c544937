"""Options of the commands that replay migrations and may write several formats at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rlsaudit.cli.options import TEXT, known_format
from rlsaudit.cli.output import can_be_saved
from rlsaudit.errors import UsageError

if TYPE_CHECKING:
    from rlsaudit.migrations import Command

FormatNames = Annotated[
    list[str] | None,
    typer.Option("--format", metavar="NAME", help="text, json, sarif, junit, github, gitlab, markdown. Repeatable."),
]
OutputFiles = Annotated[
    list[Path] | None,
    typer.Option("--output", "-o", metavar="FILE", help="The file of the --format in the same place. Repeatable."),
]
Era = Annotated[
    str | None,
    typer.Option(
        metavar="ERA", help="How Supabase grants new tables: legacy (to the API's roles) or explicit (not at all)."
    ),
]

Apply = Annotated[
    str | None,
    typer.Option(
        metavar="COMMAND", help="Have a command apply the migrations, to the database that DATABASE_URL then names."
    ),
]
ApplySeconds = Annotated[float, typer.Option(metavar="SECONDS", help="How long the command of --apply may take.")]
Platform = Annotated[
    str | None, typer.Option(metavar="NAME", help="supabase or postgres, where it is not seen from the files.")
]
GoOn = Annotated[
    bool, typer.Option("--continue", help="Go on after a statement that fails; what depends on it is unknown.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 3 if anything is unknown or was skipped.")]
FailOn = Annotated[
    str, typer.Option(metavar="LEVEL", help="Exit with 1 from this severity on: info, low, medium, high, critical.")
]
IntentFile = Annotated[Path | None, typer.Option(metavar="FILE", help="What is meant to be reached (docs/intent.md).")]
Schemas = Annotated[list[str] | None, typer.Option("--schema", metavar="NAME", help="An exposed schema. Repeatable.")]
Roles = Annotated[list[str] | None, typer.Option("--role", metavar="NAME", help="A role to audit. Repeatable.")]


def known_era(name: str | None) -> Literal["legacy", "explicit"] | None:
    """Returns the era of that name.

    Raises:
        UsageError: there is none.
    """
    if name is None:
        return None
    known: dict[str, Literal["legacy", "explicit"]] = {"legacy": "legacy", "explicit": "explicit"}
    if name not in known:
        raise UsageError(f"There is no era {name!r}.", hint=f"There are: {', '.join(known)}.")
    return known[name]


def known_platform(name: str | None) -> Literal["supabase", "postgres"] | None:
    """Returns the platform of that name.

    Raises:
        UsageError: there is none.
    """
    known: dict[str, Literal["supabase", "postgres"]] = {"supabase": "supabase", "postgres": "postgres"}
    if name is not None and name not in known:
        raise UsageError(f"There is no platform {name!r}.", hint=f"There are: {', '.join(known)}.")
    return known[name] if name is not None else None


def known_command(text: str | None, seconds: float) -> Command | None:
    """Returns the command that a text is, if there is one.

    Raises:
        UsageError: it cannot be understood.
    """
    if text is None:
        return None
    from rlsaudit.migrations import command_of  # noqa: PLC0415

    return command_of(text, seconds)


def paired(formats: list[str] | None, outputs: list[Path] | None) -> tuple[tuple[str, Path | None], ...]:
    """Returns each format with its file; the first without one goes to standard output.

    Raises:
        UsageError: a format does not exist, a file cannot be written, or there are too few files.
    """
    names, files = formats or [TEXT], outputs or []
    for name in names:
        known_format(name)
    for file in files:
        can_be_saved(file)
    if not len(names) - 1 <= len(files) <= len(names):
        raise UsageError(
            f"There are {len(names)} formats and {len(files)} files.",
            hint="Give an --output for each --format, in the same order; the last may do without, and is printed.",
        )
    return tuple(zip(names, [*files, None][: len(names)], strict=True))
