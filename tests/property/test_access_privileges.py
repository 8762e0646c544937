"""Every answer of `Access` is the server's own, over random roles, memberships, owners, grants and policies.

One database for all examples: each is a transaction that is rolled back, and asks the server everything in one query.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, take
from rlsaudit.connect import connect
from rlsaudit.model import Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.connect import Session
    from rlsaudit.engine import Server

DATABASE = "random_grants"
ROLES = tuple(f"acc_{number}" for number in range(6))
TABLES = ("s0.t0", "s0.t1", "s1.bare")
READABLE = (*TABLES, "s1.v0", "s0.m0")
SCHEMAS = ("s0", "s1")
FUNCTIONS = ("s0.f0(integer)", "s1.f0(text)")
SEQUENCE = "s0.q0"
LARGE_OBJECT = 990_001
PARAMETERS = ("work_mem", "session_replication_role")
COMMANDS = {"r": "select", "a": "insert", "w": "update", "d": "delete", "*": "all"}
COLUMN_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "REFERENCES")
SKELETON = f"""
create schema s0;
create schema s1;
create table s0.t0 (a int, b int);
create table s0.t1 (a int, b int) partition by list (a);
create table s1.bare ();
create view s1.v0 as select a, b from s0.t0;
create materialized view s0.m0 as select a, b from s0.t0;
create sequence s0.q0;
create function s0.f0(int) returns int language sql return 1;
create function s1.f0(text) returns int language sql return 1;
create type s0.e0 as enum ('a');
create type s0.k0 as (a int);
create domain s1.d0 as int;
create foreign data wrapper w0;
create server h0 foreign data wrapper w0;
select lo_create({LARGE_OBJECT});
{"".join(f"create role {role};" for role in ROLES)}
"""

# What may fail by the rules of GRANT (a cycle, no right to grant) leaves the rest of the example as it is.
RUN = """
do $run$
declare statement text;
begin
  for statement in select value from json_array_elements_text({statements}) loop
    begin
      execute statement;
    exception when invalid_grant_operation or insufficient_privilege then null;
    end;
  end loop;
end $run$"""

# Under each role in turn, for these functions tell only of the current one.
ASK_RLS = """
do $ask$
declare
  answers jsonb = '{}';
  persona name;
begin
  foreach persona in array %(roles)s loop
    perform set_config('role', persona, true);
    execute 'select $1 || jsonb_object_agg($2 || '' '' || c.oid, row_security_active(c.oid)) from pg_class c
             where c.relnamespace in (select oid from pg_namespace where nspname ~ ''^s[01]$'')' into answers
    using answers, persona;
  end loop;
  perform set_config('role', 'none', true), set_config('oracle.rls', answers::text, true);
end $ask$"""

ORACLE = """
with r as (select oid, rolname as role from pg_roles),
  asked as (select * from r where role like 'acc\\_%%' or role ~ '^pg_(read|write|database|maintain)'),
  n as (select oid, nspname from pg_namespace where nspname in ('s0', 's1')),
  c as (select c.* from pg_class c join n on n.oid = relnamespace where relkind in ('r', 'p', 'v', 'm', 'S')),
  p as (select unnest(%(table_privileges)s::text[]) as privilege),
  k as (select unnest(array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) as privilege)
