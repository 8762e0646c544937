"""Whose rows there are beside a persona's own: none of them is its own where nothing in the database names it.

What a token says of a stranger stands in no row. A role is known to the database by its name: where what decides on
rows asks for it, every row that could tie one to it is looked at, those that were there before among them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg

from rlsaudit.model import Operation
from rlsaudit.names import literal
from rlsaudit.personas import names_of
from rlsaudit.policy.role_asked import RoleAsked
from rlsaudit.probe.attack.restraint import LARGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.connect import Session
    from rlsaudit.model import Persona

_AT_ONCE = 50
_SAVEPOINT = "rlsaudit_strangers"
_STORED = "rpm"


class Strangers:
    """Which relations have rows of others only, for each persona.

    Args:
        session: A session in the transaction that the rows were made in.
        access: The facts.
        deciding: For each relation (an OID) those that decide on its rows.
        throwaway: Whether the server is nobody's.
    """

    def __init__(
        self, session: Session, access: Access, deciding: Mapping[int, frozenset[int]], *, throwaway: bool
    ) -> None:
        self._session = session
        self._access = access
        self._catalog = access.catalog
        self._deciding = deciding
        self._throwaway = throwaway
        self._asked = RoleAsked(access.catalog)
        self._taken_apart = RoleAsked(access.catalog, apart=True)
        self._naming: dict[int, frozenset[str]] = {}

    def look(self, personas: Iterable[Persona], exposure: Mapping[str, Sequence[Relation]]) -> None:
        """Looks for the names of the personas in the rows that could tie one to them.

        Raises:
            psycopg.Error: the connection was lost.
        """
        names = {one.name: names_of(self._access, one) for one in personas}
        tables = {
            oid
            for one in personas
            if names[one.name]
            for relation in exposure[one.name]
            if self._matters(one, relation.oid)
            for oid in self._read(relation.oid)
        }
        wanted = frozenset().union(*names.values())
        found = [self._catalog.relations[one] for one in sorted(tables) if one in self._catalog.relations]
        stored = [one for one in found if one.kind in _STORED]
        for start in range(0, len(stored), _AT_ONCE):
            self._search(stored[start : start + _AT_ONCE], wanted)

    def owns_nothing(self, persona: Persona, relation: Relation, operation: Operation | None = None) -> bool:
        """Whether every row of the relation is another's; for INSERT, whether a new one is whose its values say."""
        names = names_of(self._access, persona)
        if not names:
            return True
        if operation is Operation.INSERT and self._asked.writing(relation):
            return False
        return not self._matters(persona, relation.oid) or self.unnamed(persona, self._read(relation.oid))

    def unnamed(self, persona: Persona, relations: Iterable[int]) -> bool:
        """Whether no row of these relations (OIDs), nor of those that decide on them, names the persona."""
        names = names_of(self._access, persona)
        every = {oid for one in relations for oid in self._read(one)}
        if not names or self._taken_apart.deciding(every):
            # Which part of a name a row would hold is not known.
            return not names
        return all(self._is_clear(oid, names) for oid in every)

    def _is_clear(self, oid: int, names: frozenset[str]) -> bool:
        relation = self._catalog.relations.get(oid)
        if relation is None or relation.kind not in f"v{_STORED}":
            return False
        # What a view shows is read elsewhere.
        return relation.kind == "v" or (oid in self._naming and self._naming[oid].isdisjoint(names))

    def _matters(self, persona: Persona, relation: int) -> bool:
        """Whether it may matter to what decides on the relation's rows who the persona is."""
        return bool(persona.claims) or self._asked.deciding(self._read(relation))

    def _read(self, relation: int) -> frozenset[int]:
        return self._deciding.get(relation, frozenset()) | {relation}

    def _search(self, tables: Sequence[Relation], names: frozenset[str]) -> None:
        me = self._catalog.roles_by_name[self._catalog.snapshot.viewer.name].oid
        seen = [
            one
            for one in tables
            if (self._throwaway or one.rows < LARGE)
            and self._access.on_table(me, one, "SELECT")
            and self._access.usage(me, self._catalog.schemas[one.schema])
            and not self._access.rls_applies(me, one)
        ]
        if not seen:
            return
        query = " union all ".join(self._query(one, sorted(names)) for one in seen)
        self._session.execute(f"savepoint {_SAVEPOINT}")
        try:
            rows = self._session.fetch_all(query)
        except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable):
            # Of tables that were not searched nobody knows, and nothing is concluded.
            self._session.execute(f"rollback to savepoint {_SAVEPOINT}")
        else:
            for oid, found in rows:
                self._naming[oid] = frozenset(found)
        self._session.execute(f"release savepoint {_SAVEPOINT}")

    def _query(self, table: Relation, names: Sequence[str]) -> str:
        given = ", ".join(f"({literal(one)}, {literal(_pattern(one))})" for one in names)
        text = "pg_catalog.translate(x::pg_catalog.text, '\"\\', '')"
        return (
            f"select {table.oid}::pg_catalog.int8, array(select n.name from (values {given}) as n (name, pattern)"
            f" where exists (select from {self._catalog.identity(table)} as x"
            f" where {text} operator(pg_catalog.~*) n.pattern))"
        )


def _pattern(name: str) -> str:
    """A name as a word of its own, also with a number or an underscore beside it: somebody may be called app."""
    bare = re.escape(re.sub(r'["\\]', "", name))
    return f"(^|[^[:alpha:]]){bare}($|[^[:alpha:]])"
