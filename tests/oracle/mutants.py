"""Correct applications, broken in one place: what somebody forgets, or writes a little wrong."""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, LiteralString, TypeAlias

from pglast import ast, parse_sql
from pglast.enums import A_Expr_Kind, BoolExprType, BoolTestType, NullTestType
from pglast.stream import RawStream
from psycopg import sql

from oracle.world import A

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import psycopg

    from rlsaudit.model import JsonObject

Node: TypeAlias = Any
"""pglast's nodes have fields that depend on their kind."""

_POLICIES = """
select format('%%I.%%I', n.nspname, c.relname), p.polname, p.polcmd::text, p.polpermissive,
       coalesce((select string_agg(quote_ident(r.rolname), ', ') from pg_roles r where r.oid = any (p.polroles)),
         'public'),
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname in (%(schema)s, 'storage') order by 1, 2
"""
_TABLES = """
select format('%%I.%%I', n.nspname, c.relname), c.relname::text, c.relrowsecurity
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relkind = 'r' order by 1
"""
_NOT_GRANTED = """
select format('%%I.%%I', n.nspname, c.relname), a.attname::text, r.role, p.privilege
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid,
  unnest(%(clients)s::text[]) as r (role), unnest(array['select', 'insert', 'update']) as p (privilege)
where n.nspname = %(schema)s and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
  and not has_column_privilege(r.role, c.oid, a.attnum, p.privilege)
order by 1, 2, 3, 4
"""
_DEFAULTS = """
select format('%%I.%%I', n.nspname, c.relname), a.attname::text
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
where n.nspname = %(schema)s and c.relkind = 'r' and a.atthasdef and a.attgenerated = '' order by 1, 2
"""
_NOT_NULL = """
select format('%%I.%%I', n.nspname, c.relname), a.attname::text
from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum = any (f.conkey) and a.attnotnull
where f.contype = 'f' and n.nspname = %(schema)s
  and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey))
order by 1, 2
"""
_VIEWS = """
select format('%%I.%%I', n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relkind = 'v' order by 1
"""
_FUNCTIONS = """
select p.oid::regprocedure::text, p.prosecdef, p.prorettype = 'boolean'::regtype and p.prolang <> 0,
       pg_get_functiondef(p.oid), p.prosrc, coalesce(p.proargnames, '{}')
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname in (%(schema)s, 'private') and p.prorettype <> 'trigger'::regtype order by 1
"""
_TRIGGERS = """
select format('%%I.%%I', n.nspname, c.relname), t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace where n.nspname = %(schema)s and not t.tgisinternal order by 1, 2
"""
_SAID = re.compile(r"->>\s*'(\w+)'\s*=\s*'(\w+)'")
"""What a claim is asked to be."""
_POSING: tuple[JsonObject, ...] = ({"user_metadata": {"sub": A}},)
_COMMANDS = {"r": "select", "a": "insert", "w": "update", "d": "delete", "*": "all"}
_OWNERS = """
select format('%%I.%%I', n.nspname, c.relname), r.rolname::text, r.rolsuper
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles r on r.oid = c.relowner
where n.nspname = %(schema)s and c.relkind = 'r' order by 1
"""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One thing that is broken: which operator did it, where, and the SQL that does.

    `widens` is whether it opens what no statement of a client shows, as a file that is read by its address: then it is
    known, else it is measured. `calls` are statements by which clients use what is new, `claims` what they then say of
    themselves.
    """

    operator: str
    where: str
    statement: str
    widens: bool = False
    calls: tuple[str, ...] = ()
    claims: tuple[JsonObject, ...] = ()

    def __str__(self) -> str:
        return f"{self.operator}: {self.where}"


@dataclass(frozen=True, slots=True)
class Ground:
    """What an application stands on: the schema of its tables, and the roles that ask, whoever is known least first.

    `there` are conditions that hold for whoever has an identity, by the names of the operators that have rows read so.
    """

    schema: str
    clients: tuple[str, ...]
    there: Mapping[str, str]


SUPABASE = Ground(
    "public",
    ("anon", "authenticated"),
    {"read by whoever signed in": "auth.uid() is not null", "read by role": "auth.role() = 'authenticated'"},
)


@dataclass(frozen=True, slots=True)
class _Policy:
    table: str
    name: str
    command: str
    permissive: bool
    roles: str
    using: str | None
    check: str | None

    @property
    def where(self) -> str:
        return f"{self.name} on {self.table}"

    def dropped(self) -> str:
        return f"drop policy {_name(self.name)} on {self.table};"

    def made(self) -> str:
        kind = "permissive" if self.permissive else "restrictive"
        using = f" using ({self.using})" if self.using is not None else ""
        check = f" with check ({self.check})" if self.check is not None else ""
        return (
            f"create policy {_name(self.name)} on {self.table} as {kind} for {_COMMANDS[self.command]}"
            f" to {self.roles}{using}{check};"
        )

    def instead(self, operator: str, **changed: Any) -> Mutant:  # noqa: ANN401  fields of several types
        return Mutant(operator, self.where, f"{self.dropped()} {replace(self, **changed).made()}")


def spread(every: Iterable[Mutant], place: int, places: int) -> tuple[Mutant, ...]:
    """Returns mutants in the order in which they are to be tried: one of each operator before a second of any.

    Each of several (`place` of `places`) begins with operators that the others do not begin with. Which ones these are
    is settled by their names: others each day would be nobody's fault.
    """
    by_operator: dict[str, list[Mutant]] = {}
    for one in every:
        by_operator.setdefault(one.operator, []).append(one)
    chance = random.Random("operators")  # noqa: S311  no secret
    for _, found in sorted(by_operator.items()):
        chance.shuffle(found)
    order = sorted(by_operator, key=lambda one: random.Random(one).random())  # noqa: S311  no secret
    first = len(order) * place // places
    rounds = itertools.zip_longest(*(by_operator[one] for one in order[first:] + order[:first]))
    return tuple(one for each in rounds for one in each if one is not None)


def mutants(connection: psycopg.Connection[Any], ground: Ground = SUPABASE) -> tuple[Mutant, ...]:
    """Returns all that can be broken in the database of an application."""
    found: dict[str, Mutant] = {}
    for one in (
        *_of_policies(connection, ground),
        *_of_tables(connection, ground),
        *_of_columns(connection, ground),
        *_of_views(connection, ground),
        *_of_functions(connection, ground),
        *_of_the_rest(connection, ground),
        *(_of_the_platform(connection) if ground is SUPABASE else _of_roles(connection, ground)),
    ):
        found.setdefault(one.statement, one)
    return tuple(found.values())


def _rows(connection: psycopg.Connection[Any], query: LiteralString, ground: Ground) -> list[tuple[Any, ...]]:
    return connection.execute(query, {"schema": ground.schema, "clients": list(ground.clients)}).fetchall()


def _of_policies(connection: psycopg.Connection[Any], ground: Ground) -> Iterator[Mutant]:
    for row in _rows(connection, _POLICIES, ground):
        one = _Policy(*row)
        yield Mutant("drop a policy", one.where, one.dropped())
        yield one.instead("for everybody", roles="public")
        yield one.instead("the other kind", permissive=not one.permissive)
        if one.using is not None:
            yield one.instead("using true", using="true")
            if one.command in "w*" and one.check is not None:
                yield one.instead("no check", check=None)
            for operator, text in (*_changed(one.using), *_around(one.using)):
                yield one.instead(f"{operator}, in using", using=text)
            if "uid()" in one.using:
                yield replace(one.instead("named by user_metadata", using=_by_metadata(one.using)), claims=_POSING)
        if one.check is not None:
            yield one.instead("check true", check="true")
            for operator, text in (*_changed(one.check), *_around(one.check)):
                yield one.instead(f"{operator}, in check", check=text)
        if one.command != "*":
            yield one.instead("for all", command="*", using=one.using or one.check)


def _of_tables(connection: psycopg.Connection[Any], ground: Ground) -> Iterator[Mutant]:
    schema = ground.schema
    for table, name, protected in _rows(connection, _TABLES, ground):
        yield Mutant("RLS off", table, f"alter table {table} disable row level security;")
        for role in ground.clients:
            # TRUNCATE is among them: the API does not send it, whoever connects does, and no policy keeps it.
            truncates = protected and ground is not SUPABASE
            yield Mutant(f"all grants to {role}", table, f"grant all on {table} to {role};", widens=truncates)
        # Of a table that is open by its grants a policy says that it is not to be, and that is told.
        if protected or ground is SUPABASE:
            yield from _of_open_policies(table, ground)
        yield Mutant("a view over it", table, f"create view {schema}.v_{name} as select * from {table};")
        yield Mutant("a view that invokes", table,
                     f"create view {schema}.v_{name} with (security_invoker) as select * from {table};")  # fmt: skip
        if ground is SUPABASE:
            # On plain Postgres what has no row-level security is taken for open by its grants, as its pack says.
            yield Mutant("a copy", table, f"create table {schema}.c_{name} as select * from {table};")
        yield Mutant("a materialized view", table,
                     f"create materialized view {schema}.m_{name} as select * from {table};")  # fmt: skip
        yield Mutant("a function that tells all", table,
                     f"create function {schema}.f_{name}() returns setof {table} language sql security definer "
                     f"set search_path = '' as $$ select * from {table} $$;",
                     calls=(f"select * from {schema}.f_{name}()",))  # fmt: skip
        yield Mutant("a function of its caller's", table,
                     f"create function {schema}.f_{name}() returns setof {table} language sql "
                     f"set search_path = '' as $$ select * from {table} $$;",
                     calls=(f"select * from {schema}.f_{name}()",))  # fmt: skip
        yield Mutant("a function that empties it", table,
                     f"create function {schema}.e_{name}() returns void language sql security definer "
                     f"set search_path = '' as $$ delete from {table} $$;",
                     calls=(f"select {schema}.e_{name}()",))  # fmt: skip
        yield Mutant("no longer forced", table, f"alter table {table} no force row level security;")
        yield Mutant("forced", table, f"alter table {table} force row level security;")


def _of_open_policies(table: str, ground: Ground) -> Iterator[Mutant]:
    for role in ground.clients:
        for command in ("select", "insert", "update", "delete"):
            clause = "with check (true)" if command == "insert" else "using (true)"
            policy = f"create policy open on {table} for {command} to {role} {clause};"
            yield Mutant(f"a policy more: {command} for {role}", table, policy)
    for operator, condition in ground.there.items():
        yield Mutant(operator, table, f"create policy open on {table} for select using ({condition});")


def _of_columns(connection: psycopg.Connection[Any], ground: Ground) -> Iterator[Mutant]:
    for table, column, role, privilege in _rows(connection, _NOT_GRANTED, ground):
        where = f"{privilege} ({_name(column)}) on {table}"
        yield Mutant("a column more", f"{where} to {role}", f"grant {where} to {role};")
    for table, column in _rows(connection, _DEFAULTS, ground):
        statement = f"alter table {table} alter {_name(column)} drop default;"
        yield Mutant("no default", f"{column} of {table}", statement)
    for table, column in _rows(connection, _NOT_NULL, ground):
        statement = f"alter table {table} alter {_name(column)} drop not null;"
        yield Mutant("owner may be null", f"{column} of {table}", statement)


def _of_views(connection: psycopg.Connection[Any], ground: Ground) -> Iterator[Mutant]:
    for (view,) in _rows(connection, _VIEWS, ground):
        yield Mutant("invokes no longer", view, f"alter view {view} reset (security_invoker);")
        yield Mutant("no barrier", view, f"alter view {view} reset (security_barrier);")


def _of_functions(connection: psycopg.Connection[Any], ground: Ground) -> Iterator[Mutant]:
    for name, definer, answers, definition, source, arguments in _rows(connection, _FUNCTIONS, ground):
        if definer:
            yield Mutant("its caller's rights", name, f"alter function {name} security invoker;")
        else:
            yield Mutant("its owner's rights", name, f"alter function {name} security definer;")
        least = ground.clients[0]
        schema = f"grant usage on schema private to {least}; " if name.startswith("private.") else ""
        yield Mutant(f"called by {least}", name, f"{schema}grant execute on function {name} to {least};")
        if "search_path" in definition:
            yield Mutant("no search_path", name, f"alter function {name} reset search_path;")
        for argument in arguments:
            if f"= {argument} " in source:
                changed = definition.replace(f"= {argument} ", f"is not null or {argument} is null ", 1)
                yield Mutant("ignores its argument", name, changed)
        if answers:
            yield Mutant("always true", name, definition.replace(source, " select true "))
        for asked in ("app_metadata", "and m.is_admin", "and m.role = 'admin'", "user_id = "):
            if asked in source:
                other = {
                    "app_metadata": "user_metadata",
                    "user_id = ": "user_id is not null or user_id = ",
                }.get(asked, "")
                said = _SAID.findall(source) if other == "user_metadata" else ()
                yield Mutant(
                    f"{other or 'nothing'} for {asked}",
                    name,
                    definition.replace(asked, other),
                    claims=tuple({other: {key: value}} for key, value in said),
                )


def _of_the_rest(connection: psycopg.Connection[Any], ground: Ground) -> Iterator[Mutant]:
    for table, trigger in _rows(connection, _TRIGGERS, ground):
        yield Mutant("no trigger", f"{trigger} on {table}", f"alter table {table} disable trigger {_name(trigger)};")
    yield Mutant("create in the schema", ground.schema,
                 f"grant create on schema {ground.schema} to {ground.clients[-1]};", widens=True)  # fmt: skip


def _of_the_platform(connection: psycopg.Connection[Any]) -> Iterator[Mutant]:
    """What only Supabase has: an API that sends no SQL of clients among it."""
    yield Mutant("SQL from outside", SUPABASE.schema,
                 f"create function {SUPABASE.schema}.q(said text) returns setof text language plpgsql as "
                 "$$ begin return query execute 'select name from pg_class where name = ''' || said || ''''; end $$;",
                 widens=True)  # fmt: skip
    for table, *_ in _rows(connection, _TABLES, SUPABASE):
        yield Mutant("published", table, f"alter publication supabase_realtime add table {table};")
    for (bucket,) in connection.execute("select id from storage.buckets").fetchall():
        made = sql.SQL("update storage.buckets set public = true where id = {};").format(bucket).as_string()
        yield Mutant("public bucket", bucket, made, widens=True)


def _of_roles(connection: psycopg.Connection[Any], ground: Ground) -> Iterator[Mutant]:
    """What an owner of a server of one's own does to roles, where on Supabase they are the platform's."""
    for role in ground.clients:
        yield Mutant("bypasses RLS", role, f"alter role {role} bypassrls;")
        owners = set()
        for table, owner, superuser in _rows(connection, _OWNERS, ground):
            yield Mutant("owns it", f"{role}: {table}", f"alter table {table} owner to {role};")
            owners |= {owner} if owner != role and not superuser else set()
        for one in sorted(owners):
            yield Mutant("a member of the owner", f"{role}: {one}", f"grant {one} to {role};")
        for one in ground.clients:
            if one != role:
                yield Mutant("a member of another", f"{role}: {one}", f"grant {one} to {role};")
        # It reads the catalog's samples of all rows as well, which no policy keeps.
        yield Mutant("reads all data", role, f"grant pg_read_all_data to {role};", widens=True)
        yield Mutant("writes all data", role, f"grant pg_write_all_data to {role};")


# Expressions


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node stands: in a field of its parent, in a place of it where that is a list."""

    parent: Node
    field: str
    place: int | None

    def put(self, new: Node) -> None:
        if self.place is None:
            setattr(self.parent, self.field, new)
            return
        listed = list(getattr(self.parent, self.field))
        listed[self.place] = new
        setattr(self.parent, self.field, tuple(listed))


