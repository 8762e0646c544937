"""What somebody says of itself when it signs up: what the project's triggers on Supabase's users look for.

It is a document that the client writes, and a trigger that makes a profile of it may refuse an account without a name.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import USERS
from rlsaudit.policy.consulted import touched_in
from rlsaudit.probe.rows.content import Content, Whose, named_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.probe.rows.model import Principal

COLUMN = "raw_user_meta_data"
_KEY = re.compile(rf"\b{COLUMN}\s*->>?\s*'((?:[^']|'')*)'", re.IGNORECASE)


def metadata_keys(catalog: Catalog) -> Mapping[str, str]:
    """Returns the keys that triggers on the users read from what those say of themselves, each with what it has to say.

    Where a column of that name in a table that they write takes a few texts only, that is one of those, its default if
    it has one; else it is empty, and any text will do.
    """
    users = catalog.relations_by_name.get(USERS)
    if users is None:
        return {}
    functions = [one.function for one in catalog.triggers[users.oid]]
    called = (catalog.functions.get(one) for one in functions)
    found = (key for one in called if one is not None for key in _KEY.findall(one.body))
    touched = sorted(set(touched_in(catalog, functions)))
    return {key: _one_of_few(catalog, key, touched) for key in dict.fromkeys(one.replace("''", "'") for one in found)}


def _one_of_few(catalog: Catalog, name: str, relations: Sequence[int]) -> str:
    """A text that columns of this name take which do not take any; empty where there are none."""
    content = Content(catalog)
    for column in (one for oid in relations for one in catalog.columns[oid] if one.name == name):
        constraints = catalog.constraints[column.relation]
        checks = [one.definition for one in constraints if one.kind == "c" and column.number in one.columns]
        few = [*content.labels(column.type), *(text for one in checks for text in named_in(one))]
        usual = next(named_in(column.constant or ""), "")
        if few:
            return usual if usual in few else few[0]
    return ""


def metadata(keys: Mapping[str, str], content: Content, whose: Whose) -> str:
    """Returns a document with a text for each key, such as a column of that name would have."""
    return json.dumps({one: text or next(iter(content.texts("text", one, whose)), "") for one, text in keys.items()})


def introduction(catalog: Catalog, principal: Principal) -> str:
    """Returns what a principal says of itself."""
    return metadata(metadata_keys(catalog), Content(catalog), Whose(principal.mark, 0, 0))
