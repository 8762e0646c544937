"""What a command looks at, from its argument: a database, a file of facts, or migrations that are replayed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlsaudit.cli.failures import is_database
from rlsaudit.errors import UsageError

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
    from rlsaudit.connect import target_from  # noqa: PLC0415 — what --help need not wait for
    from rlsaudit.source import Named, database_side, open_side  # noqa: PLC0415

    if options.probe == "write" and (target is None or is_database(target)):
        hint = "`rlsaudit audit --probe write` writes to a database, and takes it back; or leave out --probe."
        raise UsageError("This command only reads a database.", hint=hint)
    if target is not None:
        return open_side(Named(target, Path(), recipe), options)
    return database_side(target_from(None, os.environ), options)
