"""Supabase: `supabase/config.toml`, `roles.sql`, `migrations/`, `schemas/`, seeds; as its command line runs them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.migrations.config import read_config
from rlsaudit.migrations.layouts.layout import Layout, may_be_read, name_of, sql_files
from rlsaudit.migrations.model import Project, Script

if TYPE_CHECKING:
    from pathlib import Path

# What the command line takes for a migration; it says that it skips the others.
_NAME = re.compile(r"\d+_.*\.sql")
_VERSION = re.compile(r"\d+")
# What it skips and other tools that write into the same directory do not.
_OTHERS = re.compile(r"(?:\d{14}-|\d+[a-z]_).*\.sql")
# What `supabase db remote commit` made until December 2021: the platform's own schemas, which are there already.
_OLD_BASE = re.compile(r"(\d{14})_init\.sql")
_NO_BASE_SINCE = "20211209000000"


def find(directory: Path, root: Path) -> Project | None:
    """A repository with a directory `supabase`, that directory, or its migrations.

    Raises:
        UsageError: `config.toml` cannot be understood.
    """
    home = home_of(directory)
    if home is None:
        return None
    config = read_config(home / "config.toml", root)
    scripts: list[Script] = []
    notes: list[str] = []
    if (home / "roles.sql").is_file():
        scripts.append(_script(home / "roles.sql", root, "roles"))
    migrations = _migrations(home, notes)
    schemas = [path for pattern in config.schema_paths or ("schemas/*.sql",) for path in _matching(home, pattern)]
    if migrations:
        scripts += [_script(one, root, "migration") for one in migrations]
        if schemas:
            notes.append("supabase/schemas was left out: the migrations are what reaches the database")
    elif schemas:
        scripts += [_script(one, root, "migration") for one in dict.fromkeys(schemas)]
        notes.append("there are no migrations, so the declared schemas were run in their stead")
    else:
        return None
    if config.seeds:
        found = dict.fromkeys(path for pattern in config.seed_paths for path in _matching(home, pattern))
        scripts += [_script(one, root, "seed") for one in found]
    return Project(root, LAYOUT.name, "supabase", tuple(scripts), config.settings, (*config.notes, *notes))


def home_of(directory: Path) -> Path | None:
    """The directory of Supabase's files: below this one, this one, or above it where this one is its migrations."""
    below = directory / "supabase"
    if (below / "config.toml").is_file() or (below / "migrations").is_dir() or (below / "schemas").is_dir():
        return below
    if (directory / "config.toml").is_file() and _is_config(directory / "config.toml"):
        return directory
    if directory.name == "supabase" and ((directory / "migrations").is_dir() or (directory / "schemas").is_dir()):
        return directory
    above = directory.parent
    if directory.name == "migrations" and (above.name == "supabase" or _is_config(above / "config.toml")):
        return above
    return None


def _is_config(path: Path) -> bool:
    if not path.is_file():
        return False
    text = path.read_text("utf-8", "replace")
    return "project_id" in text and ("[api]" in text or "[db]" in text or "[auth]" in text)


def _migrations(home: Path, notes: list[str]) -> list[Path]:
    found = []
    skipped, others = [], []
    may_be_read(home / "migrations")
    for path in sql_files(home / "migrations"):
        old = _OLD_BASE.fullmatch(path.name)
        if old and old.group(1) < _NO_BASE_SINCE:
            notes.append(f"{path.name} was left out, as Supabase's command line does: the platform's own schemas")
        elif _NAME.fullmatch(path.name):
            found.append(path)
        elif _OTHERS.fullmatch(path.name):
            found.append(path)
            others.append(path.name)
        else:
            skipped.append(path.name)
    if others:
        notes.append(f"run, although Supabase's command line skips files that are named so: {', '.join(others)}")
    if skipped:
        notes.append(f"not run, for their names are not <number>_<name>.sql: {', '.join(skipped)}")
    return found


def _matching(home: Path, pattern: str) -> list[Path]:
    """The files that a pattern of the configuration names, in order; it is relative to the directory `supabase`."""
    relative = pattern.removeprefix("./")
    if not relative or relative.startswith(("/", "\\")) or ".." in relative.split("/"):
        return []
    return sorted(path for path in home.glob(relative) if path.is_file() and path.suffix == ".sql")


def _script(path: Path, root: Path, role: str) -> Script:
    match role:
        case "seed":
            return Script(path, name_of(path, root), "seed", transaction=False)
        case "roles":
            return Script(path, name_of(path, root), "roles")
        case _:
            number = _VERSION.match(path.name)
            return Script(path, name_of(path, root), version=number.group() if number else "")


LAYOUT = Layout("supabase", "supabase/config.toml or supabase/migrations", find)
