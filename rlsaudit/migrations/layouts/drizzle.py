"""Drizzle: files of SQL, the order of which is in `meta/_journal.json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rlsaudit.errors import UsageError
from rlsaudit.migrations.layouts.layout import Layout, name_of, project
from rlsaudit.migrations.model import Script

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.migrations.model import Project

# Drizzle sends what is between two of them as one; the comment that it is does not keep psql's scanner from its work.
_BREAK = "--> statement-breakpoint"


def _cut(text: str) -> str:
    # What stands before a break need not end in a semicolon.
    return text.replace(_BREAK, ";" + _BREAK)


def find(directory: Path, root: Path) -> Project | None:
    """A directory with a journal.

    Raises:
        UsageError: the journal cannot be understood.
    """
    journal = directory / "meta" / "_journal.json"
    if not journal.is_file():
        return None
    try:
        entries = json.loads(journal.read_text("utf-8"))["entries"]
        tags = [str(one["tag"]) for one in sorted(entries, key=lambda one: int(one["idx"]))]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{name_of(journal, root)} is no journal of Drizzle ({type(error).__name__}).",
            hint="Repair it, or name the directory of SQL files whose order is that of their names.",
        ) from None
    files = [directory / f"{tag}.sql" for tag in tags]
    return project(LAYOUT.name, root, [Script(one, name_of(one, root), cut=_cut) for one in files])


LAYOUT = Layout("drizzle", "meta/_journal.json", find, places=("drizzle", "src/db/migrations", "drizzle/migrations"))
