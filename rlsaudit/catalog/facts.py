"""What the catalog says, as it says it: one frozen dataclass a catalog, joined by object identifier (OID).

Nothing here is interpreted: that is what `rlsaudit.access` is for. `rlsaudit/catalog/snapshot.sql` builds one JSON
object whose keys are the fields of `Snapshot`, so the shapes are declared once, here. Where a field has the letter of a
catalog column (`relkind`, `polcmd`), https://www.postgresql.org/docs/current/catalogs.html lists the letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rlsaudit.catalog.grants import PUBLIC, Grant
from rlsaudit.catalog.minor import (
    Comment,
    Database,
    EventTrigger,
    Extension,
    ForeignServer,
    ForeignTable,
    ForeignWrapper,
    Language,
    LargeObjects,
    ParameterAcl,
    Publication,
    Type,
    UserMapping,
)

__all__ = [
    "PUBLIC",
    "Bucket",
    "Column",
    "ColumnRef",
    "Comment",
    "Constraint",
    "Database",
    "DefaultAcl",
    "EventTrigger",
    "Extension",
    "ForeignServer",
    "ForeignTable",
    "ForeignWrapper",
    "Function",
    "Grant",
    "Inheritance",
    "Language",
    "LargeObjects",
    "Membership",
    "Parameter",
    "ParameterAcl",
    "Policy",
    "Publication",
    "Relation",
    "Rewrite",
    "Role",
    "RoleSetting",
    "Schema",
    "SequenceOwner",
    "Server",
    "Snapshot",
    "Trigger",
    "Type",
    "UniqueIndex",
    "UserMapping",
    "Viewer",
]


class ColumnRef(NamedTuple):
    """A column that something depends on; `column` is 0 where it depends on the relation as a whole."""

    relation: int
    column: int


class Parameter(NamedTuple):
    """A function's parameter: `mode` is the letter of `proargmodes`, `name` may be empty."""

    mode: str
    name: str


@dataclass(frozen=True, slots=True)
class Server:
    """The server and database that were read. `version_num` is as in `server_version_num`, 150020 for 15.20."""

    version: str
    version_num: int
    database: str
    database_owner: int
    encoding: str

    @property
    def major(self) -> int:
        """The major version, 15 for 15.20."""
        return self.version_num // 10000


@dataclass(frozen=True, slots=True)
class Viewer:
    """The role through which the catalog was read, and what it may do.

    `settable` are the roles that it may `SET ROLE` to: where a persona's role is not among them, it cannot be probed.
    """

    name: str
    superuser: bool
    bypass_rls: bool
    settable: frozenset[int]


@dataclass(frozen=True, slots=True)
class Role:
    """A row of `pg_roles`."""

    oid: int
    name: str
    superuser: bool
    inherit: bool
    create_role: bool
    create_db: bool
    login: bool
    replication: bool
    bypass_rls: bool


@dataclass(frozen=True, slots=True)
class Membership:
    """`member` is a member of `role`. `inherit` and `set` are per membership since Postgres 16 and None before."""

    role: int
    member: int
    grantor: int
    admin: bool
    inherit: bool | None
    set: bool | None


@dataclass(frozen=True, slots=True)
class RoleSetting:
    """`ALTER ROLE … [IN DATABASE …] SET`. `role` 0: every role; `value` None: withheld, for it may be a secret."""

    role: int
    this_database: bool
    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Schema:
    """A row of `pg_namespace`; `acl` has the built-in default filled in where none is stored."""

    oid: int
    name: str
    owner: int
    acl: tuple[Grant, ...]
    extension: str | None


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view, materialized view, foreign table or sequence.

    `kind` is `relkind`; `rows` is the planner's estimate, -1 where the table was never analysed. `definition` is a
    view's query, `options` are `reloptions` as stored (`security_invoker=on`). `updatable` is what
    `pg_relation_is_updatable` says with triggers and rules: bit 2 UPDATE, 3 INSERT, 4 DELETE; 0 where the foreign-data
    wrapper below has no handler. `partition_key` are the numbers of the columns that rows are parted by, 0 for an
    expression; `bound` is which rows belong into a partition (`FOR VALUES IN ('a')`).
    """

    oid: int
    schema: int
    name: str
    kind: str
    owner: int
    acl: tuple[Grant, ...]
    rls: bool
    forced: bool
    partition: bool
    options: tuple[str, ...]
    replica_identity: str
    rows: float
    extension: str | None
    definition: str | None
    updatable: int
    bound: str | None = None
    partition_key: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A live column. `acl` holds column grants only; `default` whether there is a default, identity or generation.

    `type_kind` is `typtype`: `b` base, `e` enum, `d` domain, `c` composite. `constant` is the default's SQL where that
    is a short constant (`'draft'::text`), `computed` its SQL where it is anything else; a generated column has neither.
    `collation` is one by which texts are equal that are written differently, None where it is any other.
    """

    relation: int
    number: int
    name: str
    type: str
    type_kind: str
    not_null: bool
    default: bool
    generated: bool
    identity: bool
    acl: tuple[Grant, ...]
    constant: str | None = None
    collation: str | None = None
    computed: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """A row of `pg_policy`. `command` is `polcmd` (`*` for ALL); `roles` may hold `PUBLIC`.

    `columns` and `functions` are what its expressions depend on, functions of operators and domains included; built-in
    functions are not among them.
    """

    oid: int
    relation: int
    name: str
    command: str
    permissive: bool
    roles: tuple[int, ...]
    using: str | None
    check: str | None
    columns: tuple[ColumnRef, ...]
    functions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A function or procedure. `kind` is `prokind`, `volatility` is `provolatile`.

    `arguments` are the types of its input arguments, `defaults` the SQL of the last ones' defaults, with commas between
    them; `body` is the source, or the parsed body written out again. `settings` is `proconfig` (`search_path=""`); of a
    custom setting (`app.key`) only the name, for it may be a secret. `cost` is `procost`, None in older snapshots.
    """

    oid: int
    schema: int
    name: str
    kind: str
    arguments: str
    returns: str
    returns_set: bool
    language: str
    owner: int
    acl: tuple[Grant, ...]
    security_definer: bool
    volatility: str
    leakproof: bool
    settings: tuple[str, ...]
    body: str
    extension: str | None
    parameters: tuple[Parameter, ...] = ()
    strict: bool = False
    defaults: str | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class SystemFunction:
    """A function of Postgres's own that reads or writes files of the server, with who may call it."""

    name: str
    arguments: str
    owner: int
    acl: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A rewrite rule: a view's query (`_RETURN`) or a `CREATE RULE`. `event` is `ev_type`: 1 to 4 for S, U, I, D."""

    relation: int
    name: str
    event: str
    instead: bool
    enabled: str
    definition: str | None
    columns: tuple[ColumnRef, ...]
    functions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trigger:
    """A user's trigger. `type` is `tgtype`, a bit mask; `enabled` is `tgenabled`; `conditional`: it has a WHEN."""

    relation: int
    name: str
    function: int
    type: int
    enabled: str
    conditional: bool


