"""Privileges: may this role do that to this object, who granted it, and which policies stand in between.

Rests on src/backend/catalog/aclchk.c (`pg_class_aclmask_ext`, `pg_namespace_aclmask_ext`) and on
src/backend/utils/misc/rls.c (`check_enable_rls`). Object owners have no privilege beyond the access control list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.access.roles import Roles
from rlsaudit.catalog.facts import PUBLIC

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Column, Function, Grant, Policy, Relation, Schema
    from rlsaudit.model import Operation

_EVERYWHERE = {
    "SELECT": ("pg_read_all_data",),
    "INSERT": ("pg_write_all_data",),
    "UPDATE": ("pg_write_all_data",),
    "DELETE": ("pg_write_all_data",),
    "MAINTAIN": ("pg_maintain",),
}
"""Predefined roles whose members hold a privilege on every relation, sequences included."""

_EVERY_SCHEMA = ("pg_read_all_data", "pg_write_all_data")
"""Predefined roles whose members hold USAGE on every schema."""

_PER_COLUMN = frozenset({"SELECT", "INSERT", "UPDATE", "REFERENCES"})
_COMMANDS = {"select": "r", "insert": "a", "update": "w", "delete": "d"}
_FOR_ALL = "*"


class Access:
    """Effective privileges of one snapshot. Roles are given by OID; every answer comes from the facts alone."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.roles = Roles(catalog)
        self._everywhere = {privilege: self._oids(names) for privilege, names in _EVERYWHERE.items()}
        self._every_schema = self._oids(_EVERY_SCHEMA)

    def usage(self, role: int, schema: Schema) -> bool:
        """Whether `role` may address objects in `schema`."""
        return self._holds(role, schema.acl, "USAGE") or self._is_one_of(role, self._every_schema)

    def create(self, role: int, schema: Schema) -> bool:
        """Whether `role` may create objects in `schema`."""
        return self._holds(role, schema.acl, "CREATE")

    def on_table(self, role: int, relation: Relation, privilege: str) -> bool:
        """Whether `role` holds `privilege` on the whole relation, as `has_table_privilege` says.

        For a sequence: as `has_sequence_privilege` says.
        """
        everywhere = self._everywhere.get(privilege, frozenset())
        return self._holds(role, relation.acl, privilege) or self._is_one_of(role, everywhere)

    def on_any_column(self, role: int, relation: Relation, privilege: str) -> bool:
        """Whether `role` holds `privilege` on the relation or one of its columns, as `has_any_column_privilege` says.

        `columns` does not tell where a relation has no columns.
        """
        return self.on_table(role, relation, privilege) or bool(self.columns(role, relation, privilege))

    def on_column(self, role: int, relation: Relation, column: Column, privilege: str) -> bool:
        """Whether `role` holds `privilege` on the column, through the table or by itself."""
        return self.on_table(role, relation, privilege) or self._holds(role, column.acl, privilege)

    def columns(self, role: int, relation: Relation, privilege: str) -> tuple[Column, ...]:
        """Returns the columns on which `role` holds `privilege`; all of them where it holds it on the table."""
        columns = self.catalog.columns[relation.oid]
        if self.on_table(role, relation, privilege):
            return columns
        if privilege not in _PER_COLUMN:
            return ()
        return tuple(one for one in columns if self._holds(role, one.acl, privilege))

    def execute(self, role: int, function: Function) -> bool:
        """Whether `role` may call `function`: EXECUTE on it and USAGE of its schema."""
        return self.may_call(role, function) and self.usage(role, self.catalog.schemas[function.schema])

    def may_call(self, role: int, function: Function) -> bool:
        """Whether `role` holds EXECUTE: enough where a view or policy names the function for it."""
        return self._holds(role, function.acl, "EXECUTE")

    def rls_applies(self, role: int, relation: Relation) -> bool:
        """Whether policies filter what `role` does to `relation`, as `row_security_active` says."""
        if not relation.rls or relation.kind not in "rp":
            return False
        found = self.catalog.roles.get(role)
        if found is not None and (found.superuser or found.bypass_rls):
            return False
        return relation.forced or not self.roles.acts_as(role, relation.owner)

    def policies(self, role: int, relation: Relation, operation: Operation) -> tuple[Policy, ...]:
        """Returns the policies for `operation` that apply to `role`: by inherited membership, not by SET ROLE."""
        letters = {_COMMANDS[operation], _FOR_ALL}
        grantees = self.roles.inherited(role)
        return tuple(
            one
            for one in self.catalog.policies[relation.oid]
            if one.command in letters and (PUBLIC in one.roles or not grantees.isdisjoint(one.roles))
        )

    def granted_by(self, role: int, acl: Iterable[Grant], privilege: str) -> str:
        """Returns in words through whom `role` holds `privilege`: `PUBLIC`, its own name, a role that it inherits."""
        if self.roles.is_superuser(role):
            return "superuser"
        grantees = self.roles.inherited(role)
        through = {one.grantee for one in acl if one.privilege == privilege and one.grantee in grantees}
        if role in through:
            return f"granted to {self._name(role)}"
        if PUBLIC in through:
            return "granted to PUBLIC"
        if through:
            return f"granted to {self._name(min(through))}, which {self._name(role)} inherits"
        return "granted by a predefined role"

    def _name(self, role: int) -> str:
        found = self.catalog.roles.get(role)
        return found.name if found else str(role)

    def _holds(self, role: int, acl: Iterable[Grant], privilege: str) -> bool:
        if self.roles.is_superuser(role):
            return True
        grantees = self.roles.inherited(role)
        return any(one.privilege == privilege and one.grantee in grantees for one in acl)

    def _is_one_of(self, role: int, others: frozenset[int]) -> bool:
        return not others.isdisjoint(self.roles.inherited(role))

    def _oids(self, names: Iterable[str]) -> frozenset[int]:
        by_name = self.catalog.roles_by_name
        return frozenset(by_name[name].oid for name in names if name in by_name)
