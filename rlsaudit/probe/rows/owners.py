"""Which columns say whose a row is, and what stands there for a principal."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rlsaudit.catalog.facts import ColumnRef
from rlsaudit.policy.client import split_key
from rlsaudit.policy.scalar import SETTING
from rlsaudit.policy.values import CHOSEN_CLAIMS
from rlsaudit.probe.rows.content import Content, Whose, kind_of, uuid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rlsaudit.catalog.facts import Column
    from rlsaudit.policy.said import Said
    from rlsaudit.probe.rows.model import Principal
    from rlsaudit.probe.rows.table import Table

MOST_USERS = 6
"""How many users a crowd is."""
_USER = "sub"
_CLAIM = "claim"
_CLAIMS = {key: path for path, key in CHOSEN_CLAIMS.items()}
"""Where claims are that have a name of their own among keys."""
_LOGIN = "role"
"""The key of current_user. A principal without a role logs in by its id, as nobody does: no role is called that."""
_OF_USERS = ("auth", "users", "id")
_NAMES = re.compile(
    r"(?:^|_)(?:user|owner|author|creator|profile|member|sender|customer|account|uploader)(?:_?(?:uu)?id)?$"
    r"|(?:^|_)by(?:_id)?$|^uid$|^auth_?id$",
    re.IGNORECASE,
)
_SURE_NAMES = re.compile(r"(?:^|_)(?:user|owner)_?(?:uu)?id$|^owner$|(?:^|_)by$", re.IGNORECASE)
_KEYS = frozenset({"uuid", "text", "character varying", "name", "smallint", "integer", "bigint", "citext"})


@dataclass(frozen=True, slots=True)
class Owners:
    """What is known of all columns together: which hold the same things, and what requests bring along for them.

    `roots` stands for columns that are compared with one another, or point at one another, and `given` are the keys of
    what they are compared with. `places` number the tables by name, for an OID is another on every server: ids that are
    made up come out the same, and so does the evidence.
    """

    content: Content
    tables: Mapping[int, Table]
    roots: Mapping[ColumnRef, ColumnRef]
    given: Mapping[ColumnRef, tuple[str, ...]]
    places: Mapping[int, int]

    def values(self, principal: Principal, table: Table, column: Column) -> tuple[str, ...]:
        """Returns what a column holds that says whose the row is; empty for any other column."""
        ref = ColumnRef(table.oid, column.number)
        base = self.content.base(column.type)
        kind = kind_of(base)
        given = self.given.get(self.roots.get(ref, ref), ())
        if self._is_limited(table, column):
            given = tuple(one for one in given if one != _LOGIN)
        found = [value for key in given for value in claimed(principal, key)]
        # Of several keys the first that the principal has: a user's id before an e-mail.
        if not found and self._named(column, base):
            found = list(users(principal))
        if kind.dimensions:
            return tuple(f"{{{one}}}" for one in found) if kind_of(base[:-2]).name in _KEYS else ()
        longest = int(kind.modifiers[0]) if kind.modifiers and kind.modifiers[0].isdigit() else None
        fitting = (one for one in found if longest is None or len(one) <= longest)
        return tuple(dict.fromkeys(fitting)) if kind.name in _KEYS else ()

    def linked(self, principal: Principal, number: int, table: Table, column: Column, n: int = 0) -> str | None:
        """Returns what columns hold that are compared with one another and that no foreign key ties.

        It is the key of the row `n` of a principal, in the table that `links_to` names.
        """
        root = self.roots.get(ColumnRef(table.oid, column.number))
        if root is None or self.links_to(table, column) is None:
            return None
        there = self.tables[root.relation]
        return self.key(principal, number, there, there.columns[root.column], n)

    def links_to(self, table: Table, column: Column) -> int | None:
        """Returns the relation (an OID) with whose key a column is compared; None where there is none."""
        root = self.roots.get(ColumnRef(table.oid, column.number))
        if root is None or root.relation not in self.tables or root.column not in self.tables[root.relation].columns:
            return None
        return root.relation

    def key(self, principal: Principal, number: int, table: Table, column: Column, n: int) -> str | None:
        """Returns what tells the row `n` of a principal from all others, in a column; None where nothing can."""
        whose = Whose(principal.mark, number, n)
        if kind_of(self.content.base(column.type)).name == "uuid":
            return uuid(whose, self.places[table.oid], column.number)
        return self.content.distinct(column.type, column.name, whose)

    def _is_limited(self, table: Table, column: Column) -> bool:
        """Whether not any text may stand there: the name by which a principal would log in is none that is listed."""
        asked = any(column.number in columns for _, columns in table.checks)
        return asked or bool(self.content.checks(column.type))

    @staticmethod
    def _named(column: Column, base: str) -> bool:
        if base == "uuid":
            return _NAMES.search(column.name) is not None
        return kind_of(base).name in {"text", "character varying"} and _SURE_NAMES.search(column.name) is not None


def owners_of(content: Content, tables: Mapping[int, Table], said: Said, names: Mapping[int, str]) -> Owners:
    """Returns what columns say whose a row is. `names` are those of the tables' schemas, by OID."""
    parents: dict[ColumnRef, ColumnRef] = {}

    def root(ref: ColumnRef) -> ColumnRef:
        while parents.get(ref, ref) != ref:
            ref = parents[ref]
        return ref

    pointing = (
        (ColumnRef(table.oid, key.columns[0]), ColumnRef(key.target, key.target_columns[0]))
        for table in tables.values()
        for key in table.keys
        if len(key.columns) == 1
    )
    for left, right in (*said.links, *pointing):
        one, other = sorted((root(left), root(right)), key=lambda ref: (not _is_key(tables, ref), ref))
        parents.setdefault(one, one)
        parents[other] = one
    given: defaultdict[ColumnRef, dict[str, None]] = defaultdict(dict)
    for ref, keys in said.given.items():
        given[root(ref)] |= dict.fromkeys(sorted(keys, key=lambda key: key != _USER))
    for table in tables.values():
        for column in table.columns.values():
            if (names[table.oid], table.relation.name, column.name) == _OF_USERS:
                given[root(ColumnRef(table.oid, column.number))][_USER] = None
    by_name = sorted(tables.values(), key=lambda one: one.identity)
    return Owners(
        content,
        tables,
        {ref: root(ref) for ref in parents},
        {ref: tuple(keys) for ref, keys in given.items()},
        {one.oid: place for place, one in enumerate(by_name, 1)},
    )


