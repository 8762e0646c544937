"""`--baseline`: findings that are known, so that only what is new counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlsaudit.cli.output import can_be_saved, save
from rlsaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rlsaudit.model import Report

BaselineFile = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="FILE.json", help="Count only what is new, or worse, than the findings there."),
]
UpdateBaseline = Annotated[
    bool, typer.Option("--update-baseline", help="Write what is found now to the file of --baseline.")
]


def against(file: Path | None, *, update: bool) -> Callable[[Report], Report]:
    """Returns what makes of a report one in which only what is new counts; looks at the file before the work is done.

    Raises:
        BaselineError: the file cannot be read, or is no baseline.
        UsageError: it cannot be written, or there is none to be updated.
    """
    if file is None:
        if update:
            raise UsageError("--update-baseline does not say which file.", hint="Name it with --baseline FILE.json.")
        return lambda report: report
    from rlsaudit.compare import baseline  # noqa: PLC0415 — what --help need not wait for

    if not update:
        known = baseline.load(file)
        return lambda report: baseline.without_known(report, known, file.name)
    can_be_saved(file)
    return lambda report: _updated(report, file)


def _updated(report: Report, file: Path) -> Report:
    from rlsaudit.compare import baseline  # noqa: PLC0415 — what --help need not wait for

    found = baseline.baseline_of(report)
    save(baseline.dump(found), file)
    return baseline.without_known(report, found, file.name)
