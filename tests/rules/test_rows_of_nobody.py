"""Rows without an owner: put in by anybody they are like contact forms, seen or changed by anybody they are not."""

from __future__ import annotations

import pytest
from projects import findings

from rlsaudit.model import Severity

TABLE = """
    create table public.visits (id bigint primary key, user_id uuid, page text);
    alter table public.visits enable row level security;
    create policy "log" on public.visits for {} {} (user_id is null or user_id = auth.uid());"""


@pytest.mark.parametrize(
    ("command", "clause", "severity"),
    [
        ("insert", "with check", Severity.MEDIUM),
        ("update", "using", Severity.HIGH),
        ("all", "using", Severity.HIGH),
    ],
)
def test_rows_of_nobody(supabase_database: str, command: str, clause: str, severity: Severity) -> None:
    (found,) = (
        one for one in findings(supabase_database, TABLE.format(command, clause)) if one.rule == "nullable-owner"
    )
    assert found.severity is severity
