"""What the server says of privileges, and what `Access` says, for the same questions: of all roles on all objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rlsaudit.model import Operation
from rlsaudit.names import literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import LargeObjects
    from rlsaudit.connect import Session

COMMANDS = {"r": "select", "a": "insert", "w": "update", "d": "delete", "*": "all"}
OWN = "nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_(toast|temp)'"
"""The schemas whose objects are asked about."""

# Under each role in turn, for these functions tell only of the current one.
ASK_RLS = """
do $ask$
declare
  answers jsonb = '{{}}';
  persona name;
begin
  foreach persona in array {roles} loop
    perform set_config('role', quote_ident(persona), true);
    select answers || coalesce(jsonb_object_agg(persona || ' ' || c.oid, row_security_active(c.oid)), '{{}}')
    into answers
    from pg_class c where c.relnamespace in (select oid from pg_namespace where {own})
      and c.relkind in ('r', 'p', 'v', 'm');
  end loop;
  perform set_config('role', 'none', true), set_config('oracle.rls', answers::text, true);
end $ask$"""

ORACLE = f"""
with r as (select oid, rolname as role from pg_roles),
  asked as (select * from r where role = any (%(roles)s)),
  n as (select oid, nspname from pg_namespace where {OWN}),
  c as (select c.* from pg_class c join n on n.oid = relnamespace where relkind in ('r', 'p', 'v', 'm', 'f', 'S')),
  p as (select unnest(%(table_privileges)s::text[]) as privilege),
  k as (select unnest(array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) as privilege)
select 'table', '', role, c.oid::bigint, privilege, has_table_privilege(asked.oid, c.oid, privilege)
from asked, c, p where relkind <> 'S'
union all
select 'any column', '', role, c.oid, privilege, has_any_column_privilege(asked.oid, c.oid, privilege)
from asked, c, k where relkind <> 'S'
union all
select 'column', a.attname, role, c.oid, privilege, has_column_privilege(asked.oid, c.oid, a.attnum, privilege)
from asked, c, k, pg_attribute a where relkind <> 'S' and a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
union all
select 'sequence', '', role, c.oid, privilege, has_sequence_privilege(asked.oid, c.oid, privilege)
from asked, c, unnest(array['SELECT', 'UPDATE', 'USAGE']) privilege where relkind = 'S'
union all
select 'schema', '', role, n.oid, privilege, has_schema_privilege(asked.oid, n.oid, privilege)
from asked, n, unnest(array['USAGE', 'CREATE']) privilege
union all
select 'function', '', role, f.oid, 'EXECUTE', has_function_privilege(asked.oid, f.oid, 'EXECUTE')
from asked, pg_proc f join n on n.oid = pronamespace where f.prokind in ('f', 'p', 'w')
union all
select 'database', '', role, 0, privilege, has_database_privilege(asked.oid, current_database(), privilege)
from asked, unnest(array['CONNECT', 'CREATE', 'TEMPORARY']) privilege
union all
select 'type', '', role, t.oid, 'USAGE', has_type_privilege(asked.oid, t.oid, 'USAGE')
from asked, pg_type t join n on n.oid = typnamespace left join pg_class l on l.oid = t.typrelid
where t.typtype in ('b', 'c', 'd', 'e', 'r') and t.typcategory <> 'A' and coalesce(l.relkind, 'c') = 'c'
union all
select 'language', '', role, l.oid, 'USAGE', has_language_privilege(asked.oid, l.oid, 'USAGE') from asked, pg_language l
union all
select 'server', '', role, s.oid, 'USAGE', has_server_privilege(asked.oid, s.oid, 'USAGE')
from asked, pg_foreign_server s
union all
select 'wrapper', '', role, w.oid, 'USAGE', has_foreign_data_wrapper_privilege(asked.oid, w.oid, 'USAGE')
from asked, pg_foreign_data_wrapper w
union all
select 'role', '', asked.role, r.oid, privilege, pg_has_role(asked.oid, r.oid, privilege)
from asked, r, unnest(array['USAGE', %(set)s]::text[]) privilege
union all
select 'admin', '', asked.role, r.oid, '', pg_has_role(asked.oid, r.oid, 'MEMBER WITH ADMIN OPTION') from asked, r
union all
select 'policy', polname, role, polrelid, polcmd::text,
  exists (select from unnest(polroles) o where o = 0 or pg_has_role(asked.oid, o, 'USAGE'))
