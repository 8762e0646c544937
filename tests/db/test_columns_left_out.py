"""Rows put in by somebody who may not set every column: what the others are left at, and what that says of the rows."""

from __future__ import annotations

import psycopg
import pytest

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.model import Operation, Reach

COLUMNS = {
    # Whoever's rows these are, they are drafts.
    "text not null default 'draft'": Reach.SOME,
    "text": Reach.SOME,
    "boolean not null default false": Reach.ALL,
    # Whose it is may be what is put there.
    "text not null default current_setting('request.jwt.claims', true)": Reach.NONE,
    "uuid not null default auth.uid()": Reach.NONE,
    "uuid default '11111111-1111-4111-8111-111111111111' references auth.users": Reach.NONE,
}


@pytest.mark.parametrize("column", COLUMNS)
def test_what_a_column_is_left_at(supabase_database: str, column: str) -> None:
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        connection.execute(
            f"""
            create table public.notes (id uuid primary key, user_id uuid, mark text, left_out {column});
            alter table public.notes enable row level security;
            create policy put on public.notes for insert to authenticated with check (true);
            revoke insert on public.notes from anon, authenticated;
            grant insert (id, user_id, mark) on public.notes to authenticated;
            """.encode()
        )
    with connect(supabase_database) as session:
        matrix = audit(session, Options(probe="none")).matrix
    (cell,) = (
        one
        for one in matrix
        if (one.persona, one.relation, one.operation) == ("authenticated", "public.notes", Operation.INSERT)
    )
    assert cell.at_least is COLUMNS[column]