select 'table', role, c.oid::bigint, privilege, has_table_privilege(asked.oid, c.oid, privilege)
from asked, c, p where relkind <> 'S'
union all
select 'any column', role, c.oid, privilege, has_any_column_privilege(asked.oid, c.oid, privilege)
from asked, c, k where relkind <> 'S'
union all
select 'column ' || a.attname, role, c.oid, privilege, has_column_privilege(asked.oid, c.oid, a.attnum, privilege)
from asked, c, k, pg_attribute a where relkind <> 'S' and a.attrelid = c.oid and a.attnum > 0
union all
select 'sequence', role, c.oid, privilege, has_sequence_privilege(asked.oid, c.oid, privilege)
from asked, c, unnest(array['SELECT', 'UPDATE', 'USAGE']) privilege where relkind = 'S'
union all
select 'schema', role, n.oid, privilege, has_schema_privilege(asked.oid, n.oid, privilege)
from asked, n, unnest(array['USAGE', 'CREATE']) privilege
union all
select 'function', role, f.oid, 'EXECUTE', has_function_privilege(asked.oid, f.oid, 'EXECUTE')
from asked, pg_proc f join n on n.oid = pronamespace
union all
select 'database', role, 0, privilege, has_database_privilege(asked.oid, current_database(), privilege)
from asked, unnest(array['CONNECT', 'CREATE', 'TEMPORARY']) privilege
union all
select 'type', role, t.oid, 'USAGE', has_type_privilege(asked.oid, t.oid, 'USAGE')
from asked, pg_type t join n on n.oid = typnamespace where typname in ('e0', 'k0', 'd0')
union all
select 'language', role, l.oid, 'USAGE', has_language_privilege(asked.oid, l.oid, 'USAGE') from asked, pg_language l
union all
select 'server', role, s.oid, 'USAGE', has_server_privilege(asked.oid, s.oid, 'USAGE') from asked, pg_foreign_server s
union all
select 'wrapper', role, w.oid, 'USAGE', has_foreign_data_wrapper_privilege(asked.oid, w.oid, 'USAGE')
from asked, pg_foreign_data_wrapper w
union all
select 'role', asked.role, r.oid, privilege, pg_has_role(asked.oid, r.oid, privilege)
from asked, r, unnest(array['USAGE', %(set)s]::text[]) privilege
union all
select 'admin', asked.role, r.oid, '', pg_has_role(asked.oid, r.oid, 'MEMBER WITH ADMIN OPTION') from asked, r
union all
select 'policy ' || polname, role, polrelid, polcmd::text,
  exists (select from unnest(polroles) o where o = 0 or pg_has_role(asked.oid, o, 'USAGE'))
