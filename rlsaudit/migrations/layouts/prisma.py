"""Prisma: `migrations/<time>_<name>/migration.sql`, each sent to the server as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.migrations.layouts.layout import Layout, name_of, project
from rlsaudit.migrations.model import Script

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.migrations.model import Project


def find(directory: Path, root: Path) -> Project | None:
    """A directory of directories that each have a `migration.sql`, or what that directory is in."""
    for place in (directory, directory / "migrations"):
        files = sorted(place.glob("*/migration.sql"), key=lambda one: one.parent.name)
        if files:
            return project(LAYOUT.name, root, [Script(one, name_of(one, root)) for one in files])
    return None


LAYOUT = Layout("prisma", "prisma/migrations/*/migration.sql", find, places=("prisma",))
