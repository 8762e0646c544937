"""`Access.policies` and `rls_applies` name the policies that the server evaluates, statement by statement.

Each policy of the table tells its name when it is evaluated. Permissive ones then say no, so that none is spared by one
before it; in a second run they say yes, so that an INSERT gets to the restrictive ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import event, given, note
from hypothesis import strategies as st

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, take
from rlsaudit.connect import connect
from rlsaudit.model import Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.errors import Diagnostic

    from rlsaudit.connect import Session
    from rlsaudit.engine import Server

DATABASE = "random_policies"
ROLES = ("pol_a", "pol_b", "pol_c", "pol_d")
SKELETON = f"""
{"".join(f"create role {role};" for role in ROLES)}
grant usage on schema public to public;
create table public.t (a int);
insert into public.t values (1);
grant all on public.t to public;
create function public.tells(text, permissive boolean) returns boolean language plpgsql as $$
begin
  raise notice '%', $1;
  return not permissive or current_setting('oracle.permit')::boolean;
end$$;
-- Without a permissive policy nothing would be evaluated.
create policy base on public.t using (public.tells('base', true)) with check (public.tells('base', true));
alter table public.t enable row level security;
"""
# None reads a column, so that no policy but those of its own command is asked.
STATEMENTS = {
    Operation.SELECT: "select from public.t",
    Operation.INSERT: "insert into public.t values (2)",
    Operation.UPDATE: "update public.t set a = 2",
    Operation.DELETE: "delete from public.t",
}
RUN = """
do $run$
begin
  begin
    execute '{statement}';
    raise exception using errcode = 'RB000';
  exception when insufficient_privilege or sqlstate 'RB000' then null;
  end;
end $run$"""

role = st.sampled_from(ROLES)
flag = st.booleans()


@st.composite
def databases(draw: st.DrawFn, version: int) -> list[str]:
    """Memberships, an owner, and policies."""
    made = [f"alter role {one} {'inherit' if draw(flag) else 'noinherit'}" for one in ROLES]
    if draw(st.integers(0, 9)) == 0:
        made.append(f"alter role {draw(role)} {draw(st.sampled_from(('superuser', 'bypassrls')))}")
    for number, granted in enumerate(ROLES):
        # Only to those after it, so that there is no cycle.
        for member in ROLES[number + 1 :]:
            if draw(flag):
                options = f" with inherit {draw(flag)}, set {draw(flag)}" if version >= 160_000 else ""
                made.append(f"grant {granted} to {member}{options}".lower())
    if draw(flag):
        made.append(f"alter table public.t owner to {draw(role)}")
    if draw(flag):
        made.append("alter table public.t force row level security")
    for number in range(draw(st.integers(0, 5))):
        permissive = draw(flag)
        command = draw(st.sampled_from(("all", *Operation)))
        to = ", ".join(draw(st.lists(st.sampled_from((*ROLES, "public")), min_size=1, max_size=2, unique=True)))
        told = f"(public.tells('p{number}', {permissive}))".lower()
        expression = " ".join(
            [f"using {told}"] * (command != "insert") + [f"with check {told}"] * (command not in {"select", "delete"})
        )
        kind = "permissive" if permissive else "restrictive"
        made.append(f"create policy p{number} on public.t as {kind} for {command} to {to} {expression}")
    return made


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[Session]:
    with connect(server.create_database(DATABASE)) as admin:
        admin.execute(SKELETON)
        yield admin
    server.drop_database(DATABASE)
    with connect(server.dsn("postgres")) as admin:
        admin.execute("".join(f"drop role {one};" for one in ROLES))


@given(data=st.data())
def test_the_policies_named_are_those_that_the_server_evaluates(session: Session, data: st.DataObject) -> None:
    statements = data.draw(databases(session.server_version_num))
    note(";\n".join(["begin", *statements]))
    with session.rolled_back():
        session.execute(";".join(statements))
        access = Access(Catalog(take(session)))
        told = {(one, operation): evaluated(session, one, operation) for one in ROLES for operation in Operation}
    (table,) = access.catalog.snapshot.relations
    for (name, operation), names in told.items():
        asked = access.catalog.roles_by_name[name].oid
        applying = access.policies(asked, table, operation) if access.rls_applies(asked, table) else ()
        event(f"{len(names)} policies")
        assert {one.name for one in applying} == names, f"{operation} by {name}"


def evaluated(session: Session, name: str, operation: Operation) -> set[str]:
    told: set[str] = set()

    def note_down(diagnostic: Diagnostic) -> None:
        told.add(diagnostic.message_primary or "")

    run = RUN.format(statement=STATEMENTS[operation])
    session.connection.add_notice_handler(note_down)
    try:
        session.execute(
            f"set local role {name}; set local oracle.permit = 'no'; {run};"
            f"set local oracle.permit = 'yes'; {run}; reset role"
        )
    finally:
        session.connection.remove_notice_handler(note_down)
    return told
