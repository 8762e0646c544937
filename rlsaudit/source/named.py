"""A side of a comparison, from the word that names it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rlsaudit.audit import examine
from rlsaudit.catalog import load, take
from rlsaudit.compare import Side
from rlsaudit.connect import connect, target_from
from rlsaudit.source.built import Recipe, from_migrations
from rlsaudit.source.git import checked_out

if TYPE_CHECKING:
    from rlsaudit.audit import Options

_URL = re.compile(r"postgres(ql)?(\+\w+)?://", re.IGNORECASE)
_CONNINFO = re.compile(r"\b(host|hostaddr|dbname|service|user)\s*=")
_SNAPSHOT = ".json"


@dataclass(frozen=True, slots=True)
class Named:
    """What a user named, and how to get at it. `within` is where a git reference's migrations lie."""

    word: str
    within: Path
    recipe: Recipe

    @property
    def shown(self) -> str:
        """How to call it in a report: never with the credentials of a connection string."""
        return "a database" if _is_database(self.word) else self.word


def open_side(named: Named, options: Options, base: Side | None = None) -> Side:
    """Audits what was named: a connection string, a snapshot (`.json`), a path with migrations, or a git reference.

    `base` is what it will be compared with, where that is known.

    Raises:
        AuditError: it is none of these, or could not be audited.
    """
    word = named.word
    if _is_database(word):
        return database_side(target_from(word, {}), options)
    path = Path(word)
    if path.suffix == _SNAPSHOT and path.is_file():
        audited = examine(load(path), options)
        return Side(audited.report, audited.case)
    if path.exists():
        return from_migrations(path, named.recipe, options, base)
    with checked_out(named.within, word) as files:
        return from_migrations(files, named.recipe, options, base)


def database_side(conninfo: str, options: Options) -> Side:
    """Audits a database that is only read: whoever asks for attacks here means the throwaway server.

    Raises:
        AuditError: it could not be audited.
    """
    harmless = replace(options, probe="none" if options.probe == "none" else "read")
    with connect(conninfo) as session:
        with session.read_only():
            snapshot = take(session)
        audited = examine(snapshot, harmless, session)
    return Side(audited.report, audited.case)


def _is_database(word: str) -> bool:
    return bool(_URL.match(word) or _CONNINFO.search(word))
