"""Findings name the flaw by which a policy opens more than was meant."""

from __future__ import annotations

import pytest
from projects import findings

NOTES = """
create table public.notes (id bigint primary key, user_id uuid not null, email text);
alter table public.notes enable row level security;
insert into public.notes values (1, gen_random_uuid(), 'a@b.c');
"""


def test_a_policy_that_ignores_its_argument(supabase_database: str) -> None:
    schema = f"""{NOTES}
        create function public.may_read(note uuid) returns boolean language sql stable set search_path = ''
          as 'select auth.uid() is not null or true';
        create policy p on public.notes for select using (public.may_read(user_id));"""
    (found,) = [one for one in findings(supabase_database, schema) if one.rule == "careless-helper"]
    assert "public.may_read(uuid) does not look at user_id, which it is given." in found.message


def test_a_policy_without_a_flaw_but_that_it_is_open(supabase_database: str) -> None:
    policy = "create policy p on public.notes for select using (true);"
    (found,) = [one for one in findings(supabase_database, f"{NOTES}{policy}") if one.rule == "tautology"]
    assert found.message.endswith("the policy's condition is true whoever asks.")


@pytest.mark.parametrize(
    ("command", "said"),
    [("select", "of public.notes, email among its columns: "), ("delete", "of public.notes: ")],
)
def test_what_makes_it_critical_is_said(supabase_database: str, command: str, said: str) -> None:
    policy = f"create policy p on public.notes for {command} using (true);"
    (found,) = [one for one in findings(supabase_database, f"{NOTES}{policy}") if one.rule == "tautology"]
    assert said in found.message
