"""What somebody says of itself when it signs up: what the project's triggers on Supabase's users look for.

It is a document that the client writes, and a trigger that makes a profile of it may refuse an account without a name.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import USERS
from rlsaudit.probe.rows.content import Content, Whose

if TYPE_CHECKING:
    from rlsaudit.catalog import Catalog
    from rlsaudit.probe.rows.model import Principal

COLUMN = "raw_user_meta_data"
_KEY = re.compile(rf"\b{COLUMN}\s*->>?\s*'((?:[^']|'')*)'", re.IGNORECASE)


def metadata_keys(catalog: Catalog) -> tuple[str, ...]:
    """Returns the keys that triggers on the users read from what those say of themselves."""
    users = catalog.relations_by_name.get(USERS)
    if users is None:
        return ()
    called = (catalog.functions.get(one.function) for one in catalog.triggers[users.oid])
    found = (key for one in called if one is not None for key in _KEY.findall(one.body))
    return tuple(dict.fromkeys(one.replace("''", "'") for one in found))


def metadata(keys: tuple[str, ...], content: Content, whose: Whose) -> str:
    """Returns a document with a text for each key, such as a column of that name would have."""
    return json.dumps({one: next(iter(content.texts("text", one, whose)), "") for one in keys})


def introduction(catalog: Catalog, principal: Principal) -> str:
    """Returns what a principal says of itself."""
    return metadata(metadata_keys(catalog), Content(catalog), Whose(principal.mark, 0, 0))
