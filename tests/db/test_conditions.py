"""A condition of the intent, against which rows of strangers are reached: proved, refuted by a row, or not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.errors import IntentError
from rlsaudit.model import Operation, Reach, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.model import Cell, Report

TABLE = """
create table public.posts (id bigint primary key, user_id uuid not null, published boolean, deleted_at timestamptz,
  status text not null default 'draft');
alter table public.posts enable row level security;
grant all on public.posts to anon, authenticated;
"""
LIVE = "published and deleted_at is null"
OPAQUE = """
create function public.odd(id bigint) returns boolean language plpgsql stable as
  $$ begin return md5(id::text) < md5('x'); end $$;
"""


def audited(url: str, folder: Path, schema: str, where: str, operation: str = "select") -> Report:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"{TABLE}{schema}".encode())
    path = folder / "rlsaudit.toml"
    path.write_text(
        f"""
        [[allow]]
        relation = "public.posts"
        persona = ["anon", "authenticated"]
        {operation} = "some"
        where = "{where}"
        """,
        "utf-8",
    )
    with connect(url) as session:
        return audit(session, Options(intent=path))


def cell(report: Report, persona: str = "anon", operation: Operation = Operation.SELECT) -> Cell:
    (found,) = (
        one
        for one in report.matrix
        if (one.persona, one.relation, one.operation) == (persona, "public.posts", operation)
    )
    return found


def policy(using: str, command: str = "select") -> str:
    return f"create policy p on public.posts for {command} using ({using});"


@pytest.mark.parametrize(
    ("using", "where"),
    [
        (LIVE, LIVE),
        (LIVE, "deleted_at is null"),
        (f"{LIVE} and status = 'live'", LIVE),
        ("status in ('live', 'featured')", "status <> 'draft'"),
        (f"({LIVE}) or user_id = (select auth.uid())", LIVE),
        ("published is true", "published"),
    ],
)
def test_reach_within_the_condition_is_meant(supabase_database: str, tmp_path: Path, using: str, where: str) -> None:
    report = audited(supabase_database, tmp_path, policy(using), where)
    for persona in ("anon", "authenticated"):
        found = cell(report, persona)
        assert (found.reach, found.intended, found.condition) == (Reach.SOME, Reach.SOME, where)
    assert "public.posts" not in {one.object.identity for one in report.findings}


@pytest.mark.parametrize(
    ("using", "where", "row"),
    [
        ("published", LIVE, "published = true, deleted_at = "),
        ("published is not false", "published", "published = null"),
        ("status <> 'draft'", "status = 'live'", "status = "),
        (f"({LIVE}) or user_id = (select auth.uid()) or status = 'x'", LIVE, "status = x"),
    ],
)
def test_a_row_beyond_the_condition_is_shown(
    supabase_database: str, tmp_path: Path, using: str, where: str, row: str
) -> None:
    report = audited(supabase_database, tmp_path, policy(using), where)
    assert (cell(report).intended, cell(report, "authenticated").intended) == (Reach.NONE, Reach.OWN)
    assert row in cell(report).outside
    (found,) = (one for one in report.findings if one.relations == ("public.posts",) and one.severity >= Severity.HIGH)
    assert found.rule == ("soft-delete-leak" if "deleted_at" in where else "beyond-intent")
    assert f"Meant are rows where {where}; this one passes as well: " in found.message


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        (OPAQUE + policy("published and public.odd(id)"), LIVE),
        (policy("published"), "published and no_such_column"),
    ],
)
def test_what_is_not_proved_is_not_known(supabase_database: str, tmp_path: Path, schema: str, where: str) -> None:
    found = cell(audited(supabase_database, tmp_path, schema, where))
    assert found.reach is Reach.UNKNOWN
    assert f"not known whether only rows of strangers are reached where {where}" in found.because


ROWS = """
insert into public.posts values (1, gen_random_uuid(), true, null, 'live'), (2, gen_random_uuid(), true, now(), 'gone');
"""


def test_rows_that_are_read_beyond_it_decide_where_nothing_is_proved(supabase_database: str, tmp_path: Path) -> None:
    schema = OPAQUE.replace("md5(id::text) < md5('x')", "md5(id::text) <> 'x'") + policy("public.odd(id)") + ROWS
    report = audited(supabase_database, tmp_path, schema, LIVE)
    assert (cell(report).intended, cell(report).outside) == (Reach.NONE, "1 that were read")
    (found,) = (one for one in report.findings if one.object.identity == "public.posts")
    assert (found.rule, found.severity) == ("beyond-intent", "high")


def test_rows_within_it_that_are_read_decide_nothing(supabase_database: str, tmp_path: Path) -> None:
    schema = OPAQUE.replace("md5(id::text) < md5('x')", "md5(id::text) = md5('1')") + policy("public.odd(id)") + ROWS
    report = audited(supabase_database, tmp_path, schema, LIVE)
    assert (cell(report).reach, cell(report).outside) == (Reach.UNKNOWN, "")


@pytest.mark.parametrize("where", ["public.odd(id)", "id in (select n.id from public.posts n)", "pg_sleep(1) is null"])
def test_a_condition_that_runs_code_or_looks_elsewhere_is_not_sent(
    supabase_database: str, tmp_path: Path, where: str
) -> None:
    report = audited(supabase_database, tmp_path, OPAQUE + policy("published") + ROWS, where)
    assert "that were read" not in cell(report).outside
    assert cell(report).condition == where


@pytest.mark.parametrize("where", ["published) or (true", "published; select 1", "true) is not true limit 1) x --"])
def test_a_condition_is_one_expression(supabase_database: str, tmp_path: Path, where: str) -> None:
    with pytest.raises(IntentError, match="is no condition in SQL"):
        audited(supabase_database, tmp_path, policy("published"), where)


def test_other_ways_to_the_rows_count(supabase_database: str, tmp_path: Path) -> None:
    view = "create view public.wall as select * from public.posts where published; grant select on public.wall to anon;"
    report = audited(supabase_database, tmp_path, policy(LIVE) + view, LIVE)
    assert cell(report).reach is Reach.UNKNOWN or cell(report).at_least > cell(report).intended


@pytest.mark.parametrize(
    ("check", "escalated"),
    [("user_id = auth.uid()", Reach.UNKNOWN), ("user_id = auth.uid() and role = 'user'", Reach.SOME)],
)
def test_a_chain_that_gains_other_rows_than_meant_is_told(
    supabase_database: str, tmp_path: Path, check: str, escalated: Reach
) -> None:
    staff = f"""
    create table public.staff (user_id uuid primary key, role text not null);
    alter table public.staff enable row level security;
    grant all on public.staff to authenticated;
    create policy own on public.staff for select using (user_id = auth.uid());
    create policy join_in on public.staff for insert with check ({check});
    """
    admin = "exists (select from public.staff s where s.user_id = auth.uid() and s.role = 'admin')"
    using = policy(f"published or (status = 'x' and {admin})")
    report = audited(supabase_database, tmp_path, staff + using, "published")
    found = cell(report, "authenticated")
    # A single statement reaches some rows, a chain reaches some: the level alone does not tell them apart.
    assert (found.reach, found.escalated) == (Reach.SOME, escalated)
    assert ("insert into public.staff" in found.escalated_because) is (escalated is Reach.UNKNOWN)


def test_tables_that_are_alike_each_have_their_own_columns(supabase_database: str, tmp_path: Path) -> None:
    twin = f"""
    create table public.also (like public.posts including all);
    alter table public.also enable row level security;
    grant all on public.also to anon, authenticated;
    create policy p on public.also for select using ({LIVE});
    """
    report = audited(supabase_database, tmp_path, twin + policy(LIVE), LIVE)
    assert cell(report).reach is Reach.SOME


def test_writes_have_conditions_as_well(supabase_database: str, tmp_path: Path) -> None:
    schema = policy("status = 'wiki' or status = 'draft'", "update") + policy("true", "select").replace(" p ", " s ")
    report = audited(supabase_database, tmp_path, schema, "status = 'wiki'", "update")
    found = cell(report, "authenticated", Operation.UPDATE)
    assert found.intended is Reach.OWN
    assert "status = draft" in found.outside


def test_a_condition_that_is_no_sql_is_refused(supabase_database: str, tmp_path: Path) -> None:
    with pytest.raises(IntentError, match="is no condition in SQL"):
        audited(supabase_database, tmp_path, policy("published"), "published and and")
