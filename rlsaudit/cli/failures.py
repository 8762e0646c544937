"""What went wrong, for people: never a traceback, never a credential."""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rlsaudit
from rlsaudit.errors import AuditError
from rlsaudit.report.escape import printable

_MAY_BE_SECRET = re.compile(r"[:@]|password", re.IGNORECASE)
_DATABASE = re.compile(r"^\s*['\"]?[\w+.-]{2,}:/|\b(?:host|dbname|service|password)\s*=", re.IGNORECASE)


def is_database(word: str) -> bool:
    """Whether a word is a connection string, which must not be repeated."""
    return _DATABASE.search(word) is not None


class AuditInterruptedError(Exception):
    """Ctrl-C, in a form that typer leaves alone."""


class OutputClosedError(Exception):
    """Nobody reads our output any more, in a form that typer leaves alone."""


def describe(error: Exception) -> str:
    """Returns the lines to print for an error.

    Of an unexpected one only its type and place are told: its text may hold anything, a connection string included.
    """
    if isinstance(error, AuditError):
        # The bar keeps a line of another program's from being an order in a CI job's log.
        details = (f"  | {printable(line)}" for line in error.details)
        return "\n".join([f"rlsaudit: {printable(error.message)}", *details, printable(error.hint)])
    home = Path(rlsaudit.__file__).parent
    frames = [one for one in traceback.extract_tb(error.__traceback__) if Path(one.filename).is_relative_to(home)]
    place = f" at {Path(frames[-1].filename).relative_to(home)}:{frames[-1].lineno}" if frames else ""
    return (
        f"rlsaudit: a fault of its own, {type(error).__name__}{place}. No audit was completed.\n"
        f"Please report this line, with the version ({rlsaudit.__version__}) and what you ran, without the URL."
    )


def describe_usage(error: Any, arguments: Sequence[str]) -> str:  # noqa: ANN401 — typer's own, see `rlsaudit.cli.app`
    """Returns what to print for a command line that typer did not understand.

    It repeats the word that it stumbled over, and where the word `audit` was forgotten that is the connection string.
    """
    said = str(error.format_message()).strip()
    if "\n" in said:
        return f"{said}\n"  # the help itself, where nothing was asked for
    # The longest first: one may be a part of another, whose rest would be left over.
    for argument in sorted(arguments, key=len, reverse=True):
        if _MAY_BE_SECRET.search(argument):
            said = said.replace(argument, "…").replace(argument.partition("=")[2] or argument, "…")
    context = getattr(error, "ctx", None)
    asked = str(context.command_path) if context is not None else "rlsaudit"
    hint = f"`{asked} --help` shows what there is."
    if asked == "rlsaudit" and any(_DATABASE.search(one) for one in arguments):
        hint = "To audit a database: `rlsaudit audit` and then its URL."
    return f"rlsaudit: {printable(said)}\n{hint}\n"