from asked, pg_policy join c on c.oid = polrelid
union all
select 'rls', split_part(key, ' ', 1), split_part(key, ' ', 2)::bigint, '', value::boolean
from jsonb_each_text(current_setting('oracle.rls')::jsonb) join c on c.oid = split_part(key, ' ', 2)::bigint
"""

# What not every major can be asked.
ORACLE_OF_PARAMETERS = """
union all
select 'parameter ' || name, role, 0, privilege, has_parameter_privilege(asked.oid, name, privilege)
from asked, unnest(%(parameters)s::text[]) name, unnest(array['SET', 'ALTER SYSTEM']) privilege
"""
ORACLE_OF_LARGE_OBJECTS = """
union all
select 'large object', role, m.oid, privilege, has_largeobject_privilege(asked.oid, m.oid, privilege)
from asked, pg_largeobject_metadata m, unnest(array['SELECT', 'UPDATE']) privilege
"""
PARAMETER_ACL = 150_000
ASKS_LARGE_OBJECTS = 180_000

Key = tuple[str, str, int, str]


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[Session]:
    with connect(server.create_database(DATABASE)) as admin:
        admin.execute(SKELETON)
        yield admin
    server.drop_database(DATABASE)
    with connect(server.dsn("postgres")) as admin:
        admin.execute("".join(f"drop role {role};" for role in ROLES))


def roles_of(server_version_num: int) -> tuple[str, ...]:
    """The roles that grants may name: predefined ones, too."""
    predefined = ("pg_read_all_data", "pg_write_all_data", "pg_database_owner")
    return (*ROLES, *predefined, *(("pg_maintain",) if server_version_num >= 170_000 else ()))


role = st.sampled_from(ROLES)
flag = st.booleans()
rarely = st.sampled_from((False,) * 9 + (True,))


@st.composite
def attributes(draw: st.DrawFn) -> str:
    words = {"superuser": draw(rarely), "inherit": draw(flag), "bypassrls": draw(rarely)}
    return f"alter role {draw(role)} {' '.join(word if on else f'no{word}' for word, on in words.items())}"


@st.composite
def memberships(draw: st.DrawFn, version: int) -> str:
    # Nobody can be made a member of pg_database_owner.
    grantable = [one for one in roles_of(version) if one != "pg_database_owner"]
    granted, member = draw(st.sampled_from(grantable)), draw(role)
    admin, by = draw(flag), draw(st.none() | role)
    if version < 160_000:
        options = " with admin option" if admin else ""
    else:
        inherit = draw(st.sampled_from(("", ", inherit true", ", inherit false")))
        options = f" with admin {str(admin).lower()}{inherit}, set {str(draw(flag)).lower()}"
    return f"grant {granted} to {member}{options}{f' granted by {by}' if by else ''}"


@st.composite
def owners(draw: st.DrawFn) -> str:
    things = (
        *(f"schema {name}" for name in SCHEMAS),
        *(f"table {name}" for name in READABLE),
        *(f"function {name}" for name in FUNCTIONS),
        f"sequence {SEQUENCE}",
        f"database {DATABASE}",
        "type s0.e0",
        "type s0.k0",
        "domain s1.d0",
        "server h0",
        f"large object {LARGE_OBJECT}",
    )
    thing = draw(st.sampled_from(things))
    new = draw(role)
    # A table's owner must be told by itself: ALTER TABLE takes views too, but no such word exists for the others.
    return f"alter {thing} owner to {new}"


@st.composite
def grants(draw: st.DrawFn, version: int) -> str:
    table_privileges = ["select", "insert", "update", "delete", "truncate", "references", "trigger", "all"]
    if version >= 170_000:
        table_privileges.append("maintain")
    kinds: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
        ("table", READABLE, tuple(table_privileges)),
        ("column", ("s0.t0", "s0.t1", "s1.v0"), ("select", "insert", "update", "references", "all")),
        ("schema", SCHEMAS, ("usage", "create", "all")),
        ("function", FUNCTIONS, ("execute",)),
        ("sequence", (SEQUENCE,), ("select", "update", "usage", "all")),
        ("database", (DATABASE,), ("connect", "create", "temporary", "all")),
        ("type", ("s0.e0", "s0.k0"), ("usage",)),
        ("domain", ("s1.d0",), ("usage",)),
        ("language", ("plpgsql",), ("usage",)),
        ("foreign server", ("h0",), ("usage",)),
        ("foreign data wrapper", ("w0",), ("usage",)),
        ("large object", (str(LARGE_OBJECT),), ("select", "update", "all")),
        *((("parameter", PARAMETERS, ("set", "alter system", "all")),) if version >= PARAMETER_ACL else ()),
    )
    kind, names, privileges = draw(st.sampled_from(kinds))
    privilege = draw(st.sampled_from(privileges))
    target = draw(st.sampled_from(names))
    if kind == "column":
        on = f"{privilege} ({draw(st.sampled_from(('a', 'b', 'a, b')))}) on table {target}"
    else:
        on = f"{privilege} on {kind} {target}"
    grantee = draw(st.sampled_from((*roles_of(version), "public")))
    if draw(st.sampled_from((False, False, True))):
        only_option = draw(rarely)
        statement = f"revoke {'grant option for ' if only_option else ''}{on} from {grantee} cascade"
    else:
        option = " with grant option" if grantee != "public" and draw(flag) else ""
        statement = f"grant {on} to {grantee}{option}"
    by = draw(st.none() | role)
    return f"set local role {by}; {statement}; reset role" if by else statement


@st.composite
def row_security(draw: st.DrawFn) -> str:
    table = draw(st.sampled_from(TABLES))
    force = draw(st.sampled_from(("", ", force row level security")))
    return f"alter table {table} {draw(st.sampled_from(('enable', 'enable', 'disable')))} row level security{force}"


@st.composite
def policies(draw: st.DrawFn, version: int) -> list[str]:
    written = []
    for number in range(draw(st.integers(0, 4))):
        table = draw(st.sampled_from(TABLES))
        command = draw(st.sampled_from(tuple(COMMANDS.values())))
        kind = draw(st.sampled_from(("permissive", "restrictive")))
        named = ("public", "acc_0", "acc_1", *roles_of(version))
        to = draw(st.lists(st.sampled_from(named), min_size=1, max_size=2, unique=True))
        expression = "with check (true)" if command == "insert" else "using (true)"
        written.append(f"create policy p{number} on {table} as {kind} for {command} to {', '.join(to)} {expression}")
    return written


@st.composite
def databases(draw: st.DrawFn, version: int) -> list[str]:
    """The statements that make one random database out of the skeleton."""
    return [
        *draw(st.lists(attributes(), max_size=3)),
        *draw(st.lists(memberships(version), max_size=8)),
        *draw(st.lists(owners(), max_size=5)),
        *draw(st.lists(grants(version), max_size=10)),
        *draw(st.lists(row_security(), max_size=4)),
        *draw(policies(version)),
    ]


@given(data=st.data())
def test_access_answers_as_the_server_does(session: Session, data: st.DataObject) -> None:
    version = session.server_version_num
    statements = data.draw(databases(version))
    note(";\n".join(["begin", *statements]))
    with session.rolled_back():
        session.execute(RUN.format(statements=f"$json${json.dumps(statements)}$json$"))
        snapshot = take(session)
        expected = oracle(session)
    answered = answers(Access(Catalog(snapshot)), expected)
    wrong = {key: told for key, told in expected.items() if answered[key] != told}
    assert not wrong, "the server says otherwise"


def oracle(session: Session) -> dict[Key, bool]:
    session.execute(ASK_RLS % {"roles": f"array[{', '.join(repr(one) for one in ROLES)}]::name[]"})
    maintain = ["MAINTAIN"] if session.server_version_num >= 170_000 else []
    privileges = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", *maintain]
    become = "SET" if session.server_version_num >= 160_000 else "MEMBER"
    with session.connection.cursor() as cursor:
        session.execute("select set_config('search_path', 'pg_catalog', true)")
        query = ORACLE
        if session.server_version_num >= PARAMETER_ACL:
            query += ORACLE_OF_PARAMETERS
        if session.server_version_num >= ASKS_LARGE_OBJECTS:
            query += ORACLE_OF_LARGE_OBJECTS
        wanted = {"table_privileges": privileges, "set": become, "parameters": list(PARAMETERS)}
        cursor.execute(query.encode(), wanted)
        return {(kind, who, oid, privilege): told for kind, who, oid, privilege, told in cursor.fetchall()}


def answers(access: Access, keys: Any) -> dict[Key, bool]:  # noqa: ANN401
    catalog = access.catalog
    found: dict[Key, bool] = {}
    for kind, who, oid, privilege in keys:
        asked = catalog.roles_by_name[who].oid
        found[kind, who, oid, privilege] = answer(access, kind, asked, oid, privilege)
    return found


def answer(access: Access, kind: str, asked: int, oid: int, privilege: str) -> bool:
    catalog = access.catalog
    match kind.split():
        case ["table"] | ["sequence"]:
            return access.on_table(asked, catalog.relations[oid], privilege)
        case ["any", "column"]:
            return access.on_any_column(asked, catalog.relations[oid], privilege)
        case ["column", name]:
            (column,) = (one for one in catalog.columns[oid] if one.name == name)
            answered = access.on_column(asked, catalog.relations[oid], column, privilege)
            assert answered == (column in access.columns(asked, catalog.relations[oid], privilege))
            return answered
        case ["schema"]:
            schema = catalog.schemas[oid]
            return access.usage(asked, schema) if privilege == "USAGE" else access.create(asked, schema)
        case ["function"]:
            return access.may_call(asked, catalog.functions[oid])
        case ["role"]:
            return access.roles.acts_as(asked, oid) if privilege == "USAGE" else oid in access.roles.settable(asked)
        case ["rls"]:
            return access.rls_applies(asked, catalog.relations[oid])
        case ["policy", name]:
            operation = Operation.SELECT if privilege == "*" else Operation(COMMANDS[privilege])
            applying = access.policies(asked, catalog.relations[oid], operation)
            # No policy applies to a superuser, so it does not matter whose they are.
            return access.roles.is_superuser(asked) or name in {one.name for one in applying}
        case _:
            return of_minor(access, kind, asked, oid, privilege)


def of_minor(access: Access, kind: str, asked: int, oid: int, privilege: str) -> bool:
    """What is rarely granted, and membership itself."""
    snapshot = access.catalog.snapshot
    listed: dict[str, Any] = {
        "type": snapshot.types,
        "language": snapshot.languages,
        "server": snapshot.foreign_servers,
        "wrapper": snapshot.foreign_wrappers,
    }
    match kind.split():
        case ["admin"]:
            return oid in access.roles.administrable(asked)
        case ["database"]:
            return access.on_database(asked, privilege)
        case ["parameter", name]:
            return access.on_parameter(asked, name, privilege)
        case ["large", "object"]:
            (objects,) = snapshot.large_objects
            return access.on_large_objects(asked, objects, privilege)
        case [name] if name in listed:
            (acl,) = (one.acl for one in listed[name] if one.oid == oid)
            return access.holds(asked, acl, privilege)
    raise AssertionError(kind)
