"""Flyway: `V1_2__x.sql` in the order of their versions, then `R__x.sql` in the order of their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.migrations.layouts.layout import Layout, mentions, name_of, project
from rlsaudit.migrations.model import Script

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.migrations.model import Project

_VERSIONED = re.compile(r"[VB](\d+(?:[._]\d+)*)__.*\.sql")
_REPEATABLE = re.compile(r"R__.*\.sql")
_ALONE = re.compile(r"^\s*executeInTransaction\s*=\s*false\b", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\$\{[\w.:]+\}")


def _version(path: Path) -> tuple[int, ...]:
    match = _VERSIONED.fullmatch(path.name)
    return tuple(int(part) for part in re.split(r"[._]", match.group(1))) if match else ()


def _transaction(path: Path) -> bool:
    beside = path.with_name(path.name + ".conf")
    return not (beside.is_file() and _ALONE.search(beside.read_text("utf-8", "replace")))


def find(directory: Path, root: Path) -> Project | None:
    """A directory with versioned migrations, in it or below it."""
    found = [one for one in directory.rglob("*.sql") if one.is_file()]
    versioned = sorted((one for one in found if _VERSIONED.fullmatch(one.name)), key=_version)
    if not versioned:
        return None
    # A baseline stands for all before it.
    baseline = max((_version(one) for one in versioned if one.name.startswith("B")), default=None)
    if baseline is not None:
        versioned = [
            one for one in versioned if _version(one) > baseline or (one.name[0] == "B" and _version(one) == baseline)
        ]
    repeatable = sorted((one for one in found if _REPEATABLE.fullmatch(one.name)), key=lambda one: one.name)
    files = [*versioned, *repeatable]
    notes = ["placeholders such as ${name} are not replaced"] if mentions(files, _PLACEHOLDER) else []
    scripts = [Script(one, name_of(one, root), transaction=_transaction(one)) for one in files]
    return project(LAYOUT.name, root, scripts, notes)


LAYOUT = Layout("flyway", "V1__x.sql", find, places=("src/main/resources/db/migration", "db/migration", "flyway/sql"))
