"""Files of SQL in the order of their names, each as `psql -f` would run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.migrations.layouts.layout import Layout, name_of, project, sql_files
from rlsaudit.migrations.model import Script

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.migrations.model import Project


def find(directory: Path, root: Path) -> Project | None:
    """A directory with SQL in it."""
    files = [one for one in sql_files(directory) if not one.name.endswith(".down.sql")]
    if not files:
        return None
    notes = ["no tool was recognised: the files were run in the order of their names"]
    return project(LAYOUT.name, root, [Script(one, name_of(one, root), transaction=False) for one in files], notes)


LAYOUT = Layout("sql", "*.sql", find, last=True)
