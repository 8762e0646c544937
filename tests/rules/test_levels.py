"""How grave findings are: by how far one gets, whatever the way there."""

from __future__ import annotations

import pytest
from projects import findings

from rlsaudit.model import Severity

BUCKET = """
    insert into storage.buckets (id, name, public) values ('contracts', 'contracts', {});
    create policy "read" on storage.objects for select to authenticated using (bucket_id = 'contracts');"""


@pytest.mark.parametrize(("public", "severity"), [("false", Severity.HIGH), ("true", Severity.MEDIUM)])
def test_files_for_whoever_is_signed_in(supabase_database: str, public: str, severity: Severity) -> None:
    (found,) = (one for one in findings(supabase_database, BUCKET.format(public)) if one.rule == "storage-bucket-only")
    assert found.severity is severity


NOTES = """
    create table public.notes (id bigint primary key, user_id uuid not null, title text{});
    alter table public.notes enable row level security;
    create policy "own" on public.notes to authenticated using (user_id = (select auth.uid()));"""
WAYS = {
    "careless-helper": """
        create function public.is_mine(whose uuid) returns boolean language sql stable security definer
          set search_path = '' as $$select true$$;
        create policy "mine" on public.notes for select to authenticated using (public.is_mine(user_id));""",
    "definer-rpc": """
        create function public.all_notes() returns setof public.notes language sql stable security definer
          set search_path = '' as $$select * from public.notes$$;
        revoke execute on function public.all_notes() from public, anon;""",
    "definer-view": """
        create view public.all_notes as select * from public.notes;
        revoke all on public.all_notes from anon;
        revoke insert, update, delete on public.all_notes from authenticated;""",
}


@pytest.mark.parametrize(("more", "severity"), [("", Severity.HIGH), (", phone text", Severity.CRITICAL)])
@pytest.mark.parametrize("rule", WAYS)
def test_owned_rows_by_any_way(supabase_database: str, rule: str, more: str, severity: Severity) -> None:
    """Who the owners are is no private column, by a policy as by what runs as its owner."""
    (found,) = (one for one in findings(supabase_database, NOTES.format(more) + WAYS[rule]) if one.rule == rule)
    assert found.severity is severity
