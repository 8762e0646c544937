"""What the options say: which database, what is meant there, and how it is asked."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rlsaudit.audit import PROBE_MODES
from rlsaudit.connect import target_from
from rlsaudit.errors import UsageError
from rlsaudit.source.clone import MODE as CLONE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

_HOW = (
    "Give rlsaudit_migrations, or rlsaudit_url, in the ini file, or --rlsaudit-migrations or --rlsaudit-url: "
    "docs/pytest.md. DATABASE_URL is not taken by itself, for it may name a database that is no test's."
)


@dataclass(frozen=True, slots=True)
class Configured:
    """Either a database (`url`) or migrations to make one from; one of the two is None."""

    url: str | None = field(repr=False)
    migrations: Path | None
    intent: Path | None
    probe: str | None


def configured(config: pytest.Config, computed: str | None) -> Configured:
    """Reads the options. `computed` is what the project's own fixture gives as the connection string.

    Raises:
        UsageError: they name no database, or more than one, or something that is not there.
    """
    url, migrations = _sources(config, computed)
    probe = _given(config, "probe") or _written(config, "probe")
    if probe is not None:
        modes = PROBE_MODES if migrations is not None else (*PROBE_MODES, CLONE)
        if probe not in modes:
            raise UsageError(f"There is no probe mode {probe!r} here.", hint=f"There are: {', '.join(modes)}.")
    intent = _place(config, "intent", _given) or _place(config, "intent", _written)
    return Configured(url, migrations, intent, probe)


def _sources(config: pytest.Config, computed: str | None) -> tuple[str | None, Path | None]:
    """The database and the migrations: what the command line says goes before what is written down."""
    for told in (_given, _written):
        url, path = told(config, "url"), _place(config, "migrations", told)
        if told is _written and computed is not None:
            url = computed
        if url is not None and path is not None:
            raise UsageError(
                "There is both a database and migrations to make one from.",
                hint="Leave out rlsaudit_url (--rlsaudit-url, or the fixture of that name) or rlsaudit_migrations.",
            )
        if url is not None:
            return target_from(_expanded(url), {}), None
        if path is not None:
            return None, path
    raise UsageError("There is no database to audit.", hint=_HOW)


def _expanded(url: str) -> str:
    """What the environment says where a variable is named, so that an ini file holds no password."""
    if not url.startswith("$"):
        return url
    name = url[1:].strip("{}")
    value = os.environ.get(name, "").strip()
    if not value:
        raise UsageError(f"rlsaudit_url names the environment variable {name}, which is not set.", hint="Set it.")
    return value


def _given(config: pytest.Config, name: str) -> str | None:
    value = config.getoption(f"--rlsaudit-{name}")
    return str(value).strip() or None if value is not None else None


def _written(config: pytest.Config, name: str) -> str | None:
    return str(config.getini(f"rlsaudit_{name}")).strip() or None


def _place(config: pytest.Config, name: str, told: Callable[[pytest.Config, str], str | None]) -> Path | None:
    """A path as whoever wrote it means it: from where pytest was started, or from the ini file's directory."""
    value = told(config, name)
    if value is None:
        return None
    if told is _written and config.inipath is not None:
        return config.inipath.parent / value
    return config.invocation_params.dir / value
