"""Functions with their owner's rights over profiles: whose ids are their users', and whose addresses people know."""

from __future__ import annotations

import pytest
from projects import findings

from rlsaudit.model import Severity

SCHEMA = """
    create table public.profiles (id uuid primary key references auth.users, email text, phone text, api_token text,
      is_admin boolean not null default false, credits int not null default 0);
    alter table public.profiles enable row level security;
    create policy own on public.profiles for select to authenticated using (id = (select auth.uid()));"""
DEFINER = "security definer set search_path = ''"
ASKED = "begin if auth.uid() is null then raise exception 'no'; end if;"
READ = "setof public.profiles"


@pytest.mark.parametrize(
    ("given", "returns", "language", "body", "severity"),
    [
        ("who uuid", READ, "sql", "select * from public.profiles where id = who", Severity.HIGH),
        (
            "who uuid",
            READ,
            "plpgsql",
            f"{ASKED} return query select * from public.profiles p where p.id = who; end",
            Severity.HIGH,
        ),
        # An address is private, and no secret that lets nobody in who was not told.
        (
            "mail text",
            READ,
            "plpgsql",
            f"{ASKED} return query select * from public.profiles p where p.email = mail; end",
            Severity.MEDIUM,
        ),
        ("token text", READ, "sql", "select * from public.profiles where api_token = token", Severity.MEDIUM),
        (
            "who uuid, token text",
            READ,
            "sql",
            "select * from public.profiles where id = who and api_token = token",
            Severity.MEDIUM,
        ),
        (
            "mail text",
            "void",
            "sql",
            "update public.profiles set is_admin = true where email = mail",
            Severity.HIGH,
        ),
        ("who uuid", "void", "sql", "update public.profiles set is_admin = true where id = who", Severity.HIGH),
        (
            "who uuid",
            "void",
            "plpgsql",
            f"{ASKED} update public.profiles set is_admin = true where id = who; end",
            Severity.HIGH,
        ),
        # To book is what such functions are for.
        (
            "who uuid",
            "void",
            "plpgsql",
            f"{ASKED} update public.profiles set credits = credits + 1 where id = who; end",
            Severity.MEDIUM,
        ),
        ("mail text", "void", "sql", "delete from auth.users where email = mail", Severity.HIGH),
        (
            "mail text",
            "void",
            "plpgsql",
            f"{ASKED} delete from public.profiles where email = mail; end",
            Severity.HIGH,
        ),
        (
            "token text",
            "void",
            "sql",
            "update public.profiles set phone = null where api_token = token",
            Severity.MEDIUM,
        ),
    ],
)
def test_how_bad_it_is(
    supabase_database: str, given: str, returns: str, language: str, body: str, severity: Severity
) -> None:
    function = f"create function public.f({given}) returns {returns} language {language} {DEFINER} as $${body}$$;"
    found = findings(supabase_database, f"{SCHEMA} {function}")
    assert {one.rule: one.severity for one in found if one.severity > Severity.INFO} == {"definer-rpc": severity}
