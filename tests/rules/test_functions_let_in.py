"""Functions that make rows for whoever calls them, by which policies then let it in; and those by which they do not."""

from __future__ import annotations

import pytest
from projects import findings

from rlsaudit.model import Severity

HIGH, MEDIUM = Severity.HIGH, Severity.MEDIUM
DEFINER = "security definer set search_path = ''"
ASKS = "exists (select from public.profiles where id = auth.uid() and {})"
PROFILES = """
    create table public.profiles (id uuid primary key references auth.users, role text not null default 'user',
      plan text not null default 'free', terms boolean not null default false, name text);
    alter table public.profiles enable row level security;
    create policy own on public.profiles for select using (id = auth.uid());
    create table public.papers (id bigint primary key, body text);
    alter table public.papers enable row level security;"""
TEAMS = """
    create table public.teams (id uuid primary key, open boolean not null default false, pin int, code text);
    create table public.members (team_id uuid not null references public.teams,
      user_id uuid not null references auth.users, level text not null default 'member',
      primary key (team_id, user_id));
    create table public.invitations (id uuid primary key, team_id uuid not null references public.teams,
      code text not null unique, email text);
    create table public.docs (id bigint primary key, team_id uuid not null references public.teams, body text);
    alter table public.teams enable row level security;
    alter table public.members enable row level security;
    alter table public.invitations enable row level security;
    alter table public.docs enable row level security;
    create policy own on public.members for select using (user_id = auth.uid());
    create policy members on public.docs for select using (exists (
      select from public.members m where m.team_id = docs.team_id and m.user_id = auth.uid()));"""
SETS = "update public.profiles set {} where id = auth.uid()"
JOINS = "insert into public.members (team_id, user_id) values ({}, auth.uid())"


def _profiles(condition: str, function: str) -> str:
    return f"""{PROFILES}
    create policy p on public.papers for select using ({ASKS.format(condition)});
    create function public.{function};"""


def _sql(name: str, statement: str) -> str:
    return f"{name} returns void language sql {DEFINER} as $${statement}$$"


def _body(name: str, body: str, declare: str = "") -> str:
    return f"{name} returns void language plpgsql {DEFINER} as $${declare} begin {body} end$$"


def _teams(function: str) -> str:
    return f"{TEAMS} create function public.{function};"


LET_IN = {
    "a role": (_profiles("role = 'admin'", _sql("f(r text)", SETS.format("role = r"))), HIGH),
    "a role in PL/pgSQL": (_profiles("role = 'admin'", _body("f(r text)", SETS.format("role = r") + ";")), HIGH),
    # Whoever calls gets the same; but of some columns it is known what they are for.
    "terms": (_profiles("terms", _sql("f()", SETS.format("terms = true"))), MEDIUM),
    "a plan": (_profiles("plan = 'pro'", _sql("f()", SETS.format("plan = 'pro'"))), HIGH),
    "any team": (_teams(_sql("f(t uuid)", JOINS.format("t"))), HIGH),
    "any team, signed in": (
        _teams(_body("f(t uuid)", f"if auth.uid() is null then raise exception 'no'; end if; {JOINS.format('t')};")),
        HIGH,
    ),
    "any team at any level": (
        _teams(
            _sql(
                "f(t uuid, l text)",
                "insert into public.members (team_id, user_id, level) values (t, auth.uid(), l)"
                " on conflict (team_id, user_id) do update set level = excluded.level",
            )
        ),
        HIGH,
    ),
    # To join what is open may be what it is for.
    "open teams": (
        _teams(
            _body(
                "f(t uuid)",
                "if not exists (select from public.teams where id = t and open) then raise exception 'no'; end if;"
                f" {JOINS.format('t')};",
            )
        ),
        MEDIUM,
    ),
}
KEPT_OUT = {
    "other roles": _profiles(
        "role = 'admin'",
        _body("f(r text)", f"if r not in ('a', 'b') then raise exception 'no'; end if; {SETS.format('role = r')};"),
    ),
    "by admins": _profiles(
        "role = 'admin'",
        _body(
            "f(r text)",
            f"if not {ASKS.format(chr(39).join(('role = ', 'admin', '')))} then raise exception 'no'; end if;"
            f" {SETS.format('role = r')};",
        ),
    ),
    "another column": _profiles("role = 'admin'", _sql("f(n text)", SETS.format("name = n"))),
    "with the caller's rights": _profiles(
        "role = 'admin'", f"f(r text) returns void language sql as $${SETS.format('role = r')}$$"
    ),
    "by a code": _teams(
        _body(
            "f(c text)",
            "select team_id into t from public.invitations where code = c;"
            f" if t is null then raise exception 'no'; end if; {JOINS.format('t')};",
            "declare t uuid;",
        )
    ),
    "by an invitation": _teams(
        _body(
            "f(i uuid)",
            "select team_id into t from public.invitations where id = i;"
            f" if t is null then raise exception 'no'; end if; {JOINS.format('t')};",
            "declare t uuid;",
        )
    ),
    "by a code of the team": _teams(
        _body(
            "f(t uuid, c text)",
            "if not exists (select from public.teams where id = t and code = c) then raise exception 'no'; end if;"
            f" {JOINS.format('t')};",
        )
    ),
    "by a number": _teams(
        _body(
            "f(t uuid, p int)",
            "if not exists (select from public.teams where id = t and pin = p) then raise exception 'no'; end if;"
            f" {JOINS.format('t')};",
        )
    ),
    "by its address": _teams(
        _body(
            "f(t uuid)",
            "if not exists (select from public.invitations i where i.team_id = t and i.email = auth.jwt() ->> 'email')"
            f" then raise exception 'no'; end if; {JOINS.format('t')};",
        )
    ),
    "its own team": _teams(
        _body(
            "f(t uuid)",
            f"insert into public.teams (id) values (t); {JOINS.format('t')};",
        )
    ),
    "a trigger refuses": _teams(_sql("f(t uuid)", JOINS.format("t")))
    + """
    create function public.refuse() returns trigger language plpgsql as
      $$begin raise exception 'full'; end$$;
    create trigger refuse before insert on public.members for each row execute function public.refuse();""",
}


@pytest.mark.parametrize("name", LET_IN)
def test_a_function_that_lets_its_caller_in_is_told(supabase_database: str, name: str) -> None:
    schema, severity = LET_IN[name]
    (found,) = (one for one in findings(supabase_database, schema) if one.rule == "definer-rpc")
    assert found.severity is severity
    assert "lets itself in" in found.title
    assert any("public.f(" in one for one in found.evidence.sql)


@pytest.mark.parametrize("name", KEPT_OUT)
def test_a_function_that_keeps_others_out_is_not(supabase_database: str, name: str) -> None:
    assert [one for one in findings(supabase_database, KEPT_OUT[name]) if "lets itself in" in one.title] == []
