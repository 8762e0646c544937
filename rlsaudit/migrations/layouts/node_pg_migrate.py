"""node-pg-migrate, where its migrations are SQL: `-- Up Migration` and `-- Down Migration` in one file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.migrations.layouts.layout import Layout, by_number, mentions, name_of, project, sql_files
from rlsaudit.migrations.layouts.layout import section as lines_between
from rlsaudit.migrations.model import Script

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.migrations.model import Project

_UP = re.compile(r"^\s*--[\s-]*up\s+migration\b", re.MULTILINE | re.IGNORECASE)
_DOWN = re.compile(r"^\s*--[\s-]*down\s+migration\b", re.IGNORECASE)


def _cut(text: str) -> str:
    # Without a mark the whole file is the way up.
    return lines_between(text, _UP, _DOWN) if _UP.search(text) else text


def find(directory: Path, root: Path) -> Project | None:
    """A directory in which some file has a way up."""
    files = sorted(sql_files(directory), key=lambda one: by_number(one.name))
    if not mentions(files, _UP):
        return None
    scripts = [Script(one, name_of(one, root), cut=_cut) for one in files]
    code = sorted(one.name for one in (*directory.glob("*.js"), *directory.glob("*.ts")))
    notes = [f"migrations in JavaScript are not run: {', '.join(code)}"] if code else []
    return project(LAYOUT.name, root, scripts, notes)


LAYOUT = Layout("node-pg-migrate", "*.sql with `-- Up Migration`", find)
