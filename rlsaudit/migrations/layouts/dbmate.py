"""dbmate: `-- migrate:up` and `-- migrate:down` in one file; `transaction:false` behind the first where wanted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.migrations.layouts.layout import Layout, mentions, name_of, project, sql_files
from rlsaudit.migrations.layouts.layout import section as lines_between
from rlsaudit.migrations.model import Script

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.migrations.model import Project

_UP = re.compile(r"^--\s*migrate:up\b", re.MULTILINE)
_DOWN = re.compile(r"^--\s*migrate:down\b")
_ALONE = re.compile(r"^--\s*migrate:up\b.*\btransaction:\s*false\b", re.MULTILINE)


def _cut(text: str) -> str:
    return lines_between(text, _UP, _DOWN)


def _transaction(text: str) -> bool:
    return _ALONE.search(text) is None


def find(directory: Path, root: Path) -> Project | None:
    """A directory in which some file has a way up."""
    files = sql_files(directory)
    if not mentions(files, _UP):
        return None
    return project(
        LAYOUT.name, root, [Script(one, name_of(one, root), transaction=_transaction, cut=_cut) for one in files]
    )


LAYOUT = Layout("dbmate", "*.sql with `-- migrate:up`", find)
