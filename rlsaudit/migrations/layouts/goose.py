"""goose: `-- +goose Up` and `-- +goose Down` in one file; `-- +goose NO TRANSACTION` where wanted.

`StatementBegin` and `StatementEnd` keep goose's own splitter from cutting up function bodies, which ours does not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.migrations.layouts.layout import Layout, by_number, mentions, name_of, project, sql_files
from rlsaudit.migrations.layouts.layout import section as lines_between
from rlsaudit.migrations.model import Script

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.migrations.model import Project

_UP = re.compile(r"^--\s*\+goose\s+up\b", re.MULTILINE | re.IGNORECASE)
_DOWN = re.compile(r"^--\s*\+goose\s+down\b", re.IGNORECASE)
_ALONE = re.compile(r"^--\s*\+goose\s+no\s+transaction\b", re.MULTILINE | re.IGNORECASE)


def _cut(text: str) -> str:
    return lines_between(text, _UP, _DOWN)


def _transaction(text: str) -> bool:
    return _ALONE.search(text) is None


def find(directory: Path, root: Path) -> Project | None:
    """A directory in which some file has a way up."""
    files = sorted(sql_files(directory), key=lambda one: by_number(one.name))
    if not mentions(files, _UP):
        return None
    scripts = [Script(one, name_of(one, root), transaction=_transaction, cut=_cut) for one in files]
    code = sorted(one.name for one in directory.glob("*.go") if one.name[:1].isdigit())
    notes = [f"migrations in Go are not run: {', '.join(code)}"] if code else []
    return project(LAYOUT.name, root, scripts, notes)


LAYOUT = Layout("goose", "*.sql with `-- +goose Up`", find)