def _changed(text: str) -> Iterator[tuple[str, str]]:
    """Yields an expression with one thing changed, and what that is."""
    number = 0
    while True:
        tree: Node = parse_sql(f"select {text}")[0].stmt
        changes = [(one, place, new) for place, node in _nodes(tree) for one, new in _others(node)]
        if number >= len(changes):
            return
        operator, place, new = changes[number]
        place.put(new)
        yield operator, RawStream()(tree).removeprefix("SELECT ")
        number += 1


def _around(text: str) -> Iterator[tuple[str, str]]:
    """Yields an expression with something put around it, and what that is."""
    yield "or true", f"({text}) or true"
    yield "not false", f"({text}) is not false"
    yield "true if null", f"coalesce({text}, true)"
    yield "not", f"not ({text})"


def _by_metadata(text: str) -> str:
    """Whom user_metadata names in the place of who signed in."""
    return re.sub(r"(?:auth\.)?uid\(\)", "((auth.jwt() -> 'user_metadata' ->> 'sub')::uuid)", text)


def _others(node: Node) -> Iterator[tuple[str, Node]]:
    """Yields what somebody may have written in the place of a node."""
    match node:
        case ast.BoolExpr(boolop=BoolExprType.AND_EXPR | BoolExprType.OR_EXPR as kind, args=tuple(terms)):
            for left in range(len(terms)):
                rest = tuple(term for number, term in enumerate(terms) if number != left)
                yield "a term less", rest[0] if len(rest) == 1 else ast.BoolExpr(boolop=kind, args=rest)
            other = BoolExprType.OR_EXPR if kind == BoolExprType.AND_EXPR else BoolExprType.AND_EXPR
            yield "and for or", ast.BoolExpr(boolop=other, args=terms)
        case ast.A_Expr(
            kind=A_Expr_Kind.AEXPR_OP, name=(ast.String(sval="="),), lexpr=ast.Node() as left, rexpr=ast.Node() as right
        ):
            yield "not distinct", _compared(left, right, "=", A_Expr_Kind.AEXPR_NOT_DISTINCT)
            yield "not equal", _compared(left, right, "<>")
            yield "equal to itself", _compared(left, left, "=")
            yield "the other side to itself", _compared(right, right, "=")
            yield "not null for equal", ast.NullTest(arg=left, nulltesttype=NullTestType.IS_NOT_NULL)
            yield "the other side is there", ast.NullTest(arg=right, nulltesttype=NullTestType.IS_NOT_NULL)
        case ast.BooleanTest(arg=arg, booltesttype=BoolTestType.IS_NOT_TRUE):
            yield "is not false", ast.BooleanTest(arg=arg, booltesttype=BoolTestType.IS_NOT_FALSE)
        case _:
            pass


def _compared(left: Node, right: Node, operator: str, kind: A_Expr_Kind = A_Expr_Kind.AEXPR_OP) -> Node:
    return ast.A_Expr(kind=kind, name=(ast.String(sval=operator),), lexpr=left, rexpr=right)


def _nodes(node: Node) -> Iterator[tuple[_Place, Node]]:
    """Yields each node below with where it stands."""
    for field in node:
        value = getattr(node, field)
        if isinstance(value, ast.Node):
            yield _Place(node, field, None), value
            yield from _nodes(value)
        elif isinstance(value, tuple):
            for place, one in enumerate(value):
                if isinstance(one, ast.Node):
                    yield _Place(node, field, place), one
                    yield from _nodes(one)


def _name(name: str) -> str:
    return sql.Identifier(name).as_string()
