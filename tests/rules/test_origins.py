"""A view's columns are judged by what they are in the tables below, however the view calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from projects import findings

from rlsaudit.model import Severity

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.model import Finding

CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM

PEOPLE = """
create table public.people (id bigint primary key, passport_number text, nick text);
alter table public.people enable row level security;
insert into public.people values (1, 'P1', 'a'), (2, 'P2', 'b');
"""


def reading_only(view: str) -> str:
    return f"revoke insert, update, delete on {view} from anon, authenticated;"


def the(found: tuple[Finding, ...], rule: str) -> Finding:
    (one,) = (one for one in found if one.rule == rule)
    return one


AUTH = {
    "renamed": (
        "create view public.v as select id, email as contact from auth.users;",
        "shows auth.users.id and auth.users.email as contact.",
    ),
    "under several names": (
        "create view public.v as select email as a, email as b, upper(email) as c from auth.users;",
        "shows auth.users.email as a and b.",
    ),
    "within something": (
        "create view public.v as select split_part(email, '@', 2) as at, left(phone, 3) as country from auth.users;",
        "shows auth.users.email within at and auth.users.phone within country.",
    ),
    "a whole row": (
        "create view public.v as select to_jsonb(u) as person from auth.users u;",
        "shows every column of auth.users within person.",
    ),
    "everything": ("create view public.v as select * from auth.users;", "shows every column of auth.users."),
    "through views": (
        """create schema internal;
        create view internal.a as select lower(email) as x, phone as y from auth.users;
        create view internal.b (one, "T wo") as select y, x from internal.a;
        create view public.v as
          with w as (select b."T wo" as login, one from internal.b) select login, one as t from w;""",
        "shows auth.users.email within login and auth.users.phone as t.",
    ),
    "from two tables": (
        """create view public.v as
          select u.email as "Mail to", i.provider from auth.users u join auth.identities i on i.user_id = u.id;""",
        'shows auth.users.email as "Mail to" and auth.identities.provider.',
    ),
    "by a function of its owner's": (
        """create function public.address(who uuid) returns text language sql stable security definer
          set search_path = '' as 'select email from auth.users where id = who';
        create table public.posts (id bigint, author uuid); insert into public.posts values (1, null);
        create view public.v as select id, public.address(author) as by from public.posts;""",
        "shows auth.users.email within by.",
    ),
    "one column of two": (
        """create view public.v as select id as ref, email as contact from auth.users;
        revoke select on public.v from anon, authenticated; grant select (contact) on public.v to anon;""",
        "shows auth.users.email as contact.",
    ),
    "not understood": (
        """create view public.v as select x.mail from auth.users u,
          lateral xmltable('/r' passing xmlelement(name r, u.email) columns mail text path '.') x;""",
        "may show auth.users.email: its query is not understood.",
    ),
}


@pytest.mark.parametrize(("schema", "said"), AUTH.values(), ids=AUTH)
def test_what_is_shown_of_users(supabase_database: str, schema: str, said: str) -> None:
    found = the(findings(supabase_database, schema + reading_only("public.v")), "auth-exposure")
    assert found.message.endswith(f", which {said}")
    assert found.severity is (HIGH if said.startswith("may") else CRITICAL)


HARMLESS = {
    "asked for only": """create view public.v as select true as x from auth.users where email > '';""",
    "whether there is one": "create view public.v as select id is not null as x, email is null as y from auth.users;",
    "counted": "create view public.v as select count(*) as n, count(distinct email) as m from auth.users;",
    "kept back": """
        create view public.v as select u.email as contact, 1 as n from auth.users u;
        revoke select on public.v from anon, authenticated; grant select (n) on public.v to anon, authenticated;""",
    "by a function with its caller's rights": """
        create function public.address(who uuid) returns text language sql stable set search_path = ''
          as 'select email from auth.users where id = who';
        create table public.posts (id bigint, author uuid); insert into public.posts values (1, null);
        create view public.v as select id, public.address(author) as by from public.posts;""",
    "by a function that asks who calls": """
        create function public.address() returns text language sql stable security definer set search_path = ''
          as 'select email from auth.users where id = auth.uid()';
        create table public.posts (id bigint, author uuid); insert into public.posts values (1, null);
        create view public.v as select id, public.address() as mine from public.posts;""",
}


@pytest.mark.parametrize("schema", HARMLESS.values(), ids=HARMLESS)
def test_what_is_not_shown_of_users(supabase_database: str, schema: str) -> None:
    found = findings(supabase_database, schema + reading_only("public.v"))
    assert "auth-exposure" not in {one.rule for one in found}


@pytest.mark.parametrize(
    ("columns", "severity"),
    [
        ("passport_number", CRITICAL),
        ("passport_number as ref", CRITICAL),
        ("upper(passport_number) as ref", CRITICAL),
        ("to_json(p) as ref", CRITICAL),
        ("nick", HIGH),
        ("nick, passport_number is not null as verified", HIGH),
        ("nick as phone", CRITICAL),
    ],
)
def test_a_private_column_under_another_name(supabase_database: str, columns: str, severity: Severity) -> None:
    schema = f"{PEOPLE} create view public.v as select {columns} from public.people p;{reading_only('public.v')}"
    assert the(findings(supabase_database, schema), "definer-view").severity is severity


def test_a_column_that_may_be_seen(supabase_database: str, tmp_path: Path) -> None:
    intent = tmp_path / "rlsaudit.toml"
    intent.write_text('[[allow]]\nrelation = "public.v"\npersona = "anon"\nselect = "none"\ncolumns = ["ref"]\n')
    schema = f"{PEOPLE} create view public.v as select passport_number as ref from public.people;"
    found = findings(supabase_database, schema + reading_only("public.v"), intent)
    assert the(found, "definer-view").severity is HIGH
