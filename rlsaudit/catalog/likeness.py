"""Two snapshots compared by names: what differs in what decides access.

For a database and its copy, whose OIDs and column numbers differ. Extensions' own objects are left out: they come with
their version. Where the majors differ, so do the texts that the servers make of the same expressions; then it counts
whether an expression is there.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.catalog.index import Catalog
from rlsaudit.model import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from rlsaudit.catalog.facts import Column, Function, Grant, Relation, Snapshot

Facts: TypeAlias = "dict[ObjectRef, dict[str, Hashable]]"

_SYSTEM = "pg_"
# A constant has no name until it is written out with its type and read again: then it is called like that.
_NAMED = re.compile(r"(::[a-z_ ]+(?:\[\])?) AS \"?[a-z_]+\"?(?=[\s,;)]|$)")
# Of `word in ('a', 'b')` the array is cast as long as it is what was written, and each of its elements once it was read
# again: https://www.postgresql.org/docs/current/typeconv-union-case.html
_WORD = r"'(?:[^']|'')*'::character varying"
_WORDS = re.compile(rf"\(ARRAY\[({_WORD}(?:, {_WORD})*)\]\)::text\[\]")
_EACH, _CAST = re.compile(_WORD), r"(\g<0>)::text"
_SINCE_17 = "MAINTAIN"


@dataclass(frozen=True, slots=True)
class Difference:
    """An object that is not alike; `what` says in which respect: `missing`, `added`, or names of facts."""

    object: ObjectRef
    what: tuple[str, ...]


def differences(first: Snapshot, second: Snapshot, *, apart_from: frozenset[str] = frozenset()) -> list[Difference]:
    """Returns what is not alike in the second snapshot; roles called `apart_from` are not looked for in the first."""
    precise = first.server.major == second.server.major
    one, other = _Names(first, precise=precise).facts(), _Names(second, precise=precise).facts()
    superusers = frozenset(each.name for each in first.roles if each.superuser)
    found = []
    for ref in sorted(one.keys() | other.keys(), key=lambda each: (each.type, each.identity)):
        if _is_aside(ref, apart_from | superusers):
            continue
        if ref not in other:
            found.append(Difference(ref, ("missing",)))
        elif ref not in one:
            found.append(Difference(ref, ("added",)))
        else:
            unlike = tuple(key for key in one[ref] if one[ref][key] != other[ref].get(key))
            if unlike:
                found.append(Difference(ref, unlike))
    return found


def _is_aside(ref: ObjectRef, names: frozenset[str]) -> bool:
    """Whether it is a role that need not be alike, or such a role's membership in others."""
    if ref.type == "membership":
        return ref.identity.partition(" in ")[0] in names
    return ref.type == "role" and ref.identity in names


