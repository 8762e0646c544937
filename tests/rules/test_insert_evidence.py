"""What shows that somebody may insert, where no row was put in."""

from __future__ import annotations

import psycopg
from projects import findings

NOTES = """
    create table public.notes (id bigint primary key, user_id uuid not null, body text);
    alter table public.notes enable row level security;
    create policy "add" on public.notes for insert with check (body <> '');"""


def test_it_is_a_row_held_against_what_policies_for_inserts_ask(supabase_database: str) -> None:
    found = next(one for one in findings(supabase_database, NOTES) if one.operation == "insert")
    *before, question, rollback = found.evidence.sql
    assert before[0] == "begin read only"
    assert question.endswith("where (((body <> ''::text))) and has_any_column_privilege('public.notes', 'insert')")
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        for one in before:
            connection.execute(one.encode())
        assert connection.execute(question.encode()).fetchall() == [(1,)]
        connection.execute(rollback.encode())
