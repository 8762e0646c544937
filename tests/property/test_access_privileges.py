"""Every answer of `Access` is the server's own, over random roles, memberships, owners, grants and policies.

One database for all examples: each is a transaction that is rolled back, and asks the server everything in one query.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from privileges_oracle import COMMANDS, PARAMETER_ACL, answers, oracle

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, take
from rlsaudit.connect import connect

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
        asked = [*ROLES, *(one for one in roles_of(version) if one.startswith("pg_"))]
        expected = oracle(session, asked, PARAMETERS)
    answered = answers(Access(Catalog(snapshot)), expected)
    wrong = {key: told for key, told in expected.items() if answered[key] != told}
    assert not wrong, "the server says otherwise"
