"""Finding the migrations of a repository."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.errors import UsageError
from rlsaudit.migrations.layouts import all_layouts
from rlsaudit.migrations.layouts.layout import content, may_be_read, name_of, platform_of
from rlsaudit.migrations.model import Project, Script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rlsaudit.migrations.layouts import Layout

_USUAL = ("", "migrations", "db/migrations", "database/migrations", "sql/migrations", "sql", "db", "database")
_FOREIGN = frozenset({"node_modules", "vendor", "venv", "target", "dist", "build"})
_DEEPEST, _MOST_PLACES = 5, 8
_DUMP = "PostgreSQL database dump"
_SUFFIXES = frozenset({".sql", ".dump", ".ddl", ".psql", ".pgsql"})
_HINT = "Give the directory of the migrations, or a file of SQL; `--layout` says which tool it is."


def find(path: Path, *, layout: str | None = None) -> Project:
    """Returns the migrations at `path`: a repository, a tool's directory, its migrations, or a file of SQL.

    Args:
        path: Where to look.
        layout: The tool, where its name is known.

    Raises:
        UsageError: nothing was found, or more than one tool's, or it may not be read.
    """
    try:
        return _found(path, layout)
    except PermissionError as error:
        raise UsageError(
            f"{error.filename} may not be read by this user.",
            hint="Let this user read it. In a container, `--user 0` may read whatever is mounted.",
        ) from error


def _found(path: Path, layout: str | None) -> Project:
    if not path.exists():
        raise UsageError(f"There is no {path}.", hint=_HINT)
    path = path.resolve()
    root = _root(path)
    if path.is_file():
        return _file(path, root)
    may_be_read(path)
    layouts = _chosen(layout)
    found: list[Project] = []
    for last in (False, True):
        asked = (_first(one, path, root) for one in layouts if one.last is last)
        found = [one for one in asked if one is not None]
        if found:
            break
    if not found and (layout is None or layout == "supabase"):
        found = _further_down(path, root)
    if not found:
        looked = ", ".join(f"{one.looked_for} ({one.name})" for one in layouts)
        raise UsageError(f"There are no migrations in {path}. Looked for: {looked}.", hint=_HINT)
    # A project of Supabase says so itself; what another tool keeps beside it is where its migrations came from.
    chosen = next((one for one in found if one.layout == "supabase"), found[0])
    if len(found) > 1 and chosen.layout != "supabase":
        tools = ", ".join(sorted(f"{one.layout} ({_where(one)})" for one in found))
        raise UsageError(f"There are migrations of more than one tool in {path}: {tools}.", hint=_HINT)
    return chosen


def _further_down(path: Path, root: Path) -> list[Project]:
    """The one Supabase project somewhere below, as repositories of several packages have it.

    Raises:
        UsageError: there are several.
    """
    layout = next(one for one in all_layouts() if one.name == "supabase")
    below = ((one.parent, layout.find(one.parent, root)) for one in _named(path, "supabase", _DEEPEST))
    found = [(place, project) for place, project in below if project is not None]
    if len(found) > 1:
        places = ", ".join(place.relative_to(path).as_posix() for place, _ in found[:_MOST_PLACES])
        raise UsageError(
            f"There are migrations of several Supabase projects in {path}: in {places}.", hint="Name one of these."
        )
    return [
        replace(one, notes=(*one.notes, f"found below: {place.relative_to(path).as_posix()}/supabase"))
        for place, one in found
    ]


def _named(path: Path, name: str, depth: int) -> Iterator[Path]:
    """The directories of a name below a path, but for what is hidden, and what package managers put there."""
    for one in sorted(path.iterdir()):
        if one.is_symlink() or not one.is_dir() or one.name.startswith(".") or one.name in _FOREIGN:
            continue
        if one.name == name:
            yield one
        elif depth > 1:
            yield from _named(one, name, depth - 1)


def _chosen(layout: str | None) -> tuple[Layout, ...]:
    layouts = all_layouts()
    if layout is None:
        return layouts
    named = tuple(one for one in layouts if one.name == layout)
    if not named:
        raise UsageError(
            f"There is no layout {layout!r}.", hint=f"There are: {', '.join(one.name for one in layouts)}."
        )
    return named


def _first(layout: Layout, path: Path, root: Path) -> Project | None:
    return next((project for place in _places(layout, path) if (project := layout.find(place, root)) is not None), None)


def _places(layout: Layout, path: Path) -> Iterator[Path]:
    for relative in dict.fromkeys((*_USUAL[:1], *layout.places, *_USUAL[1:])):
        place = path / relative
        if place.is_dir():
            yield place


def _file(path: Path, root: Path) -> Project:
    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError(
            f"{path.name} is no file of SQL.", hint="A custom-format dump becomes one with `pg_restore -f`."
        )
    with path.open("rb") as file:
        begin = file.read(5)
    if begin == b"PGDMP":
        raise UsageError(
            f"{path.name} is a dump in pg_dump's custom format.", hint="Turn it into SQL with `pg_restore -f out.sql`."
        )
    dump = _DUMP in content(path)[:4096]
    script = Script(path, name_of(path, root), transaction=False)
    return Project(root, "dump" if dump else "sql", platform_of([path]), (script,))


def _root(path: Path) -> Path:
    """What locations are relative to: the repository, as code hosts want it; else what was named."""
    start = path if path.is_dir() else path.parent
    for above in (start, *start.parents):
        if (above / ".git").exists():
            return above
    if start.name == "migrations" and start.parent.name == "supabase":
        return start.parent.parent
    return start.parent if start.name == "supabase" else start


def _where(project: Project) -> str:
    return project.scripts[0].name.rpartition("/")[0] or "."
