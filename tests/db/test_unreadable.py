"""Policies that read what the caller may not: what is refused for certain, by the server as by the proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.model import EvidenceKind, Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server
    from rlsaudit.model import Cell

DATABASE = "unreadable"
USER = "exists (select from auth.users u where u.id = auth.uid() and u.email = 'a@example.com')"
EMAIL = "email = (select u.email from auth.users u where u.id = auth.uid())"
REFUSED = (
    f"using ({USER})",
    f"using ({EMAIL})",
    f"using (owner = auth.uid() or {USER})",
    f"using (auth.role() = 'authenticated' and {EMAIL})",
    f"using (not ({USER}))",
    "using (owner in (select u.id from auth.users u join auth.sessions s on s.user_id = u.id))",
    f"using (owner = auth.uid() and (is_open or {USER}))",
)
NOT_CLAIMED = (
    # Only what is there already is asked of.
    "for insert with check (owner = auth.uid() or is_open)",
    # Folded away, so that nothing is refused.
    f"using (true or {USER})",
    f"using (false and {USER})",
    f"using (coalesce(true, {USER}))",
    f"using (owner = auth.uid() or ({USER} and 1 = 2))",
    # By a function that the planner may look into.
    f"using (public.is_open() or {USER})",
    "using (owner = auth.uid())",
    "using (public.is_user())",
)
SCHEMA = """
set role postgres;
create function public.is_open() returns boolean language sql stable as 'select true';
create function public.is_user() returns boolean language sql stable security definer set search_path = '' as
'select exists (select from auth.users u where u.id = auth.uid())';
"""
TABLE = """
create table public.{0} (id int primary key, owner uuid, email text, is_open boolean);
alter table public.{0} enable row level security;
create policy p on public.{0} {1};
"""
STATEMENTS = {
    Operation.SELECT: "explain select 1 from {}",
    Operation.INSERT: "insert into {} (id) values (1)",
    Operation.UPDATE: "update {} set id = 2",
    Operation.DELETE: "delete from {}",
}
NAMES = {policy: f"t{number}" for number, policy in enumerate((*REFUSED, *NOT_CLAIMED))}


@pytest.fixture(scope="module")
def cells(server: Server) -> Iterator[dict[tuple[str, Operation], Cell]]:
    login = server.supabase_database(DATABASE)
    with psycopg.connect(login, autocommit=True) as owner:
        owner.execute(SCHEMA + "".join(TABLE.format(name, policy) for policy, name in NAMES.items()))
        # Beside another one that is true the subquery is folded away, beside one that asks it is not.
        owner.execute(TABLE.format("beside", f"using ({USER})") + "create policy q on public.beside using (true);")
        owner.execute(TABLE.format("either", f"using ({USER})") + "create policy q on public.either using (id = 1);")
        owner.execute(TABLE.format("checked", f"using ({USER}) with check (owner = auth.uid())"))
        owner.execute(
            TABLE.format("limited", "using (true)")
            + f"create policy q on public.limited as restrictive using ({USER});"
        )
    with connect(login) as session:
        found = audit(session, Options(probe="none")).matrix
        yield {(one.relation, one.operation): one for one in found if one.persona == "authenticated"}
    server.drop_database(DATABASE)


def refused(server: Server, name: str, operation: Operation) -> bool:
    """Whether the server refuses a signed-in user's statement for a privilege."""
    with psycopg.connect(server.dsn(DATABASE)) as connection:
        connection.execute("set local role authenticated")
        try:
            connection.execute(STATEMENTS[operation].format(f"public.{name}").encode())
        except psycopg.errors.InsufficientPrivilege as error:
            return "users" in str(error) or "sessions" in str(error)
        finally:
            connection.rollback()
    return False


@pytest.mark.parametrize("name", [*(NAMES[one] for one in REFUSED), "either", "limited"])
def test_what_is_certain_to_be_refused_reaches_nothing(
    cells: dict[tuple[str, Operation], Cell], server: Server, name: str
) -> None:
    for operation in Operation:
        cell = cells[f"public.{name}", operation]
        assert (cell.reach, cell.escalated, cell.evidence) == (Reach.NONE, Reach.NONE, EvidenceKind.CATALOG), cell
        assert refused(server, name, operation), operation


@pytest.mark.parametrize("name", [*(NAMES[one] for one in NOT_CLAIMED), "beside"])
def test_what_may_be_folded_away_is_not_claimed(
    cells: dict[tuple[str, Operation], Cell], server: Server, name: str
) -> None:
    for operation in Operation:
        assert "which this role may not" not in cells[f"public.{name}", operation].because.partition(":")[0]
        assert not refused(server, name, operation)


def test_a_check_that_asks_for_less_lets_rows_be_put_in(
    cells: dict[tuple[str, Operation], Cell], server: Server
) -> None:
    assert cells["public.checked", Operation.SELECT].reach is Reach.NONE
    assert cells["public.checked", Operation.INSERT].at_most is Reach.OWN
    assert refused(server, "checked", Operation.SELECT)
    assert not refused(server, "checked", Operation.INSERT)
