"""What is no cell: functions, triggers, publications, buckets and roles, fact by fact."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.access import Access
from rlsaudit.model import Change, Direction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function, Role

Facts: TypeAlias = "Mapping[str, str]"


def compare_objects(before: Catalog, after: Catalog, roles: Iterable[str]) -> Iterator[Change]:
    """Yields what differs. `roles` are the personas' roles: what they may call is compared."""
    wanted = tuple(dict.fromkeys(roles))
    yield from _functions(before, after, wanted)
    yield from _triggers(before, after)
    yield from _sets("publication", _published(before), _published(after))
    yield from _sets("bucket", _public_buckets(before), _public_buckets(after))
    yield from _roles(before, after)


def _functions(before: Catalog, after: Catalog, roles: tuple[str, ...]) -> Iterator[Change]:
    old, new = _own_functions(before), _own_functions(after)
    old_access, new_access = Access(before), Access(after)
    for identity in sorted(old.keys() | new.keys()):
        was, now = old.get(identity), new.get(identity)
        callers_before = _callers(old_access, was, roles) if was else frozenset()
        callers_after = _callers(new_access, now, roles) if now else frozenset()
        if callers_before != callers_after:
            yield Change(
                "function",
                identity,
                _direction(callers_before, callers_after),
                f"callable by {_listed(callers_before)}" if was else "not there",
                f"callable by {_listed(callers_after)}" if now else "not there",
            )
        if was is None or now is None:
            continue
        if was.security_definer != now.security_definer:
            direction = Direction.MORE if now.security_definer else Direction.LESS
            yield Change("function", identity, direction, _security(was), _security(now))
        differing = [
            name
            for name, one, other in (
                ("body", was.body, now.body),
                ("settings", was.settings, now.settings),
                ("owner", _name(before, was.owner), _name(after, now.owner)),
                ("language", was.language, now.language),
                ("result", was.returns, now.returns),
            )
            if one != other
        ]
        if differing:
            # Policies and callers rely on what it does, and what that is cannot be compared in general.
            changed = f"its {', '.join(differing)} changed"
            yield Change("function", identity, Direction.INCOMPARABLE, "", changed)


def _triggers(before: Catalog, after: Catalog) -> Iterator[Change]:
    old, new = _trigger_facts(before), _trigger_facts(after)
    for identity in sorted(old.keys() | new.keys()):
        if old.get(identity) != new.get(identity):
            # A trigger may be the guard that stops what policies let through, or a way to other tables.
            was, now = old.get(identity, "not there"), new.get(identity, "not there")
            yield Change("trigger", identity, Direction.INCOMPARABLE, was, now)


def _sets(kind: str, before: Mapping[str, frozenset[str]], after: Mapping[str, frozenset[str]]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, frozenset()), after.get(name, frozenset())
        if was != now:
            yield Change(kind, name, _direction(was, now), _listed(was), _listed(now))


def _roles(before: Catalog, after: Catalog) -> Iterator[Change]:
    old = {one.name: _powers(before, one) for one in before.snapshot.roles}
    new = {one.name: _powers(after, one) for one in after.snapshot.roles}
    yield from _sets("role", old, new)


def _powers(catalog: Catalog, role: Role) -> frozenset[str]:
    attributes = {
        "superuser": role.superuser,
        "bypassrls": role.bypass_rls,
        "login": role.login,
        "createrole": role.create_role,
        "createdb": role.create_db,
        "replication": role.replication,
    }
    mine = [one for one in catalog.snapshot.memberships if one.member == role.oid]
    memberships = {f"member of {_name(catalog, one.role)}" for one in mine}
    grants = {f"grants {_name(catalog, one.role)}" for one in mine if one.admin}
    return frozenset({name for name, has in attributes.items() if has} | memberships | grants)


def _own_functions(catalog: Catalog) -> dict[str, Function]:
    return {catalog.function_identity(one): one for one in catalog.snapshot.functions if one.extension is None}


def _callers(access: Access, function: Function, roles: tuple[str, ...]) -> frozenset[str]:
    known = access.catalog.roles_by_name
    return frozenset(one for one in roles if one in known and access.execute(known[one].oid, function))


def _trigger_facts(catalog: Catalog) -> dict[str, str]:
    facts = {}
    for one in catalog.snapshot.triggers:
        function = catalog.functions.get(one.function)
        called = catalog.function_identity(function) if function else "a built-in function"
        state = "disabled" if one.enabled == "D" else "enabled"
        identity = f"{catalog.identity(catalog.relations[one.relation])}: {one.name}"
        facts[identity] = f"calls {called}, type {one.type}, {state}"
    return facts


def _published(catalog: Catalog) -> dict[str, frozenset[str]]:
    return {
        one.name: frozenset(
            catalog.identity(catalog.relations[oid]) for oid in one.relations if oid in catalog.relations
        )
        for one in catalog.snapshot.publications
    }


def _public_buckets(catalog: Catalog) -> dict[str, frozenset[str]]:
    return {one.name: frozenset({"public"}) for one in catalog.snapshot.buckets if one.public}


def _direction(before: frozenset[str], after: frozenset[str]) -> Direction:
    if before < after:
        return Direction.MORE
    return Direction.LESS if after < before else Direction.INCOMPARABLE


def _security(function: Function) -> str:
    return "runs as its owner" if function.security_definer else "runs as its caller"


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _name(catalog: Catalog, role: int) -> str:
    found = catalog.roles.get(role)
    return found.name if found else str(role)