class _Names:
    """The facts of a snapshot with names for OIDs."""

    def __init__(self, snapshot: Snapshot, *, precise: bool) -> None:
        self._catalog = Catalog(snapshot)
        self._snapshot = snapshot
        self._precise = precise

    def facts(self) -> Facts:
        """Every object's facts."""
        return dict([*self._roles(), *self._schemas(), *self._relations(), *self._functions(), *self._types()])

    def _roles(self) -> Iterator[tuple[ObjectRef, dict[str, Hashable]]]:
        # The predefined ones are the server's.
        for one in self._snapshot.roles:
            if not one.name.startswith(_SYSTEM):
                yield (
                    ObjectRef("role", one.name),
                    {
                        "superuser": one.superuser,
                        "inherit": one.inherit,
                        "create_role": one.create_role,
                        "login": one.login,
                        "bypass_rls": one.bypass_rls,
                    },
                )
        members: dict[ObjectRef, set[Hashable]] = {}
        for each in self._snapshot.memberships:
            member, role = self._role(each.member), self._role(each.role)
            if member and role and not member.startswith(_SYSTEM):
                options = (each.admin, each.inherit, each.set) if self._precise else each.admin
                members.setdefault(ObjectRef("membership", f"{member} in {role}"), set()).add(options)
        for ref, options_of in members.items():
            yield ref, {"options": frozenset(options_of)}

    def _schemas(self) -> Iterator[tuple[ObjectRef, dict[str, Hashable]]]:
        for one in self._snapshot.schemas:
            if one.extension is None:
                yield ObjectRef("schema", one.name), {"owner": self._role(one.owner), "acl": self._acl(one.acl)}

    def _relations(self) -> Iterator[tuple[ObjectRef, dict[str, Hashable]]]:
        for one in self._snapshot.relations:
            if one.extension is None:
                yield ObjectRef("table", self._catalog.identity(one)), self._relation(one)

    def _relation(self, one: Relation) -> dict[str, Hashable]:
        catalog = self._catalog
        return {
            "kind": one.kind,
            "owner": self._role(one.owner),
            "acl": self._acl(one.acl),
            "rls": (one.rls, one.forced),
            "partition": (one.partition, one.bound, one.partition_key and len(one.partition_key)),
            "options": frozenset(one.options),
            "definition": self._text(one.definition),
            "columns": tuple(self._column(each) for each in catalog.columns[one.oid]),
            "policies": frozenset(
                (
                    each.name,
                    each.command,
                    each.permissive,
                    frozenset(name for role in each.roles if (name := self._role(role))),
                    self._text(each.using),
                    self._text(each.check),
                )
                for each in catalog.policies[one.oid]
            ),
            "triggers": frozenset(
                (each.name, self._function(each.function), each.type, each.enabled, each.conditional)
                for each in catalog.triggers[one.oid]
            ),
            "rules": frozenset(
                (each.name, each.event, each.instead, each.enabled, self._text(each.definition))
                for each in catalog.rewrites[one.oid]
            ),
            "constraints": frozenset(
                (each.name, each.kind, self._text(each.definition)) for each in catalog.constraints[one.oid]
            ),
            "unique indexes": self._unique_indexes(one),
            "parents": frozenset(
                catalog.identity(catalog.relations[each])
                for each in catalog.parents[one.oid]
                if each in catalog.relations
            ),
        }

    def _unique_indexes(self, one: Relation) -> Hashable:
        names = {each.number: each.name for each in self._catalog.columns[one.oid]}
        keys = (tuple(names.get(key, "") for key in each.columns) for each in self._catalog.unique_indexes[one.oid])
        return frozenset(Counter(keys).items())

    def _column(self, one: Column) -> Hashable:
        facts = (one.name, one.type, one.not_null, one.default, one.generated, one.identity, self._text(one.constant))
        return (*facts, self._text(one.computed), one.collation, self._acl(one.acl))

    def _functions(self) -> Iterator[tuple[ObjectRef, dict[str, Hashable]]]:
        for one in self._snapshot.functions:
            if one.extension is None:
                ref = ObjectRef("function", self._catalog.function_identity(one))
                yield ref, self._facts_of_function(one)

    def _facts_of_function(self, one: Function) -> dict[str, Hashable]:
        return {
            "kind": one.kind,
            "returns": (one.returns, one.returns_set),
            "language": one.language,
            "owner": self._role(one.owner),
            "acl": self._acl(one.acl),
            "security_definer": one.security_definer,
            "volatility": (one.volatility, one.leakproof, one.strict),
            "settings": frozenset(one.settings),
            "body": self._text(one.body),
            "parameters": one.parameters,
            "defaults": self._text(one.defaults),
        }

    def _types(self) -> Iterator[tuple[ObjectRef, dict[str, Hashable]]]:
        for one in self._snapshot.types:
            schema = self._catalog.schemas.get(one.schema)
            if one.extension is None and schema is not None:
                facts = {"kind": one.kind, "owner": self._role(one.owner), "acl": self._acl(one.acl)}
                # As `type.name`: a relation of that name has a type too.
                yield (
                    ObjectRef("type", f"{schema.name}.{one.name}"),
                    facts
                    | {
                        "labels": one.labels,
                        "base": one.base,
                        "checks": frozenset(self._text(each) for each in one.checks),
                        "attributes": one.attributes,
                    },
                )
        for each in self._snapshot.default_acls:
            schema = self._catalog.schemas.get(each.schema)
            creator = self._role(each.creator)
            identity = f"{creator} in {schema.name if schema else 'every schema'}: {each.objects}"
            yield ObjectRef("default privileges", identity), {"acl": self._acl(each.acl)}

    def _role(self, oid: int) -> str | None:
        if oid == PUBLIC:
            return "public"
        role = self._catalog.roles.get(oid)
        return role.name if role else None

    def _function(self, oid: int) -> str | None:
        found = self._catalog.functions.get(oid)
        return self._catalog.function_identity(found) if found else None

    def _acl(self, acl: Iterable[Grant]) -> frozenset[Hashable]:
        """Who holds what. Who gave it decides nothing; a grantee that is no more holds nothing."""
        return frozenset(
            (name, one.privilege, one.grantable)
            for one in acl
            if (name := self._role(one.grantee)) and (self._precise or one.privilege != _SINCE_17)
        )

    def _text(self, text: str | None) -> Hashable:
        if not text or not self._precise:
            return bool(text)
        return _WORDS.sub(_each_cast, _NAMED.sub(r"\1", text))


def _each_cast(array: re.Match[str]) -> str:
    return f"ARRAY[{_EACH.sub(_CAST, array[1])}]"
