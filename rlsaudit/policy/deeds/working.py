"""Temporary tables that a body makes: they are its own where nothing else goes by their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.policy.body import body_of, statements_of
from rlsaudit.policy.procedure.working import takes_what_is_there

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Function
    from rlsaudit.model import Persona
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


def may_be_the_callers(function: Function, persona: Persona, database: Database) -> bool:
    """Whether a body takes a temporary table as its own that a persona may have made before it calls the function.

    Then what the body puts there is the persona's to read, and its triggers run with the rights that the body has. Such
    a table is made by SQL of one's own, which no API takes, or by a function that runs a text with its caller's rights.
    """
    if not any(map(takes_what_is_there, statements_of(function))):
        return False
    return not persona.claims or any(
        body_of(one).dynamic and not one.security_definer and one.extension is None
        for one in database.catalog.snapshot.functions
    )
