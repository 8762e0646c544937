"""What is as open is as grave, in whatever words a policy opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from projects import findings

from rlsaudit.model import Severity

if TYPE_CHECKING:
    from pathlib import Path

WORDS = (
    "for select to authenticated using (true)",
    "for select using (auth.role() = 'authenticated')",
    "for select to authenticated using ((select auth.uid()) is not null)",
    "for select to authenticated using (user_id = user_id and auth.uid() is not null)",
    "for select using (coalesce(auth.uid() = user_id, false) or auth.uid() is not null)",
    "for select using (true)",
)


@pytest.mark.parametrize(
    ("column", "severity"),
    [("body text", Severity.MEDIUM), ("phone text", Severity.CRITICAL)],
    ids=["plain", "private"],
)
def test_reading_by_whoever_has_signed_up(supabase_database: str, column: str, severity: Severity) -> None:
    tables = "".join(
        f"""
        create table public.t{number} (id bigint primary key, user_id uuid not null, {column});
        alter table public.t{number} enable row level security;
        create policy p on public.t{number} {words};"""
        for number, words in enumerate(WORDS)
    )
    found = {
        one.relations[0]: one.severity for one in findings(supabase_database, tables) if one.rule != "truncate-bypass"
    }
    assert found == {f"public.t{number}": severity for number in range(len(WORDS))}


@pytest.mark.parametrize(
    ("condition", "severity"),
    [
        ("coalesce(auth.uid() = user_id, true)", Severity.HIGH),
        ("(user_id <> auth.uid()) is not true", Severity.HIGH),
        ("auth.uid() is null or auth.uid() = user_id", Severity.HIGH),
        ("public.may_see(user_id)", Severity.HIGH),
        ("coalesce(auth.uid() = user_id, true) and not archived", Severity.HIGH),
        ("writer is not distinct from auth.uid()", Severity.MEDIUM),
    ],
    ids=["coalesce", "not true", "no user", "helper", "some of others", "of nobody"],
)
def test_what_null_opens_was_meant_for_nobody(supabase_database: str, condition: str, severity: Severity) -> None:
    found = findings(
        supabase_database,
        f"""
        create function public.may_see(owner uuid) returns boolean language sql stable set search_path = ''
          as 'select coalesce(owner = auth.uid(), true)';
        create table public.notes
          (id bigint primary key, user_id uuid not null, writer uuid, archived boolean not null, body text);
        alter table public.notes enable row level security;
        create policy p on public.notes for select using ({condition});""",
    )
    assert [one.severity for one in found if one.rule == "null-logic"] == [severity]


@pytest.mark.parametrize(
    ("column", "severity"), [("body text", Severity.MEDIUM), ("phone text", Severity.HIGH)], ids=["plain", "private"]
)
def test_some_rows_by_a_chain(supabase_database: str, column: str, severity: Severity) -> None:
    found = findings(
        supabase_database,
        f"""
        create table public.members (user_id uuid not null primary key);
        alter table public.members enable row level security;
        create policy own on public.members to authenticated using (user_id = auth.uid());
        create table public.notes (id bigint primary key, user_id uuid not null, archived boolean not null, {column});
        alter table public.notes enable row level security;
        create policy p on public.notes for select to authenticated
          using (not archived and exists (select from public.members m where m.user_id = auth.uid()));""",
    )
    assert [one.severity for one in found if one.rule == "membership-self-insert"] == [severity]


@pytest.mark.parametrize(
    ("persona", "severity"),
    [("authenticated", Severity.CRITICAL), ("anon", Severity.MEDIUM)],
    ids=["somebody else", "whoever reads"],
)
def test_columns_are_meant_for_whom_the_entry_names(
    supabase_database: str, tmp_path: Path, persona: str, severity: Severity
) -> None:
    intent = tmp_path / "rlsaudit.toml"
    select = {"authenticated": "all", "anon": "none"}[persona]
    intent.write_text(
        f"""
        extends = "supabase"
        [[allow]]
        relation = "public.staff"
        persona = "{persona}"
        columns = ["phone"]
        select = "{select}"
        """,
        "utf-8",
    )
    found = findings(
        supabase_database,
        """
        create table public.staff (id bigint primary key, phone text);
        alter table public.staff enable row level security;
        create policy p on public.staff for select to anon using (true);""",
        intent,
    )
    assert [(one.persona, one.severity) for one in found if one.rule == "tautology"] == [("anon", severity)]
