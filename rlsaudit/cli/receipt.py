"""`--receipt`: what an audit did to the server, in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlsaudit import __version__
from rlsaudit.cli.output import can_be_saved, save

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from rlsaudit.connect import Session

ReceiptFile = Annotated[
    Path | None,
    typer.Option(
        "--receipt", metavar="FILE.json", help="Write down what was done to the server, compared before and after."
    ),
]


def witness(file: Path | None, mode: str) -> Callable[[Session], AbstractContextManager[None]]:
    """Returns what is put around the work of a session, so that there is a receipt of it in `file`; None: nothing.

    Raises:
        UsageError: it cannot be written.
    """
    from rlsaudit.connect import unseen  # noqa: PLC0415 — what --help need not wait for

    if file is None:
        return unseen
    can_be_saved(file)
    return lambda session: _receipted(session, mode, file)


def _receipted(session: Session, mode: str, file: Path) -> AbstractContextManager[None]:
    from rlsaudit.connect import receipted  # noqa: PLC0415 — what other commands need not wait for

    tool = {"name": "rlsaudit", "version": __version__}
    return receipted(session, mode, tool, lambda content: save(content, file))
