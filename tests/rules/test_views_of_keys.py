"""Views that count something for each row, and show nothing of the row but its key."""

from __future__ import annotations

import pytest
from projects import findings

from rlsaudit.model import Severity

TABLES = """
    create table public.ideas (id uuid primary key default gen_random_uuid(), user_id uuid, body text);
    create table public.votes (idea_id uuid references public.ideas, user_id uuid, primary key (idea_id, user_id));
    alter table public.ideas enable row level security;
    alter table public.votes enable row level security;
    create policy "own" on public.ideas for select to authenticated using ((select auth.uid()) = user_id);
    create policy "own" on public.votes for select to authenticated using ((select auth.uid()) = user_id);
    insert into public.ideas (user_id, body) values (gen_random_uuid(), 'a'), (gen_random_uuid(), 'b');"""


@pytest.mark.parametrize(
    ("shown", "severity"),
    [
        ("i.id as idea_id", Severity.MEDIUM),
        ("i.id as idea_id, min(i.body) as body", Severity.HIGH),
        ("i.id as idea_id, i.user_id", Severity.HIGH),
    ],
)
def test_the_key_alone_means_nothing(supabase_database: str, shown: str, severity: Severity) -> None:
    view = f"""create view public.counts as select {shown}, count(v.idea_id) as votes
      from public.ideas i left join public.votes v on v.idea_id = i.id group by i.id;"""
    (found,) = (one for one in findings(supabase_database, f"{TABLES}{view}") if one.rule == "definer-view")
    assert found.severity is severity
    assert ("by the key alone" in found.message) is (severity is Severity.MEDIUM)


@pytest.mark.parametrize(
    ("shown", "severity"),
    [
        ("place, count(*) as n, max(seen) as latest", Severity.MEDIUM),
        ("place, count(*) as n, max(body) as latest", Severity.HIGH),
        ("place, array_agg(body) as bodies", Severity.HIGH),
        ("place, user_id, count(*) as n", Severity.HIGH),
        ("place, id, count(*) as n", Severity.HIGH),
    ],
)
def test_what_rows_are_grouped_by_is_no_row(supabase_database: str, shown: str, severity: Severity) -> None:
    by = ", ".join(one for one in ("place", "user_id", "id") if one in shown.split(", "))
    statements = f"""
    create table public.visits (id uuid primary key, user_id uuid, place text, body text, seen timestamptz);
    alter table public.visits enable row level security;
    create view public.places as select {shown} from public.visits group by {by};"""
    (found,) = (one for one in findings(supabase_database, statements) if one.rule == "definer-view")
    assert found.severity is severity
    assert ("counted or summed up over" in found.message) is (severity is Severity.MEDIUM)
