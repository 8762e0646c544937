"""golang-migrate: `1_x.up.sql` beside `1_x.down.sql`, each sent to the server as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.migrations.layouts.layout import Layout, by_number, name_of, project, sql_files
from rlsaudit.migrations.model import Script

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.migrations.model import Project


def find(directory: Path, root: Path) -> Project | None:
    """A directory with files of the way up."""
    files = sorted(sql_files(directory, "*.up.sql"), key=lambda one: by_number(one.name))
    if not files:
        return None
    return project(LAYOUT.name, root, [Script(one, name_of(one, root)) for one in files])


LAYOUT = Layout("golang-migrate", "*.up.sql", find)
