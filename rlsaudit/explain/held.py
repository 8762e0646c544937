"""What a role holds besides reach: privileges on every kind of object, each with the nearest reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rlsaudit.access import Reasons
from rlsaudit.access.defaults import openings
from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.catalog.index import KINDS
from rlsaudit.names import ident, qualified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Grant, Relation

_ON_RELATIONS: Final = (
    "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN",
)  # fmt: skip
_ORDER: Final = "rpvmfS"
"""Kinds of relations as they are listed; both kinds of tables are called tables."""
_ON_SEQUENCES: Final = ("USAGE", "SELECT", "UPDATE")


@dataclass(frozen=True, slots=True)
class Held:
    """Privileges that a role holds on one object for one reason, `through`. `kind` is what the object is.

    Of a relation on which only columns were granted, `columns` says that.
    """

    kind: str
    identity: str
    privileges: tuple[str, ...]
    through: tuple[str, ...]
    columns: bool = False


def held(access: Access, role: int, wanted: Callable[[str], bool]) -> Iterator[Held]:
    """Yields what `role` holds: on roles, the database, schemas, relations, functions, types and the rest.

    Args:
        access: The facts.
        role: An OID.
        wanted: Whether the objects of a schema of that name are asked for.
    """
    yield from _Holdings(access, role, wanted).all()


class _Holdings:
    def __init__(self, access: Access, role: int, wanted: Callable[[str], bool]) -> None:
        self._access = access
        self._role = role
        self._reasons = Reasons(access)
        self._facts = access.catalog.snapshot
        self._schemas = [one for one in self._facts.schemas if wanted(one.name)]
        self._oids = {one.oid for one in self._schemas}

    def all(self) -> Iterator[Held]:
        yield from self._roles()
        database = self._facts.database
        yield from self._listed(
            "database", ident(database.name), database.owner, database.acl, ("CONNECT", "CREATE", "TEMPORARY")
        )
        for schema in self._schemas:
            yield from self._listed("schema", ident(schema.name), schema.owner, schema.acl, ("USAGE", "CREATE"))
        catalog = self._access.catalog
        relations = (one for one in self._facts.relations if one.schema in self._oids)
        for relation in sorted(relations, key=lambda one: (_ORDER.index(one.kind), catalog.identity(one))):
            yield from self._relation(relation)
        for function in sorted(self._facts.functions, key=catalog.function_identity):
            if function.schema in self._oids and self._access.may_call(self._role, function):
                identity = self._access.catalog.function_identity(function)
                yield Held("function", identity, ("EXECUTE",), self._reasons.execute(self._role, function).through)
        yield from self._minor()
        for one in openings(self._access, self._role):
            if one.schema.oid in self._oids:
                what = f"each new {one.kind} of {self._access.name(one.creator)} in {ident(one.schema.name)}"
                yield Held("default privileges", what, one.privileges, ())

    def _roles(self) -> Iterator[Held]:
        """Other roles whose privileges it has, which it can become, and which it may give away."""
        roles = self._access.roles
        ways = {
            "INHERIT": roles.inherited(self._role),
            "SET": roles.settable(self._role),
            "ADMIN": roles.administrable(self._role),
        }
        direct = frozenset().union(*ways.values()) - {self._role, PUBLIC}
        for one in sorted(direct, key=self._access.name):
            held_ways = tuple(word for word, oids in ways.items() if one in oids)
            chain = [self._access.name(each) for each in roles.path(self._role, one)[1:]]
            through = (f"inherits from {' from '.join(chain)}",) if chain else ()
            yield Held("role", ident(self._access.name(one)), held_ways, through)
        for one in sorted(roles.obtainable(self._role) - direct - {self._role}, key=self._access.name):
            why = ("by a grant that it, or a role that it can become, may give itself",)
            yield Held("role", ident(self._access.name(one)), ("OBTAINABLE",), why)

    def _relation(self, relation: Relation) -> Iterator[Held]:
        sequence = relation.kind == "S"
        asked = _ON_SEQUENCES if sequence else _ON_RELATIONS
        whole = tuple(one for one in asked if self._access.on_table(self._role, relation, one))
        identity, kind = self._access.catalog.identity(relation), KINDS[relation.kind].replace("_", " ")

        def why(privilege: str) -> tuple[str, ...]:
            return self._reasons.privilege(self._role, relation, privilege).through

        for through, privileges in _by_reason(whole, why):
            yield Held(kind, identity, privileges, through)
        if sequence:
            return
        parts = tuple(one for one in asked if one not in whole and self._access.columns(self._role, relation, one))
        for through, privileges in _by_reason(parts, why):
            yield Held(kind, identity, privileges, through, columns=True)

    def _minor(self) -> Iterator[Held]:
        names = {one.oid: one.name for one in self._facts.schemas}
        for one in self._facts.types:
            if one.schema in self._oids:
                yield from self._listed("type", qualified(names[one.schema], one.name), one.owner, one.acl, ("USAGE",))
        for language in self._facts.languages:
            if language.trusted:
                yield from self._listed("language", ident(language.name), language.owner, language.acl, ("USAGE",))
        for server in self._facts.foreign_servers:
            yield from self._listed("foreign server", ident(server.name), server.owner, server.acl, ("USAGE",))
        for wrapper in self._facts.foreign_wrappers:
            yield from self._listed("foreign-data wrapper", ident(wrapper.name), wrapper.owner, wrapper.acl, ("USAGE",))
        for parameter in self._facts.parameters:
            yield from self._listed("parameter", parameter.name, PUBLIC, parameter.acl, ("SET", "ALTER SYSTEM"))
        for objects in self._facts.large_objects:
            privileges = tuple(
                one for one in ("SELECT", "UPDATE") if self._access.on_large_objects(self._role, objects, one)
            )
            if privileges:
                what = f"{objects.number} of {self._access.name(objects.owner)}"
                through = ("lo_compat_privileges is on",) if self._facts.large_objects_open else ()
                yield Held("large objects", what, privileges, through)

    def _listed(
        self, kind: str, identity: str, owner: int, acl: tuple[Grant, ...], asked: Iterable[str]
    ) -> Iterator[Held]:
        found = tuple(one for one in asked if self._access.holds(self._role, acl, one))
        for through, privileges in _by_reason(found, lambda one: self._reasons.granted(self._role, owner, acl, one)):
            yield Held(kind, identity, privileges, through)


def _by_reason(
    privileges: Iterable[str], why: Callable[[str], tuple[str, ...]]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yields each reason with what is held for it: whoever revokes one grant keeps what another gives."""
    reasons: dict[tuple[str, ...], list[str]] = {}
    for one in privileges:
        reasons.setdefault(why(one), []).append(one)
    for through, held_for_it in reasons.items():
        yield through, tuple(held_for_it)
