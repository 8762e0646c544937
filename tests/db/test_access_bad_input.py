"""What an audit meets between its steps, and in files: things renamed meanwhile, circles, grants to nobody."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from rlsaudit.access import Access, Reasons
from rlsaudit.audit import Options, examine
from rlsaudit.catalog import Catalog, take
from rlsaudit.catalog.facts import Grant, Membership
from rlsaudit.connect import connect
from rlsaudit.model import EvidenceKind, Operation, Reach

SCHEMA = """
create table public.notes (id int primary key, owner uuid, body text);
insert into public.notes values (1);
alter table public.notes enable row level security;
create policy mine on public.notes for select to authenticated using (owner = (select auth.uid()));
create table public.open (id int primary key);
insert into public.open values (1);
"""


@pytest.mark.parametrize(
    "meanwhile",
    [
        "alter table public.notes rename to letters; alter table public.open rename to notes",
        "drop table public.notes, public.open",
        "alter schema public rename to elsewhere",
        "revoke all on all tables in schema public from anon, authenticated",
        "revoke usage on schema public from public, anon, authenticated",
        "alter table public.open add column more text; alter table public.open drop column id",
    ],
)
def test_what_changes_between_snapshot_and_probes_is_no_crash_and_closes_no_door(
    supabase_database: str, meanwhile: str
) -> None:
    with psycopg.connect(supabase_database, autocommit=True) as other:
        other.execute(f"set role postgres; {SCHEMA}; reset role".encode())
        with connect(supabase_database) as session:
            with session.read_only():
                snapshot = take(session)
            other.execute(meanwhile.encode())
            report = examine(snapshot, Options(), session).report
    cells = {(one.persona, one.relation, one.operation): one for one in report.matrix}
    opened = cells["anon", "public.open", Operation.SELECT]
    if meanwhile.startswith("revoke"):
        # The server was asked later, and said no: that is an answer.
        assert (opened.at_most, opened.evidence) == (Reach.NONE, EvidenceKind.PROBE)
    else:
        assert opened.at_most is Reach.ALL
        assert cells["authenticated", "public.notes", Operation.SELECT].at_most is not Reach.NONE
    assert report.summary.cells == len(report.matrix)


def test_a_circle_of_memberships_in_a_file_ends(database: str) -> None:
    with connect(database) as session, session.rolled_back():
        session.execute("create role bad_a; create role bad_b; create role bad_c; create table public.t (id int)")
        snapshot = take(session)
    by_name = {one.name: one.oid for one in snapshot.roles}
    a, b, c = (by_name[f"bad_{one}"] for one in "abc")
    circle = tuple(
        Membership(one, other, 10, admin=True, inherit=True, set=True)
        for one, other in ((a, b), (b, c), (c, a), (a, a))
    )
    table = next(one for one in snapshot.relations if one.name == "t")
    granted = replace(table, acl=(*table.acl, Grant(c, 10, "SELECT", grantable=False)))
    access = Access(Catalog(replace(snapshot, memberships=circle, relations=(granted,))))
    for one in (a, b, c):
        assert {a, b, c} <= access.roles.inherited(one)
        assert access.roles.settable(one) == access.roles.obtainable(one) == {a, b, c}
        assert access.on_table(one, granted, "SELECT")
    assert access.roles.path(b, c) == (b, a, c)
    link = Reasons(access).privilege(b, granted, "SELECT")
    assert link.through[1] == "bad_b inherits from bad_a from bad_c"


def test_grants_to_roles_that_nobody_knows_are_nobodys(database: str) -> None:
    with connect(database) as session, session.rolled_back():
        session.execute("create role bad_a; create table public.t (id int)")
        snapshot = take(session)
    stranger = 4_000_000_000
    table = next(one for one in snapshot.relations if one.name == "t")
    granted = replace(table, acl=(Grant(stranger, stranger, "SELECT", grantable=True),), owner=stranger)
    access = Access(Catalog(replace(snapshot, relations=(granted,))))
    role = access.catalog.roles_by_name["bad_a"].oid
    assert not access.on_table(role, granted, "SELECT")
    assert Reasons(access).privilege(stranger, granted, "SELECT").through == (f"{stranger} owns it",)
    assert Reasons(access).row_security(role, granted).through == ("off",)