from asked, pg_policy join c on c.oid = polrelid
union all
select 'rls', '', regexp_replace(key, ' [0-9]+$', ''), c.oid, '', value::boolean
from jsonb_each_text(current_setting('oracle.rls')::jsonb)
join c on c.oid = substring(key from '[0-9]+$')::bigint
"""

# What not every major can be asked.
ORACLE_OF_PARAMETERS = """
union all
select 'parameter', name, role, 0, privilege, has_parameter_privilege(asked.oid, name, privilege)
from asked, unnest(%(parameters)s::text[]) name, unnest(array['SET', 'ALTER SYSTEM']) privilege
"""
ORACLE_OF_LARGE_OBJECTS = """
union all
select 'large object', concat(lomowner, ' ', (
    select string_agg(concat(grantee, '=', privilege_type, '/', grantor), ' ')
    from aclexplode(coalesce(lomacl, acldefault('L', lomowner))))),
  role, m.oid, privilege, has_largeobject_privilege(asked.oid, m.oid, privilege)
from asked, pg_largeobject_metadata m, unnest(array['SELECT', 'UPDATE']) privilege
"""
PARAMETER_ACL = 150_000
ASKS_LARGE_OBJECTS = 180_000

Key = tuple[str, str, str, int, str]
"""What is asked about: kind, name within it, role, OID, privilege."""


def oracle(session: Session, roles: Sequence[str], parameters: Sequence[str] = ()) -> dict[Key, bool]:
    """What the server says of these roles, in the transaction that the session is in, as superuser."""
    session.execute("select set_config('search_path', 'pg_catalog', true)")
    listed = f"array[{', '.join(literal(one) for one in roles)}]::name[]"
    session.execute(ASK_RLS.format(roles=listed, own=OWN))
    version = session.server_version_num
    maintain = ["MAINTAIN"] if version >= 170_000 else []
    wanted = {
        "roles": list(roles),
        "parameters": list(parameters),
        "table_privileges": ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", *maintain],
        "set": "SET" if version >= 160_000 else "MEMBER",
    }
    query = ORACLE
    query += ORACLE_OF_PARAMETERS if version >= PARAMETER_ACL else ""
    query += ORACLE_OF_LARGE_OBJECTS if version >= ASKS_LARGE_OBJECTS else ""
    with session.connection.cursor() as cursor:
        cursor.execute(query.encode(), wanted)
        return {(kind, name, who, oid, privilege): told for kind, name, who, oid, privilege, told in cursor.fetchall()}


def answers(access: Access, keys: Iterable[Key]) -> dict[Key, bool]:
    """What `Access` says to the same questions."""
    return {key: answer(access, key) for key in keys}


def answer(access: Access, key: Key) -> bool:
    kind, name, who, oid, privilege = key
    catalog = access.catalog
    asked = catalog.roles_by_name[who].oid
    match kind:
        case "table" | "sequence":
            return access.on_table(asked, catalog.relations[oid], privilege)
        case "any column":
            return access.on_any_column(asked, catalog.relations[oid], privilege)
        case "column":
            (column,) = (one for one in catalog.columns[oid] if one.name == name)
            answered = access.on_column(asked, catalog.relations[oid], column, privilege)
            assert answered == (column in access.columns(asked, catalog.relations[oid], privilege))
            return answered
        case "schema":
            schema = catalog.schemas[oid]
            return access.usage(asked, schema) if privilege == "USAGE" else access.create(asked, schema)
        case "function":
            return access.may_call(asked, catalog.functions[oid])
        case "role":
            return access.roles.acts_as(asked, oid) if privilege == "USAGE" else oid in access.roles.settable(asked)
        case "rls":
            return access.rls_applies(asked, catalog.relations[oid])
        case "policy":
            operation = Operation.SELECT if privilege == "*" else Operation(COMMANDS[privilege])
            applying = access.policies(asked, catalog.relations[oid], operation)
            # No policy applies to a superuser, so it does not matter whose they are.
            return access.roles.is_superuser(asked) or name in {one.name for one in applying}
        case _:
            return of_minor(access, asked, key)


def of_minor(access: Access, asked: int, key: Key) -> bool:
    """What is rarely granted, and membership itself."""
    kind, name, _, oid, privilege = key
    snapshot = access.catalog.snapshot
    listed: dict[str, Any] = {
        "type": snapshot.types,
        "language": snapshot.languages,
        "server": snapshot.foreign_servers,
        "wrapper": snapshot.foreign_wrappers,
    }
    match kind:
        case "admin":
            return oid in access.roles.administrable(asked)
        case "database":
            return access.on_database(asked, privilege)
        case "parameter":
            return access.on_parameter(asked, name, privilege)
        case "large object":
            objects = next(one for one in snapshot.large_objects if _listed(one) == name)
            return access.on_large_objects(asked, objects, privilege)
        case _ if kind in listed:
            (acl,) = (one.acl for one in listed[kind] if one.oid == oid)
            return access.holds(asked, acl, privilege)
    raise AssertionError(key)


def _listed(objects: LargeObjects) -> str:
    """An owner and a list as the query above writes them, to tell groups of large objects apart."""
    return f"{objects.owner} " + " ".join(f"{one.grantee}={one.privilege}/{one.grantor}" for one in objects.acl)
