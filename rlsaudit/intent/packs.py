"""Where the packs are: inside the installed package, or at the top of a checkout."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from rlsaudit.errors import IntentError
from rlsaudit.intent.read import nearest, parse

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from rlsaudit.intent.schema import IntentFile


def pack_names() -> list[str]:
    """The packs there are."""
    return sorted(file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml"))


def read_pack(name: str, source: str) -> IntentFile:
    """Reads a pack that `source` extends.

    Raises:
        IntentError: There is none of that name.
    """
    known = pack_names()
    if name not in known:
        message = f'{source}: there is no pack "{name}" to extend.'
        raise IntentError(message, hint=nearest(name, known))
    return parse(_folder().joinpath(f"{name}.toml").read_bytes(), f"the pack {name}")


def _folder() -> Traversable:
    installed = resources.files("rlsaudit.intent").joinpath("packs")
    if installed.is_dir():
        return installed
    return Path(__file__).parents[2] / "policies"