def _is_key(tables: Mapping[int, Table], ref: ColumnRef) -> bool:
    """Whether a column by itself tells rows apart, and points at nothing."""
    table = tables.get(ref.relation)
    if table is None:
        return False
    return (ref.column,) in table.unique and not any(ref.column in key.columns for key in table.keys)


def users(principal: Principal) -> tuple[str, ...]:
    """Returns the ids of a principal's users."""
    more = range(1, MOST_USERS) if principal.crowd else ()
    return (principal.user, *(f"{principal.user[:9]}{one:04x}{principal.user[13:]}" for one in more))


def claimed(principal: Principal, key: str) -> Sequence[str]:
    """Returns what a principal's requests bring along under a key, as texts."""
    if key == _LOGIN and principal.role:
        return (principal.role,)
    if key in {_USER, _LOGIN}:
        return users(principal)
    if key.startswith(SETTING):
        value = principal.settings.get(key.removeprefix(SETTING))
        return () if value is None else (value,)
    found: Any = principal.claims
    for part in _CLAIMS.get(key) or split_key(f"{_CLAIM}.{key}", _CLAIM):
        if not isinstance(found, dict) or part not in found:
            return ()
        found = found[part]
    if isinstance(found, list):
        return tuple(str(one) for one in found)
    return (str(found),) if isinstance(found, str | int) and not isinstance(found, bool) else ()
