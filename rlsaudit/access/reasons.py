"""Why a role may do something: grants, memberships and flags, as links from what is held to where it began.

Postgres keeps no record of how a grant came about. That default privileges made one is said where they would make the
same for its owner, and as what they do, not as what happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.access.defaults import KINDS, deciding
from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.names import ident

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.access.privileges import Access
    from rlsaudit.catalog.facts import Function, Grant, Policy, Relation, Schema
    from rlsaudit.model import Operation

_DEFAULT_LETTER = {"S": "S"}
_FEW = 8
"""How many columns are named before the rest is counted."""


@dataclass(frozen=True, slots=True)
class Link:
    """One thing that access depends on. `what` says it, `through` why it is so, the nearest reason first.

    `ends` is whether access ends here.
    """

    what: str
    through: tuple[str, ...] = ()
    ends: bool = False


class Reasons:
    """Explains the answers of an `Access`; it gives none of its own."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._catalog = access.catalog

    def usage(self, role: int, schema: Schema) -> Link:
        """Returns why `role` may address objects in `schema`, or why not."""
        holds = self._access.usage(role, schema)
        through = self.granted(role, schema.owner, schema.acl, "USAGE")
        everywhere = self._predefined(role, self._access.every_schema())
        return self._link(f"USAGE on schema {ident(schema.name)}", role, through or everywhere, holds=holds)

    def privilege(self, role: int, relation: Relation, privilege: str) -> Link:
        """Returns why `role` holds `privilege` on the relation or on columns of it, or why not."""
        identity = self._catalog.identity(relation)
        through = self.granted(role, relation.owner, relation.acl, privilege, relation=relation)
        through = through or self._predefined(role, self._access.everywhere(privilege))
        if through or self._access.on_table(role, relation, privilege):
            return self._link(f"{privilege} on {identity}", role, through, holds=True)
        columns = self._access.columns(role, relation, privilege)
        if not columns:
            return self._link(f"{privilege} on {identity}", role, (), holds=False)
        reasons: dict[tuple[str, ...], list[str]] = {}
        for one in columns:
            reasons.setdefault(self.granted(role, relation.owner, one.acl, privilege), []).append(one.name)
        # Where they were not granted alike, it is said of each.
        through = next(iter(reasons))
        if len(reasons) > 1:
            through = tuple(f"{_names(names)}: {'; '.join(why)}" for why, names in reasons.items())
        named = _names([one.name for one in columns])
        return self._link(f"{privilege} on columns of {identity}: {named}", role, through, holds=True)

    def execute(self, role: int, function: Function) -> Link:
        """Returns why `role` may call the function, or why not; USAGE of its schema is a link of its own."""
        identity = self._catalog.function_identity(function)
        through = self.granted(role, function.owner, function.acl, "EXECUTE", function=function)
        return self._link(f"EXECUTE on {identity}", role, through, holds=self._access.may_call(role, function))

    def row_security(self, role: int, relation: Relation) -> Link:
        """Returns whether policies filter the rows for `role`, and why."""
        if self._access.rls_applies(role, relation):
            why = "on, and forced on its owner too" if relation.forced else "on"
            return Link(f"row-level security filters {self._catalog.identity(relation)}", (why,))
        what = f"row-level security does not filter {self._catalog.identity(relation)}"
        if relation.kind not in "rp":
            return Link(what, ("only tables have it",))
        if not relation.rls:
            idle = ", so that its policies do nothing" if self._catalog.policies[relation.oid] else ""
            return Link(what, (f"off{idle}",))
        found = self._catalog.roles.get(role)
        name = self._access.name(role)
        if found is not None and found.superuser:
            return Link(what, (f"{name} is a superuser",))
        if found is not None and found.bypass_rls:
            return Link(what, (f"{name} has BYPASSRLS",))
        return Link(what, (self._owns(role, relation.owner), "not forced on its owner"))

    def policies(self, role: int, relation: Relation, operation: Operation) -> tuple[Link, ...]:
        """Returns the policies that apply, permissive ones first, each with whom it is for; or that there are none."""
        applying = self._access.policies(role, relation, operation)
        if not any(one.permissive for one in applying):
            there = self._catalog.policies[relation.oid]
            others = (f"none of its policies is permissive, for {operation} and for this role",) if there else ()
            return (Link(f"no policy lets {operation} through", others, ends=True),)
        return tuple(self._policy(role, one, operation) for one in sorted(applying, key=lambda one: not one.permissive))

    def _policy(self, role: int, policy: Policy, operation: Operation) -> Link:
        kind = "policy" if policy.permissive else "restrictive policy"
        asked = []
        if policy.using is not None and operation != "insert":
            asked.append(f"using ({_line(policy.using)})")
        check = policy.check or (policy.using if policy.command in "*w" else None)
        if check is not None and operation in {"insert", "update"}:
            asked.append(f"with check ({_line(check)})")
        named = [one for one in policy.roles if one in self._access.roles.inherited(role)]
        whom = PUBLIC if PUBLIC in named else role if role in named else min(named, default=PUBLIC)
        through = (f"for {self._access.name(whom)}", *self._inherits(role, whom))
        return Link(f"{kind} {ident(policy.name)}: {' '.join(asked)}", through)

    def granted(
        self,
        role: int,
        owner: int,
        acl: Sequence[Grant],
        privilege: str,
        *,
        relation: Relation | None = None,
        function: Function | None = None,
    ) -> tuple[str, ...]:
        """Returns through what an access control list gives `role` the privilege; empty where it does not.

        `owner` is whose the object is; of a `relation` or `function` it is said where default privileges give the same.
        """
        if self._access.roles.is_superuser(role):
            return (f"{self._access.name(role)} is a superuser",)
        grantees = self._access.roles.inherited(role)
        grants = [one for one in acl if one.privilege == privilege and one.grantee in grantees]
        if not grants:
            return ()
        # Its own before PUBLIC's before what it inherits by few steps.
        nearest = min(
            grants,
            key=lambda one: (one.grantee != role, one.grantee != PUBLIC, len(self._path(role, one)), one.grantor),
        )
        if nearest.grantee == owner:
            return (self._owns(role, owner),)
        words = f"granted to {self._access.name(nearest.grantee)} by {self._access.name(nearest.grantor)}"
        made = self._made_by_default(nearest, owner, relation, function)
        return (words, *self._inherits(role, nearest.grantee), *made)

    def _path(self, role: int, grant: Grant) -> tuple[int, ...]:
        return self._access.roles.path(role, grant.grantee)

    def _made_by_default(
        self, grant: Grant, owner: int, relation: Relation | None, function: Function | None
    ) -> tuple[str, ...]:
        subject = relation or function
        if subject is None:
            return ()
        letter = "f" if function is not None else _DEFAULT_LETTER.get(relation.kind if relation else "", "r")
        schema = self._catalog.schemas[subject.schema]
        stored = deciding(self._access, owner, schema, letter, grant)
        if stored is None:
            built_in = function is not None and grant.grantee == PUBLIC
            return ("as every new function is, unless default privileges say otherwise",) if built_in else ()
        where = f" in schema {ident(schema.name)}" if stored.schema else ""
        return (f"as the default privileges of {self._access.name(owner)}{where} give it on each new {KINDS[letter]}",)

    def _predefined(self, role: int, others: frozenset[int]) -> tuple[str, ...]:
        found = sorted(others & self._access.roles.inherited(role))
        if not found:
            return ()
        return (f"{self._access.name(found[0])} has it on everything", *self._inherits(role, found[0]))

    def _inherits(self, role: int, grantee: int) -> tuple[str, ...]:
        """How the role comes by what somebody else was given; nothing where that is itself or everybody."""
        path = self._access.roles.path(role, grantee)
        if grantee in (role, PUBLIC) or len(path) < 2:  # noqa: PLR2004 — a path has two ends
            return ()
        return (f"{self._access.name(role)} inherits from {' from '.join(map(self._access.name, path[1:]))}",)

    def _owns(self, role: int, owner: int) -> str:
        if role == owner:
            return f"{self._access.name(role)} owns it"
        inherits = self._inherits(role, owner)
        return f"{self._access.name(owner)} owns it{f', and {inherits[0]}' if inherits else ''}"

    def _link(self, what: str, role: int, through: tuple[str, ...], *, holds: bool) -> Link:
        if holds:
            return Link(what, through)
        missing = f"not granted to {self._access.name(role)}, nor to PUBLIC or a role that it inherits from"
        return Link(what, (missing,), ends=True)


def _names(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(map(ident, names[:_FEW])) + rest


def _line(sql: str) -> str:
    return " ".join(sql.split())
