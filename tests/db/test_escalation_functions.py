"""What chains gain by functions with their owner's rights: what these ask of tables may be met by then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.model import STRANGER, Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server
    from rlsaudit.model import Cell

DATABASE = "functions_later"
NONE, OWN, ALL, UNKNOWN = Reach.NONE, Reach.OWN, Reach.ALL, Reach.UNKNOWN
FUNCTION = """
create function public.{}() returns setof text language plpgsql security definer set search_path = '' as $$
begin {} end $$;
"""
SCHEMA = """
set role postgres;
create table public.profiles (id uuid primary key references auth.users, rank text not null default 'user');
create table public.secrets (id int primary key, mark text);
create table public.kept (id int primary key, mark text);
create table public.settings (id int primary key, mark text);
create table public.papers (id int primary key, user_id uuid, mark text);
create table public.opened (id int primary key, mark text);
create table public.badges (user_id uuid primary key, level text not null default 'basic', mark text);
create table public.handed (id int primary key, user_id uuid, mark text);
create table public.ranks (user_id uuid primary key, rank text not null default 'user', shown boolean);
create table public.ranked (id int primary key, mark text);
alter table public.ranks enable row level security;
alter table public.ranked enable row level security;
create policy own on public.ranks for select using (user_id = auth.uid());
create policy ranked on public.ranked for select
  using (exists (select from public.ranks r where r.user_id = auth.uid() and r.rank = 'admin'));
alter table public.profiles enable row level security;
alter table public.secrets enable row level security;
alter table public.kept enable row level security;
alter table public.settings enable row level security;
alter table public.papers enable row level security;
alter table public.opened enable row level security;
alter table public.badges enable row level security;
alter table public.handed enable row level security;
create function public.open() returns void language sql as $$ select set_config('app.admin', 'on', false) $$;
create policy own on public.profiles using (id = auth.uid());
create policy own on public.badges for update using (user_id = auth.uid());
create policy take on public.handed for update to authenticated using (true) with check (user_id = auth.uid());
"""
SETS_RANK = """
create function public.f_rank() returns void language plpgsql security definer set search_path = '' as $$
begin
  if current_setting('app.admin', true) is distinct from 'on' then raise exception 'no'; end if;
  update public.ranks set rank = 'admin', shown = true where user_id = auth.uid();
end $$;
create function public.f_shown() returns void language sql security definer set search_path = '' as $$
  update public.ranks set shown = false where user_id = auth.uid() $$;
"""
RENAMES = """
create table public.titles (name text primary key);
create table public.holders (user_id uuid primary key, title text not null references public.titles on update cascade);
create table public.fixed (user_id uuid primary key, title text not null references public.titles);
create table public.titled (id int primary key, mark text);
create table public.as_fixed (id int primary key, mark text);
alter table public.titles enable row level security;
alter table public.holders enable row level security;
alter table public.fixed enable row level security;
alter table public.titled enable row level security;
alter table public.as_fixed enable row level security;
create policy own on public.holders for select using (user_id = auth.uid());
create policy own on public.fixed for select using (user_id = auth.uid());
create policy titled on public.titled for select
  using (exists (select from public.holders h where h.user_id = auth.uid() and h.title = 'admin'));
create policy fixed on public.as_fixed for select
  using (exists (select from public.fixed h where h.user_id = auth.uid() and h.title = 'admin'));
create function public.f_rename(a text, b text) returns void language sql security definer set search_path = '' as $$
  update public.titles set name = b where name = a $$;
"""
BODIES = {
    "f_secrets": "if not exists (select from public.profiles p where p.id = auth.uid() and p.rank = 'admin') then"
    " raise exception 'no'; end if; return query select mark from public.secrets;",
    "f_kept": "if auth.uid() is null then raise exception 'no'; end if; return query select mark from public.kept;",
    "f_papers": "return query select mark from public.papers where user_id = auth.uid();",
    "f_badges": "return query select mark from public.badges where user_id = auth.uid() and level = 'gold';",
    "f_handed": "return query select mark from public.handed where user_id = auth.uid();",
    "f_opened": "if current_setting('app.admin', true) is distinct from 'on' then raise exception 'no'; end if;"
    " return query select mark from public.opened;",
    "f_settings": "return query execute format('select count(%I)::text from public.settings', 'mark');",
}
EXPECTED = {
    "secrets": {"anon": {NONE, UNKNOWN}, "authenticated": {UNKNOWN, ALL}},
    "kept": {"anon": {NONE}, "authenticated": {ALL}},
    "papers": {"anon": {NONE}, "authenticated": {OWN}},
    # Its own rows need not be as they were.
    "badges": {"anon": {NONE}, "authenticated": {OWN, UNKNOWN}},
    # What is a stranger's becomes its own first.
    "handed": {"anon": {NONE}, "authenticated": {UNKNOWN, ALL}},
    # What the function asks was set by another call.
    "opened": {"anon": {UNKNOWN, ALL}, "authenticated": {UNKNOWN, ALL}},
    # The same, and then what it changed is asked for.
    "ranked": {"anon": {NONE}, "authenticated": {UNKNOWN, ALL}},
    # A foreign key takes the new name along, where it is made so.
    "titled": {"anon": {NONE}, "authenticated": {UNKNOWN, ALL}},
    "as_fixed": {"anon": {NONE}, "authenticated": {NONE}},
    "settings": {"anon": {NONE}, "authenticated": {NONE}},
}


@pytest.fixture(scope="module")
def cells(server: Server) -> Iterator[tuple[Cell, ...]]:
    login = server.supabase_database(DATABASE)
    with psycopg.connect(login, autocommit=True) as owner:
        owner.execute(
            (SCHEMA + SETS_RANK + RENAMES + "".join(FUNCTION.format(*one) for one in BODIES.items())).encode()
        )
    with connect(login) as session:
        yield audit(session, Options(probe="none")).matrix
    server.drop_database(DATABASE)


@pytest.mark.parametrize("table", EXPECTED)
def test_a_chain_gains_by_a_function_no_more_than_it_can_meet(cells: tuple[Cell, ...], table: str) -> None:
    for persona, expected in EXPECTED[table].items():
        (cell,) = (
            one
            for one in cells
            if (one.persona, one.relation, one.operation) == (persona, f"public.{table}", Operation.SELECT)
        )
        assert cell.escalated in expected, f"{persona}: {cell}"


@pytest.mark.parametrize(
    ("first", "function"),
    [
        ("insert into public.profiles values (auth.uid(), 'admin')", "f_secrets"),
        ("update public.handed set user_id = auth.uid()", "f_handed"),
        ("select public.open()", "f_opened"),
        ("update public.badges set level = 'gold'", "f_badges"),
    ],
)
@pytest.mark.usefixtures("cells")
def test_the_server_lets_the_chains_through(server: Server, first: str, function: str) -> None:
    with psycopg.connect(server.dsn(DATABASE)) as connection:
        connection.execute("insert into auth.users (id) values (%s)", [STRANGER])
        connection.execute("insert into public.secrets values (1, 'x')")
        connection.execute("insert into public.opened values (1, 'x')")
        connection.execute("insert into public.handed values (1, null, 'x')")
        connection.execute("insert into public.badges (user_id, mark) values (%s, 'x')", [STRANGER])
        connection.execute("set local role authenticated")
        connection.execute("select set_config('request.jwt.claims', %s, true)", [f'{{"sub": "{STRANGER}"}}'])
        connection.execute(first.encode())
        assert connection.execute(f"select * from public.{function}()".encode()).fetchall() == [("x",)]
        connection.rollback()
