"""Stubs of extensions that migrations create and a throwaway server lacks: ordinary SQL, our own, no library.

What would do I/O raises `rlsaudit stub: ...` or only writes its row down; the rest works as far as its file says. They
are for a server that nobody keeps, and only where the real extension is absent.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DIRECTORY", "available"]

# What extension_control_path of Postgres 18 takes, after $system: it looks for the directory `extension` in here.
DIRECTORY = Path(__file__).parent


def available() -> Mapping[str, tuple[Path, ...]]:
    """Every stub by the extension's name, with its files: the control file, then the script."""
    return MappingProxyType(
        {
            control.stem: (control, *sorted(control.parent.glob(f"{control.stem}--*.sql")))
            for control in sorted((DIRECTORY / "extension").glob("*.control"))
        }
    )
