"""What findings about functions say is so: their transcripts run, and what they tell of can be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.model import Severity
from rlsaudit.rules import all_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.model import Finding
    from rlsaudit.rules import Example

ROLE = "shop_app"
HELPER = all_rules()["definer-helper"]


@pytest.fixture
def shop(database: str) -> Iterator[str]:
    """A plain database with the role of an application, which is the whole server's."""
    name = sql.Identifier(ROLE)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login").format(name))
        yield database
        connection.execute(sql.SQL("drop owned by {}").format(name))
        connection.execute(sql.SQL("drop role {}").format(name))


def found(url: str, schema: str, rule: str) -> Finding:
    with psycopg.connect(url) as connection:
        connection.execute(schema.encode())
    with connect(url) as session:
        report = audit(session, Options(roles=(ROLE,)))
    (one,) = (one for one in report.findings if one.rule == rule)
    return one


def replayed(url: str, finding: Finding, path: str = "") -> object:
    """Runs a finding's transcript, with another search_path, and returns the first column of its last query."""
    assert finding.evidence.sql[0] in {"begin", "begin read only"}
    assert finding.evidence.sql[-1] == "rollback"
    answer: object = None
    with psycopg.connect(url, autocommit=True) as connection:
        for one in finding.evidence.sql:
            sets_path = path and one.startswith("select pg_catalog.set_config('search_path'")
            cursor = connection.execute((f"set local search_path = {path}" if sets_path else one).encode())
            if cursor.description is not None:
                row = cursor.fetchone()
                answer = row[0] if row else None
    return answer


@pytest.mark.parametrize("example", [one for one in HELPER.bad if one.roles], ids=lambda one: str(one.name))
def test_a_temporary_table_is_taken_first(shop: str, example: Example) -> None:
    finding = found(shop, example.sql, HELPER.id)
    assert finding.severity is Severity.HIGH
    assert replayed(shop, finding) is True
    path = finding.fix.sql.partition("search_path = ")[2].rstrip(";")
    assert replayed(shop, finding, path) is False


def test_the_check_is_flipped_by_it(shop: str) -> None:
    finding = found(shop, HELPER.bad[0].sql, HELPER.id)
    with psycopg.connect(shop) as connection:
        connection.execute("insert into app.orders values (1, 1, 100)")
        connection.execute(f"set role {ROLE}".encode())
        assert connection.execute("select id from app.orders").fetchall() == []
        connection.execute("create temporary table members (org_id int, login name)")
        connection.execute("grant all on pg_temp.members to public")
        connection.execute("insert into pg_temp.members values (1, session_user)")
        assert connection.execute("select id from app.orders").fetchall() == [(1,)]
        connection.execute("reset role")
        connection.execute(finding.fix.sql.encode())
        connection.execute(f"set role {ROLE}".encode())
        assert connection.execute("select id from app.orders").fetchall() == []
        connection.rollback()


def test_what_a_secret_is_stands_nowhere(supabase_database: str) -> None:
    secrets = all_rules()["secrets"]
    value = "sk_live_" + "a1" * 12
    with psycopg.connect(supabase_database) as connection:
        for example in (secrets.bad[0], secrets.bad[2]):
            connection.execute(example.sql.encode())
    with connect(supabase_database) as session:
        report = audit(session, Options())
    told = {one.object.identity: one.severity for one in report.findings if one.rule == secrets.id}
    assert told == {"public.app_settings": Severity.CRITICAL, "public.charge()": Severity.LOW}
    assert value not in repr(report)
    assert "a1a1" not in repr(report)
    assert [one for one in report.skipped if "secrets" in one.what] == []


def test_a_secret_that_is_read_is_counted_again(supabase_database: str) -> None:
    secrets = all_rules()["secrets"]
    with psycopg.connect(supabase_database) as connection:
        connection.execute(secrets.bad[0].sql.encode())
    with connect(supabase_database) as session:
        report = audit(session, Options())
    (finding,) = (one for one in report.findings if one.rule == secrets.id)
    assert replayed(supabase_database, finding) == 1


@pytest.mark.parametrize("mended", [False, True])
def test_a_function_of_ones_own_is_shown_what_a_view_hides(shop: str, mended: bool) -> None:  # noqa: FBT001 — which
    leaky = all_rules()["leaky-filter-view"]
    finding = found(shop, leaky.bad[0].sql, leaky.id)
    replayed(shop, finding)
    with psycopg.connect(shop) as connection:
        told: list[str] = []
        connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        connection.execute("insert into app.orders values (1, 'somebody', 'hidden')")
        if mended:
            connection.execute(finding.fix.sql.encode())
        connection.execute(f"set role {ROLE}".encode())
        connection.execute(
            "create function pg_temp.tell(note text) returns boolean language plpgsql cost 0.0000001"
            " as $$ begin raise notice '%', note; return true; end $$"
        )
        assert connection.execute("select note from app.my_orders where pg_temp.tell(note)").fetchall() == []
        assert told == ([] if mended else ["hidden"])
        connection.rollback()
