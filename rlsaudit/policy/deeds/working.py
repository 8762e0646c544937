"""Temporary tables that a body makes: they are its own where nothing else goes by their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.database import Database
    from rlsaudit.policy.deeds.deed import Ground


def is_unshared(name: str, function: Function, database: Database, ground: Ground) -> bool:
    """Whether no other table has the name, which would be hidden, and no other body, which would read what is put in.

    Until a session ends such a table may stay, and what reads it then shows what it was filled with.
    """
    if any(True for _ in ground.relations((name,))):
        return False
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
    others = (one for one in database.catalog.snapshot.functions if one.oid != function.oid and one.extension is None)
    return not any(word.search(one.body) for one in others)
