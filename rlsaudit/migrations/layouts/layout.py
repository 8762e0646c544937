"""What a layout is: how a tool keeps its migrations, and how it runs them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rlsaudit.migrations.errors import UnreadableError
from rlsaudit.migrations.model import Project, Script
from rlsaudit.migrations.reading import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

Platform = Literal["supabase", "postgres"]

_SUPABASE = re.compile(
    r"\bauth\s*\.\s*(?:uid|jwt|role)\s*\(|\bto\s+(?:anon|authenticated|service_role)\b|\bauth\.users\b|\bsupabase_",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Layout:
    """One tool.

    Attributes:
        name: The tool.
        looked_for: What was looked for, for the error that says that nothing was found.
        find: Returns the project that a directory is, or None. It looks at this directory and at nothing above it; the
            second argument is the root that names are relative to.
        places: Directories below a repository's root where it is worth looking, besides the usual ones.
        last: Whether it is only asked where no other found anything.
    """

    name: str
    looked_for: str
    find: Callable[[Path, Path], Project | None]
    places: tuple[str, ...] = ()
    last: bool = False


def sql_files(directory: Path, pattern: str = "*.sql") -> list[Path]:
    """The files of a directory in the order of their names."""
    return sorted((one for one in directory.glob(pattern) if one.is_file()), key=lambda one: one.name)


def may_be_read(directory: Path) -> None:
    """Nothing, if a directory that there is may be read: a pattern finds nothing in one that may not, without a word.

    Raises:
        PermissionError: it may not.
    """
    if directory.is_dir():
        os.scandir(directory).close()


def name_of(path: Path, root: Path) -> str:
    """The path as locations show it."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def content(path: Path) -> str:
    """What a file says; nothing where it cannot be read, which the replay will tell."""
    try:
        return read(path).content
    except UnreadableError:
        return ""


def mentions(paths: Iterable[Path], pattern: re.Pattern[str]) -> bool:
    """Whether the pattern is in any of these files."""
    return any(pattern.search(content(one)) for one in paths)


def platform_of(paths: Iterable[Path]) -> Platform:
    """What the files need: Supabase's roles and functions, or nothing."""
    return "supabase" if mentions(paths, _SUPABASE) else "postgres"


def project(layout: str, root: Path, scripts: Iterable[Script], notes: Iterable[str] = ()) -> Project:
    """A project of a tool that knows nothing of Supabase; its database may be one all the same."""
    listed = tuple(scripts)
    return Project(root, layout, platform_of(one.path for one in listed), listed, notes=tuple(notes))


def section(text: str, start: re.Pattern[str], stop: re.Pattern[str]) -> str:
    """The lines from those that match `start` until one that matches `stop`; the others are blank, none moves."""
    kept: list[str] = []
    inside = False
    for line in text.split("\n"):
        if start.match(line):
            inside = True
        elif stop.match(line):
            inside = False
        kept.append(line if inside else "")
    return "\n".join(kept)


_NUMBER = re.compile(r"(\d+)")


def by_number(name: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts `2_x` before `10_x`, as tools do that take the number for a number."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in _NUMBER.split(name) if part)
