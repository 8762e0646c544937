"""Stub extensions: stand-ins, in `stubs/`, for what migrations create and an installation does not have."""

from __future__ import annotations

from pathlib import Path

from rlsaudit.engine.tree import link_or_copy

DIRECTORY = Path(__file__).parent / "stubs" / "extension"


def missing(real: frozenset[str]) -> frozenset[str]:
    """The names of the stubs for which there is no real extension."""
    return frozenset(path.stem for path in DIRECTORY.glob("*.control")) - real


def files(names: frozenset[str]) -> tuple[Path, ...]:
    """The control files and scripts of these stubs."""
    return tuple(
        path
        for name in sorted(names)
        for path in (DIRECTORY / f"{name}.control", *sorted(DIRECTORY.glob(f"{name}--*.sql")))
    )


def install(names: frozenset[str], directory: Path) -> None:
    """Put these stubs into a directory of extensions that is ours."""
    directory.mkdir(parents=True, exist_ok=True)
    for parent in (directory, directory.parent):
        parent.chmod(0o755)
    for path in files(names):
        link_or_copy(path, directory / path.name)
