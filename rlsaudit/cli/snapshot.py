"""`rlsaudit snapshot`: the facts of a database, in a file."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from rlsaudit.cli.options import OutputFile
from rlsaudit.cli.output import can_be_saved, save


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("snapshot", short_help="Save the facts of a database, to audit them later.")(_snapshot)


def _snapshot(
    target: Annotated[
        str | None,
        typer.Argument(metavar="URL", help="The database. Without it DATABASE_URL, then libpq's PG* variables."),
    ] = None,
    *,
    output: OutputFile = None,
) -> None:
    """Save what an audit needs to know of a database: names, definitions, grants and policies, never a row.

    `rlsaudit audit FACTS.json` audits it later, without the database.
    """
    from rlsaudit.catalog import dump, take  # noqa: PLC0415 — what --help need not wait for
    from rlsaudit.connect import connect, target_from  # noqa: PLC0415

    can_be_saved(output)
    with connect(target_from(target, os.environ)) as session, session.read_only():
        content = dump(take(session))
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    save(content, output)
