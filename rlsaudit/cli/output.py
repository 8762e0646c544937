"""Where a report goes: the terminal, as wide and colourful as it is, or a file."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rlsaudit.errors import UsageError
from rlsaudit.model import Report

if TYPE_CHECKING:
    from rlsaudit.report import Screen

_WIDTH_OF_A_FILE = 100


def deliver(report: Report, format_name: str, output: Path | None) -> None:
    """Writes the report to `output`, or prints it where that is None.

    Raises:
        UsageError: it cannot be written.
    """
    from rlsaudit.report import render  # noqa: PLC0415 — `demo` loads it while Postgres starts

    put(lambda screen: render(report, format_name, width=screen.width, colour=screen.colour), output)


def put(write: Callable[[Screen], str], output: Path | None) -> None:
    """Writes to `output` what `write` makes for it, or prints it where that is None, as wide as the terminal is.

    Raises:
        UsageError: it cannot be written.
    """
    from rlsaudit.report import Screen  # noqa: PLC0415

    if output is None:
        say(write(screen_of(sys.stdout)))
        return
    save(write(Screen(width=_WIDTH_OF_A_FILE, colour=False)).encode("utf-8", "backslashreplace"), output)


def screen_of(stream: TextIO) -> Screen:
    """Returns how wide and colourful it is where a stream goes."""
    from rlsaudit.report import Screen  # noqa: PLC0415

    terminal = stream.isatty()
    width = shutil.get_terminal_size().columns if terminal else _WIDTH_OF_A_FILE
    return Screen(width=width, colour=terminal and not os.environ.get("NO_COLOR"))


def say(text: str) -> None:
    """Writes to standard output, to the end.

    Raises:
        UsageError: it cannot be written, because a disk is full, say.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        hint = "Make room, or name a file elsewhere with --output."
        raise UsageError(f"Standard output cannot be written: {error.strerror}.", hint=hint) from error


def save(content: bytes, output: Path) -> None:
    """Writes a file.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        output.write_bytes(content)
    except OSError as error:
        raise _unwritable(output, error.strerror or type(error).__name__) from error


def can_be_saved(output: Path | None) -> None:
    """Looks whether a file could be written there, before the work for it is done. It leaves what is there as it is.

    Raises:
        UsageError: it could not.
    """
    if output is None:
        return
    if output.is_dir():
        raise _unwritable(output, "it is a directory")
    if not output.parent.is_dir():
        raise _unwritable(output, f"there is no directory {output.parent}")
    if not os.access(output if output.exists() else output.parent, os.W_OK):
        raise _unwritable(output, "permission denied")


def _unwritable(output: Path, reason: str) -> UsageError:
    return UsageError(f"{output} cannot be written: {reason}.", hint="Name another file with --output.")


@contextmanager
def progress(doing: str, what: str = "probes") -> Iterator[Callable[[int, int], None]]:
    """Shows on a terminal that work goes on; what is yielded is told how much of `what` is done, of how much."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 — a tenth of a second, for terminals alone
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(doing, total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, description=f"{doing}: {done} of {total} {what}", completed=done, total=total)

        yield tell
