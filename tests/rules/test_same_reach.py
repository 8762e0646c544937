"""What is as open is as grave, in whatever words a policy opens it."""

from __future__ import annotations

import pytest
from projects import findings

from rlsaudit.model import Severity

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
