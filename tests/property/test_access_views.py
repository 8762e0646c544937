"""`reads_through` tells what the server does with nested views: who is asked for SELECT, whose policies apply.

Each table has a policy for each role that tells its name when it is evaluated, so a query shows as whom it read the
table. They are restrictive, for of permissive ones the first that is true would do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import event, given, note
from hypothesis import strategies as st

from rlsaudit.access import Access, reads_through
from rlsaudit.catalog import Catalog, take
from rlsaudit.connect import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.errors import Diagnostic

    from rlsaudit.connect import Session
    from rlsaudit.engine import Server

DATABASE = "random_views"
ROLES = ("view_a", "view_b", "view_c")
TABLES = ("s.t0", "s.t1")
SKELETON = f"""
create schema s;
{"".join(f"create role {role};" for role in ROLES)}
grant usage on schema s to public;
create function s.tells(text) returns boolean language plpgsql as $$begin raise notice '%', $1; return true; end$$;
create table s.t0 (a int, b int);
create table s.t1 (a int, b int);
insert into s.t0 values (1, 2);
insert into s.t1 values (1, 2);
create function s.rows() returns setof s.t0 language sql security definer as 'select * from s.t0';
{"".join(f"create policy everything on {table} using (true);" for table in TABLES)}
{
    "".join(
        f"create policy tells_{role} on {table} as restrictive to {role} using (s.tells('{table} {role}'));"
        for table in TABLES
        for role in ROLES
    )
}
"""
SHAPES = (
    "select a, b from {x}",
    "select a, 0 as b from {x}",
    "select 1 as a, 0 as b from {x} limit 1",
    "select x.a, y.b from {x} x, {y} y",
    "select x.a, x.b from {x} x where exists (select from {y} y where y.b is not null)",
    "select 1 as a, 2 as b",
    "select a, '{x}'::regclass::oid::int as b from {y}",
    "select a, b from s.rows()",
    "select a, (row(1, 2)::s.t0).b from {x} x",
    "select x.a, r.b from {x} x, s.rows() r",
    "select a, (select max(b) from {y}) as b from {x}",
    "with w as materialized (select a from {x}) select a, (select max(b) from {y}) as b from w",
)
OPTIONAL = "(select max(b)"
# Use the row type of s.t0, so that they depend on its columns without reading them.
ROW_TYPES = ("s.t0)", "s.rows()")

role = st.sampled_from(ROLES)
flag = st.booleans()


@st.composite
def databases(draw: st.DrawFn, version: int) -> tuple[list[str], str, str]:
    """The statements that make the views, the view to query, and who does."""
    made, owned, granted = [], [], []
    sources = list(TABLES)
    for number in range(draw(st.integers(1, 5))):
        view = f"s.v{number}"
        kind = "materialized view" if draw(st.integers(0, 6)) == 6 else "view"
        # The newest, so that they nest; now and then another.
        x, y = draw(st.sampled_from((sources[-1], sources[-1], *sources))), draw(st.sampled_from(sources))
        made.append(f"create {kind} {view} as {draw(st.sampled_from(SHAPES)).format(x=x, y=y)}")
        if kind == "view" and version >= 150_000:
            made.append(f"alter view {view} set (security_invoker = {draw(st.sampled_from(('on', 'off', 'yes')))})")
        sources.append(view)
    for number, source in enumerate(sources):
        # Not the same for all, even where every draw is the simplest.
        owner = ROLES[(number + draw(st.integers(0, 2))) % 3]
        owned.append(f"alter table {source} owner to {owner}")
        if draw(st.integers(0, 9)) == 9:
            granted.append(f"revoke select on {source} from {owner}")
        for grantee in ROLES:
            columns = draw(st.sampled_from(("", "", "", "", "", "", "", "(a)", "(a, b)", None)))
            if columns == "(a)" and source == "s.t0" and any(typed in one for typed in ROW_TYPES for one in made):
                # Which of its columns are read as a table's the catalog does not tell.
                columns = "(a, b)"
            if columns is not None:
                granted.append(f"grant select {columns} on {source} to {grantee}")
    for table in TABLES:
        if draw(st.integers(0, 3)) < 3:
            owned.append(f"alter table {table} enable row level security")
        if draw(flag):
            owned.append(f"alter table {table} force row level security")
    caller, top = draw(role), sources[-1]
    return [*made, *owned, *granted, f"grant select on {top} to {caller}"], top, caller


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[Session]:
    with connect(server.create_database(DATABASE)) as admin:
        admin.execute(SKELETON)
        yield admin
    server.drop_database(DATABASE)
    with connect(server.dsn("postgres")) as admin:
        admin.execute("".join(f"drop role {one};" for one in ROLES))


@given(data=st.data())
def test_reads_through_tells_as_whom_the_server_reads_each_table(session: Session, data: st.DataObject) -> None:
    statements, top, caller = data.draw(databases(session.server_version_num))
    query = f"select {data.draw(st.sampled_from(('*', 'a')))} from {top}"
    note(";\n".join(["begin", *statements, f"set local role {caller}", query]))
    with session.rolled_back():
        session.execute(";".join(statements))
        snapshot = take(session)
        told = outcome(session, caller, query)
    catalog = Catalog(snapshot)
    access = Access(catalog)
    view = catalog.relations_by_name["s", top.removeprefix("s.")]
    reads = reads_through(access, view, catalog.roles_by_name[caller].oid)
    computed: set[str] | None = None
    if all(read.granted for read in reads):
        computed = {
            f"{catalog.identity(read.relation)} {catalog.roles[read.role].name}"
            for read in reads
            if not read.stored and access.rls_applies(read.role, read.relation)
        }
    event("denied" if told is None else "policies" if told else "no policy")
    if any(OPTIONAL in one for one in statements) and computed is not None:
        # That subquery is asked for only where its column is: it may fail, or not be run at all.
        assert told is None or told <= computed
    else:
        assert computed == told


def outcome(session: Session, caller: str, query: str) -> set[str] | None:
    """What the tables' policies tell, None where the query is denied."""
    told: set[str] = set()

    def note_down(diagnostic: Diagnostic) -> None:
        told.add(diagnostic.message_primary or "")

    session.connection.add_notice_handler(note_down)
    try:
        session.execute(f"set local role {caller}")
        session.execute(query)
    except psycopg.errors.InsufficientPrivilege:
        return None
    finally:
        session.connection.remove_notice_handler(note_down)
    return told
