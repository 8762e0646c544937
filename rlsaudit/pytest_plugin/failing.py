"""How the plugin fails: with what a user can mend, without a traceback of ours, and without a connection string."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import rlsaudit
from rlsaudit.errors import AuditError
from rlsaudit.report.escape import printable

if TYPE_CHECKING:
    from types import TracebackType


class guarded:  # noqa: N801 — reads as a function where it is used
    """Fails with the words of an error of ours, and tells of any other one only its type and place.

    `where`: whether the line of the test that led here is to be shown as well. No `@contextmanager`, whose own frames
    pytest would show.
    """

    def __init__(self, *, where: bool = False) -> None:
        self._where = where

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        if isinstance(error, AuditError):
            failure = pytest.fail.Exception(described(error), pytrace=self._where)
        elif isinstance(error, Exception):
            # Its text and its frames may hold anything, a connection string included.
            failure = pytest.fail.Exception(_unexpected(error), pytrace=self._where)
        else:
            return
        raise failure from None


def described(error: AuditError) -> str:
    """Returns an error of ours in the lines to show for it."""
    lines = (error.message, *(f"  | {one}" for one in error.details), error.hint)
    return "\n".join(printable(one) for one in lines)


def _unexpected(error: Exception) -> str:
    home = Path(rlsaudit.__file__).parent
    frames = [one for one in traceback.extract_tb(error.__traceback__) if Path(one.filename).is_relative_to(home)]
    place = f" at {Path(frames[-1].filename).relative_to(home)}:{frames[-1].lineno}" if frames else ""
    return (
        f"A fault of rlsaudit's own, {type(error).__name__}{place}.\n"
        f"Please report this line, with the version ({rlsaudit.__version__}) and what the test asked for."
    )
