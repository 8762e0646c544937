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
    from rlsaudit.catalog.facts import Column, Function, Grant, LargeObjects, Policy, Relation, Schema
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
        self._usage: dict[tuple[int, int], bool] = {}
        self._on_table: dict[tuple[int, int, str], bool] = {}
        self._columns: dict[tuple[int, int, str], tuple[Column, ...]] = {}
        self._policies: dict[tuple[int, int, Operation], tuple[Policy, ...]] = {}

    def holds(self, role: int, acl: Iterable[Grant], privilege: str) -> bool:
        """Whether an access control list gives `privilege` to `role`: all there is to say of most kinds of objects."""
        if self.roles.is_superuser(role):
            return True
        grantees = self.roles.inherited(role)
        return any(one.privilege == privilege and one.grantee in grantees for one in acl)

    def usage(self, role: int, schema: Schema) -> bool:
        """Whether `role` may address objects in `schema`."""
        key = (role, schema.oid)
        known = self._usage.get(key)
        if known is None:
            known = self.holds(role, schema.acl, "USAGE") or self._is_one_of(role, self._every_schema)
            self._usage[key] = known
        return known

    def create(self, role: int, schema: Schema) -> bool:
        """Whether `role` may create objects in `schema`."""
        return self.holds(role, schema.acl, "CREATE")

    def on_table(self, role: int, relation: Relation, privilege: str) -> bool:
        """Whether `role` holds `privilege` on the whole relation, as `has_table_privilege` says.

        For a sequence: as `has_sequence_privilege` says.
        """
        key = (role, relation.oid, privilege)
        known = self._on_table.get(key)
        if known is None:
            known = self.holds(role, relation.acl, privilege) or self._is_one_of(role, self.everywhere(privilege))
            self._on_table[key] = known
        return known

    def on_any_column(self, role: int, relation: Relation, privilege: str) -> bool:
        """Whether `role` holds `privilege` on the relation or one of its columns, as `has_any_column_privilege` says.

        `columns` does not tell where a relation has no columns.
        """
        return self.on_table(role, relation, privilege) or bool(self.columns(role, relation, privilege))

    def on_column(self, role: int, relation: Relation, column: Column, privilege: str) -> bool:
        """Whether `role` holds `privilege` on the column, through the table or by itself."""
        return self.on_table(role, relation, privilege) or self.holds(role, column.acl, privilege)

    def columns(self, role: int, relation: Relation, privilege: str) -> tuple[Column, ...]:
        """Returns the columns on which `role` holds `privilege`; all of them where it holds it on the table."""
        columns = self.catalog.columns[relation.oid]
        if self.on_table(role, relation, privilege):
            return columns
        if privilege not in _PER_COLUMN:
            return ()
        key = (role, relation.oid, privilege)
        if key not in self._columns:
            self._columns[key] = tuple(one for one in columns if one.acl and self.holds(role, one.acl, privilege))
        return self._columns[key]

    def execute(self, role: int, function: Function) -> bool:
        """Whether `role` may call `function`: EXECUTE on it and USAGE of its schema."""
        return self.may_call(role, function) and self.usage(role, self.catalog.schemas[function.schema])

    def may_call(self, role: int, function: Function) -> bool:
        """Whether `role` holds EXECUTE: enough where a view or policy names the function for it."""
        return self.holds(role, function.acl, "EXECUTE")

    def on_database(self, role: int, privilege: str) -> bool:
        """Whether `role` may CONNECT to the database, CREATE schemas in it, or make TEMPORARY tables."""
        return self.holds(role, self.catalog.snapshot.database.acl, privilege)

    def on_parameter(self, role: int, name: str, privilege: str) -> bool:
        """Whether `role` holds SET or ALTER SYSTEM on a parameter, as `has_parameter_privilege` says.

        That says nothing of the parameters that everybody may set.
        """
        granted = next((one.acl for one in self.catalog.snapshot.parameters if one.name == name.lower()), ())
        return self.holds(role, granted, privilege)

    def on_large_objects(self, role: int, objects: LargeObjects, privilege: str) -> bool:
        """Whether `role` may read (SELECT) or write (UPDATE) large objects; `lo_compat_privileges` lets everybody."""
        return self.catalog.snapshot.large_objects_open or self.holds(role, objects.acl, privilege)

    def controls(self, role: int, relation: Relation) -> bool:
        """Whether `role` may do with the relation what its owner may: drop it, grant it, turn its RLS off."""
        return self.roles.acts_as(role, relation.owner)

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
        key = (role, relation.oid, operation)
        known = self._policies.get(key)
        if known is None:
            letters = {_COMMANDS[operation], _FOR_ALL}
            grantees = self.roles.inherited(role)
            known = self._policies[key] = tuple(
                one
                for one in self.catalog.policies[relation.oid]
                if one.command in letters and (PUBLIC in one.roles or not grantees.isdisjoint(one.roles))
            )
        return known

    def name(self, role: int) -> str:
        """Returns what to call a grantee: `PUBLIC`, a role's name, or the OID of a role that is no more."""
        if role == PUBLIC:
            return "PUBLIC"
        found = self.catalog.roles.get(role)
        return found.name if found else str(role)

    def everywhere(self, privilege: str) -> frozenset[int]:
        """Returns the predefined roles that hold `privilege` on every relation."""
        return self._everywhere.get(privilege, frozenset())

    def every_schema(self) -> frozenset[int]:
        """Returns the predefined roles that hold USAGE on every schema."""
        return self._every_schema

    def _is_one_of(self, role: int, others: frozenset[int]) -> bool:
        return not others.isdisjoint(self.roles.inherited(role))

    def _oids(self, names: Iterable[str]) -> frozenset[int]:
        by_name = self.catalog.roles_by_name
        return frozenset(by_name[name].oid for name in names if name in by_name)