@dataclass(frozen=True, slots=True)
class RowCall:
    """A function that runs when a row of the relation is written, though no statement names it.

    Of a default, a generated column, a constraint, a domain, an index, a partition key or a trigger's condition.
    """

    relation: int
    function: int


@dataclass(frozen=True, slots=True)
class Spelling:
    """An operator, or an aggregate, by which a body may call a function of another name."""

    schema: int
    name: str
    function: int


@dataclass(frozen=True, slots=True)
class ArgumentCall:
    """A function that a call of `caller` runs first: the default of an argument."""

    caller: int
    function: int


@dataclass(frozen=True, slots=True)
class Inheritance:
    """`child` is a partition or inheritance child of `parent`."""

    child: int
    parent: int


@dataclass(frozen=True, slots=True)
class Constraint:
    """A table constraint. `kind` is `contype`; `columns` and `foreign_columns` are column numbers.

    A NOT NULL (`n`) is here only where older rows may break it.
    """

    relation: int
    name: str
    kind: str
    columns: tuple[int, ...]
    foreign_relation: int
    foreign_columns: tuple[int, ...]
    definition: str

    @property
    def deferrable(self) -> bool:
        """Whether it may be broken until the end of a transaction."""
        return " DEFERRABLE" in self.definition and "NOT DEFERRABLE" not in self.definition


@dataclass(frozen=True, slots=True)
class UniqueIndex:
    """A unique index that is no constraint. `columns` are the numbers of its keys, 0 for an expression."""

    relation: int
    columns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SequenceOwner:
    """The column that a serial or identity sequence belongs to."""

    sequence: int
    relation: int
    column: int


@dataclass(frozen=True, slots=True)
class DefaultAcl:
    """A row of `pg_default_acl`; `schema` 0 means every schema, `objects` is `defaclobjtype`."""

    creator: int
    schema: int
    objects: str
    acl: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A row of Supabase's `storage.buckets`."""

    id: str
    name: str
    public: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every fact that an audit rests on, as of one moment. `blind` says what this connection could not see.

    `large_objects_open` is the setting `lo_compat_privileges`: their access control lists are then not asked.
    `unique_indexes` are None in snapshots of versions that did not read them.
    """

    server: Server
    viewer: Viewer
    roles: tuple[Role, ...]
    memberships: tuple[Membership, ...]
    role_settings: tuple[RoleSetting, ...]
    schemas: tuple[Schema, ...]
    relations: tuple[Relation, ...]
    columns: tuple[Column, ...]
    policies: tuple[Policy, ...]
    functions: tuple[Function, ...]
    rewrites: tuple[Rewrite, ...]
    triggers: tuple[Trigger, ...]
    inheritance: tuple[Inheritance, ...]
    constraints: tuple[Constraint, ...]
    sequence_owners: tuple[SequenceOwner, ...]
    default_acls: tuple[DefaultAcl, ...]
    publications: tuple[Publication, ...]
    extensions: tuple[Extension, ...]
    foreign_servers: tuple[ForeignServer, ...]
    foreign_tables: tuple[ForeignTable, ...]
    user_mappings: tuple[UserMapping, ...]
    event_triggers: tuple[EventTrigger, ...]
    database: Database
    parameters: tuple[ParameterAcl, ...]
    types: tuple[Type, ...]
    languages: tuple[Language, ...]
    foreign_wrappers: tuple[ForeignWrapper, ...]
    large_objects: tuple[LargeObjects, ...]
    large_objects_open: bool
    buckets: tuple[Bucket, ...] = ()
    row_calls: tuple[RowCall, ...] = ()
    spellings: tuple[Spelling, ...] = ()
    argument_calls: tuple[ArgumentCall, ...] = ()
    system_functions: tuple[SystemFunction, ...] = ()
    unique_indexes: tuple[UniqueIndex, ...] | None = None
    comments: tuple[Comment, ...] = ()
    blind: tuple[str, ...] = ()
