"""locked-out: whom the intent file expects somewhere, and who is not missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rlsaudit.model import Finding

TABLE = """
create table public.notes (id bigint primary key, user_id uuid, body text);
alter table public.notes enable row level security;
create policy "own" on public.notes for select to authenticated using (user_id = (select auth.uid()));
"""
ALLOW = """
[[allow]]
relation = "{relation}"
persona = "{persona}"
select = "own"
delete = "own"
"""


def found(url: str, folder: Path, intent: str, schema: str = "", roles: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    if schema:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(schema.encode())
    path = folder / "rlsaudit.toml"
    path.write_text(intent, "utf-8")
    with connect(url) as session:
        findings = audit(session, Options(intent=path, roles=roles)).findings
    return tuple(one for one in findings if one.rule == "locked-out")


def test_what_an_entry_names_is_expected_operation_by_operation(supabase_database: str, tmp_path: Path) -> None:
    (one,) = found(supabase_database, tmp_path, ALLOW.format(relation="public.notes", persona="authenticated"), TABLE)
    assert (one.persona, one.operation, one.severity) == ("authenticated", "delete", "low")
    assert "RLS on and no policy for delete" in one.message


@pytest.mark.parametrize(
    ("relation", "persona"), [("public.*", "authenticated"), ("public.notes", "aal2"), ("public.notes", "a*")]
)
def test_patterns_expect_nobody_in_particular(
    supabase_database: str, tmp_path: Path, relation: str, persona: str
) -> None:
    schema = TABLE + 'create policy "del" on public.notes for delete to authenticated using (user_id = auth.uid());'
    schema += "create policy \"mfa\" on public.notes as restrictive for delete using (auth.jwt() ->> 'aal' = 'aal2');"
    assert found(supabase_database, tmp_path, ALLOW.format(relation=relation, persona=persona), schema) == ()


@pytest.fixture
def roles(database: str) -> Iterator[str]:
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("create role lo_app login; create role lo_backup login")
        admin.execute("create table public.pages (id int); grant select on public.pages to lo_app")
        yield database
        admin.execute("drop owned by lo_app, lo_backup")
        admin.execute("drop role lo_app, lo_backup")


def test_on_plain_postgres_a_table_is_missed_by_nobody_if_one_role_uses_it(roles: str, tmp_path: Path) -> None:
    zones = '[zones]\npublic = [{ relation = "public.pages", insert = "public" }]'
    (one,) = found(roles, tmp_path, zones, roles=("lo_app", "lo_backup"))
    assert (one.operation, one.fix.sql) == ("insert", "grant insert on public.pages to lo_app, lo_backup;")
