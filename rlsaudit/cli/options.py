"""Options that several commands share.

What they are checked against is loaded when they are checked: every command loads this module, and few need all of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlsaudit.errors import UsageError
from rlsaudit.model import Severity

if TYPE_CHECKING:
    from rlsaudit.engine import EngineRequest

TEXT = "text"
CLONE = "clone"
_AUTO = "auto"
FormatName = Annotated[str, typer.Option("--format", metavar="NAME", help="text, for people, or json, for machines.")]
OutputFile = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to standard output.")
]
EngineName = Annotated[
    str | None,
    typer.Option("--engine", metavar="NAME", help="Where to take it from: auto, url, pg-bin, wheel, local or docker."),
]
EngineUrl = Annotated[
    str | None, typer.Option(metavar="URL", help="A superuser's URL on a server that is meant to be thrown away.")
]
PgBin = Annotated[
    Path | None, typer.Option(metavar="DIRECTORY", help="The directory of `postgres` and `initdb` to take.")
]
ProbeMode = Annotated[
    str | None,
    typer.Option(
        "--probe", metavar="MODE", help="none or read; on a throwaway server also write, which is what it does unasked."
    ),
]
Major = Annotated[int | None, typer.Option("--pg", metavar="MAJOR", help="The major version that is needed.")]


def known_format(name: str) -> str:
    """Returns `name` if there is such a format, before any work is done for it.

    Raises:
        UsageError: there is not.
    """
    if name == TEXT:
        return name
    from rlsaudit.report import formats  # noqa: PLC0415

    if name not in formats():
        raise UsageError(f"There is no format {name!r}.", hint=f"There are: {', '.join(formats())}.")
    return name


def known_machine_format(name: str) -> str:
    """Returns `name` if it is text or JSON, which are all that answers to a single question come in.

    Raises:
        UsageError: it is neither.
    """
    if name not in {TEXT, "json"}:
        raise UsageError(f"There is no format {name!r} here.", hint="There are: text, json.")
    return name


def known_probe(mode: str | None, *more: str) -> str | None:
    """Returns `mode` if there is such a probe mode, or if none was asked for.

    `more` are those that only this command has.

    Raises:
        UsageError: there is not, or not yet.
    """
    from rlsaudit.audit import PROBE_MODES  # noqa: PLC0415

    modes = (*PROBE_MODES, *more)
    if mode is None or mode in modes:
        return mode
    yet = "does not exist here" if mode == CLONE else "does not exist"
    raise UsageError(f"--probe {mode} {yet}.", hint=f"There are: {', '.join(modes)}.")


def known_severity(name: str) -> Severity:
    """Returns the severity of that name.

    Raises:
        UsageError: there is none.
    """
    try:
        return Severity(name)
    except ValueError:
        hint = f"There are: {', '.join(Severity)}."
        raise UsageError(f"There is no severity {name!r}.", hint=hint) from None


def engine_request(name: str | None, url: str | None, pg_bin: Path | None, major: int | None) -> EngineRequest:
    """Returns which throwaway Postgres the options ask for.

    Raises:
        UsageError: there is no provider of that name, or the options contradict each other.
    """
    from rlsaudit.engine import EngineRequest, provider_names  # noqa: PLC0415

    if name not in (None, _AUTO, *provider_names()):
        # What was given is not repeated: where --engine-url was meant, it has a password.
        hint = f"There are: {', '.join((_AUTO, *provider_names()))}. A URL is given by --engine-url."
        raise UsageError("There is no engine of the name that --engine gives.", hint=hint)
    provider = None if name == _AUTO else name
    for option, given, needed_by in (("--engine-url", url, "url"), ("--pg-bin", pg_bin, "pg-bin")):
        if given is None and provider == needed_by:
            raise UsageError(f"--engine {needed_by} says nothing without {option}.", hint=f"Give {option} as well.")
        if given is not None and provider not in (None, needed_by):
            raise UsageError(f"--engine {provider} and {option} contradict each other.", hint="Leave out one of them.")
    return EngineRequest(url=url, pg_bin=pg_bin, major=major, provider=provider)
