"""What a command looks at, from its argument: a database, a file of facts, or migrations that are replayed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rlsaudit.audit import Options
    from rlsaudit.compare import Side
    from rlsaudit.source import Recipe

Target = Annotated[
    str | None,
    typer.Argument(
        metavar="URL|PATH|FACTS.json",
        show_default=False,
        help="A database, migrations, or a file of `rlsaudit snapshot`. Without it DATABASE_URL, then libpq's PG*.",
    ),
]


def opened(target: str | None, recipe: Recipe, options: Options) -> Side:
    """Audits what was named; the database of the environment where nothing was.

    Raises:
        AuditError: it is nothing that can be audited, or could not be.
    """
    from rlsaudit.audit import examine  # noqa: PLC0415 — what --help need not wait for
    from rlsaudit.catalog import take  # noqa: PLC0415
    from rlsaudit.compare import Side  # noqa: PLC0415
    from rlsaudit.connect import connect, target_from  # noqa: PLC0415
    from rlsaudit.source import Named, open_side  # noqa: PLC0415

    if target is not None:
        return open_side(Named(target, Path(), recipe), options)
    with connect(target_from(None, os.environ)) as session:
        with session.read_only():
            snapshot = take(session)
        audited = examine(snapshot, options, session)
    return Side(audited.report, audited.case)
