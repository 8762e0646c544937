"""Arguments for functions that are called: what somebody would try who is after something of somebody else's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rlsaudit.names import literal, qualified
from rlsaudit.probe.attack.identities import OTHERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function
    from rlsaudit.probe.rows import Row

_MOST_ARGUMENTS = 6
_MOST_TRIES = 8
_INJECTED = "' or '1' = '1"
_PASSES = "service_role"
"""The role that Supabase's API can take, and that no policy stops."""
_ORDINARY = {
    "boolean": ("true", "false"),
    "integer": ("1", "100"),
    "bigint": ("1", "100"),
    "smallint": ("1",),
    "numeric": ("1", "1000"),
    "double precision": ("1",),
    "real": ("1",),
    "date": ("2026-01-01",),
    "timestamp with time zone": ("2026-01-01",),
    "timestamp without time zone": ("2026-01-01",),
    "interval": ("1 day",),
}
_TEXTS = frozenset({"text", "character varying", "name", "citext"})
_OWNERS = frozenset(one.name for one in OTHERS)


class Arguments:
    """What the functions of one database may be called with, given the rows that were made in it."""

    def __init__(self, catalog: Catalog, rows: Sequence[Row]) -> None:
        self._catalog = catalog
        self._keys = self._primary_keys(rows)
        passing = [_PASSES] if _PASSES in catalog.roles_by_name else []
        self._roles = (*passing, *(f"set local role {one}" for one in passing))

    def of(self, function: Function) -> Iterator[tuple[str, ...]]:
        """Yields arguments for calls of a function; none where some of its types are not known."""
        types = [one.strip() for one in function.arguments.split(",") if one.strip()]
        if len(types) > _MOST_ARGUMENTS:
            return
        names = [one.name for one in function.parameters if one.mode in "ibv"]
        names += [""] * (len(types) - len(names))
        choices = [self._values(name, of) for name, of in zip(names, types, strict=False)]
        if not all(choices):
            return
        longest = max(map(len, choices), default=1)
        tried = (tuple(one[min(number, len(one) - 1)] for one in choices) for number in range(longest))
        yield from list(dict.fromkeys(tried))[:_MOST_TRIES]

    def _values(self, name: str, of: str) -> tuple[str, ...]:
        """What an argument could be: the id of something of somebody else's, an address, a text that breaks out."""
        other = OTHERS[0]
        if of == "uuid":
            meant = [key for table, key in self._keys if table and table.rstrip("s") in name.lower()]
            return tuple(dict.fromkeys((*meant, other.user, *(key for _, key in self._keys))))[:_MOST_TRIES]
        if of in _TEXTS:
            return ("%", "", "a", str(other.claims.get("email")), other.user, _INJECTED, *self._roles)
        if of in {"json", "jsonb"}:
            # Claims are among what JSON may be.
            return ("{}", json.dumps({"sub": other.user, "role": "authenticated"}))
        if of.endswith("[]"):
            return ("{}",)
        return _ORDINARY.get(of, ())

    def _primary_keys(self, rows: Sequence[Row]) -> list[tuple[str, str]]:
        """The names of tables with the keys of somebody else's rows, where those are of one column."""
        found: dict[tuple[str, str], None] = {}
        for row in rows:
            keys = [one for one in self._catalog.constraints[row.relation] if one.kind == "p"]
            if row.owner not in _OWNERS or not keys or len(keys[0].columns) != 1 or row.varied:
                continue
            name = next(one.name for one in self._catalog.columns[row.relation] if one.number == keys[0].columns[0])
            if value := row.values.get(name):
                found[self._catalog.relations[row.relation].name, value] = None
        return list(found)


def written_call(catalog: Catalog, function: Function, given: Sequence[str]) -> str:
    """Returns a call of a function with these arguments, as SQL that may stand behind FROM."""
    name = qualified(catalog.schemas[function.schema].name, function.name)
    return f"{name}({', '.join(literal(one).strip() for one in given)})"
