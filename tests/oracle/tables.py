"""What there is in a database: relations with their columns, and all rows, as a superuser sees them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from psycopg import sql

from oracle.statements import remember

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import psycopg

    from oracle.world import World

Values: TypeAlias = "dict[str, str | None]"
Place: TypeAlias = tuple[str, str]
"""A row's table (the leaf that holds it) and key."""
State: TypeAlias = "Mapping[Place, Values]"

_SUPABASE = """('extensions', 'graphql', 'graphql_public', 'realtime', 'vault', 'net', 'cron', 'pgbouncer',
 'supabase_functions', 'supabase_migrations')"""
_RELATIONS = f"""
select c.oid, format('%I.%I', n.nspname, c.relname), c.relkind::text,
       array(select a.attname::text from pg_attribute a
             where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum),
       array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attgenerated <> ''),
       array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attidentity <> ''),
       array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.atthasdef),
       array(select a.attname::text from pg_attribute a
             where a.attrelid = c.oid and a.attnum > 0 and pg_column_is_updatable(c.oid, a.attnum, true)),
       case when c.relkind = 'v' then pg_get_viewdef(c.oid) else '' end,
       exists (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal),
       array(select a.attname::text from pg_index i join pg_attribute a
               on a.attrelid = c.oid and a.attnum = any (i.indkey) where i.indrelid = c.oid and i.indisprimary),
       array(with recursive above (oid) as (
               select c.oid union select i.inhparent from pg_inherits i join above on i.inhrelid = above.oid)
             select format('%I.%I', pn.nspname, p.relname) from above
             join pg_class p on p.oid = above.oid join pg_namespace pn on pn.oid = p.relnamespace),
       array(with recursive below (oid) as (
               select c.oid
               union select d.refobjid from below join pg_rewrite w on w.ev_class = below.oid
                 join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
                   and d.refclassid = 'pg_class'::regclass)
             select format('%I.%I', bn.nspname, b.relname) from below
             join pg_class b on b.oid = below.oid join pg_namespace bn on bn.oid = b.relnamespace
             where c.relkind in ('v', 'm') and b.oid <> c.oid)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and n.nspname not in {_SUPABASE} and (n.nspname <> 'auth' or c.relname = 'users')
  and (n.nspname <> 'storage' or c.relname = 'objects')
order by 2
"""
_FILES = "storage.objects"
_HAS_FILES = "select from storage.objects limit 1"
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:")
_GRANTED = """
select a.attname::text from pg_attribute a
where a.attrelid = %s and a.attnum > 0 and not a.attisdropped and has_column_privilege(%s, a.attrelid, a.attnum, %s)
order by a.attnum
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A relation. `family` is itself and what it is a part of, `key` what tells its rows apart.

    `writable` are the columns that a statement may set, `renamed` those that a view shows under another name,
    `fires` is whether it has triggers, `reads` what a view rests on, through all levels.
    """

    oid: int
    name: str
    kind: str
    columns: tuple[str, ...]
    generated: frozenset[str]
    identity: frozenset[str]
    defaults: frozenset[str]
    writable: frozenset[str]
    renamed: Mapping[str, str]
    fires: bool
    key: tuple[str, ...]
    family: frozenset[str]
    reads: frozenset[str]

    @property
    def holds_rows(self) -> bool:
        """Whether rows are stored under its own name."""
        return self.kind == "r"


class Tables:
    """The relations of one database."""

    def __init__(self, connection: psycopg.Connection[Any], world: World) -> None:
        self._connection = connection
        self._world = world
        found = [_table(*row) for row in connection.execute(_RELATIONS)]
        found = [one for one in found if one.name != _FILES or connection.execute(_HAS_FILES).fetchone() is not None]
        self.all = {one.name: one for one in found}
        stored = [one for one in found if one.holds_rows]
        either = sql.SQL(" union all ")
        remember(connection, either.join(map(_rows, stored)), either.join(map(_keys, stored)))
        self.seeds: State = {
            (place, key): values
            for place, key, values in connection.execute("select place, key, values from pg_temp.oracle_before")
        }
        self.owners = {place: world.owners(values) for place, values in self.seeds.items()}

    def granted(self, role: str, table: Table, privilege: str) -> tuple[str, ...]:
        """The columns on which a role holds a privilege, as the server says."""
        return tuple(name for (name,) in self._connection.execute(_GRANTED, [table.oid, role, privilege]))

    def places(self, table: Table) -> tuple[Place, ...]:
        """The seeded rows of a table, those of its partitions and children included."""
        return tuple(place for place in self.seeds if table.name in self.all[place[0]].family)

    def root(self, table: str) -> str:
        """What the table is a part of, as a whole."""
        return max(self.all[table].family, key=lambda one: sum(one in other.family for other in self.all.values()))

    def same(self, place: Place, changed: Mapping[str, str | None], asked: Iterable[str]) -> bool:
        """Whether a new row says what the seeded one at `place` does in these columns: keys and times put aside."""
        table, seed = self.all[place[0]], self.seeds[place]
        left = {one for one in asked if one in seed} - set(table.key) - table.identity
        return all(changed.get(one) == seed[one] or _TIME.match(changed.get(one) or "") for one in left)

    def marks(self) -> Mapping[str, Place]:
        """Texts that stand in one row only, and so give it away wherever they come up."""
        found = {}
        for place, values in self.seeds.items():
            column = next(
                (self._world.marks[one] for one in self.all[place[0]].family if one in self._world.marks), "mark"
            )
            if mark := values.get(column):
                found[mark] = place
        return found


def _table(  # noqa: PLR0913, PLR0917  a row of the query
    oid: int,
    name: str,
    kind: str,
    columns: list[str],
    generated: list[str],
    identity: list[str],
    defaults: list[str],
    writable: list[str],
    query: str,
    fires: bool,  # noqa: FBT001  as the server tells it
    key: list[str],
    family: list[str],
    reads: list[str],
) -> Table:
    return Table(
        oid=oid,
        name=name,
        kind=kind,
        columns=tuple(columns),
        generated=frozenset(generated),
        identity=frozenset(identity),
        defaults=frozenset(defaults),
        writable=frozenset(writable),
        renamed=dict(re.findall(r"(?:\w+\.)?(\w+) AS (\w+)", query)),
        fires=fires,
        key=tuple(key or columns[:1]),
        family=frozenset(family),
        reads=frozenset(reads),
    )


def _rows(table: Table) -> sql.Composed:
    pairs = sql.SQL(", ").join(sql.SQL("{}, {}::text").format(one, sql.Identifier(one)) for one in table.columns)
    query = "select {}, {}, jsonb_build_object({}), xmin from only {}"
    return sql.SQL(query).format(table.name, _key(table), pairs, sql.SQL(table.name))


def _keys(table: Table) -> sql.Composed:
    return sql.SQL("select {}, {} from only {}").format(table.name, _key(table), sql.SQL(table.name))


def _key(table: Table) -> sql.Composed:
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(one)) for one in table.key)
    return sql.SQL("concat_ws('|', {})").format(texts)
