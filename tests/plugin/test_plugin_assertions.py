"""Assertions on an audit: what holds, and what a failure has to show for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from plugin_runs import made, ran, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rlsaudit.engine import Server


pytest_plugins = ["pytester"]

SCHEMA = """
set role postgres;
create table public.notes (
  id bigint generated always as identity primary key,
  user_id uuid not null default auth.uid() references auth.users (id), body text not null
);
alter table public.notes enable row level security;
create policy "own notes" on public.notes to authenticated
  using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);

create table public.posts (
  id bigint generated always as identity primary key, title text not null, draft text, published boolean not null
);
alter table public.posts enable row level security;
revoke all on public.posts from anon, authenticated;
grant select (id, title, published) on public.posts to anon;
create policy "published posts" on public.posts for select to anon using (published);

create table public.clubs (id bigint generated always as identity primary key, name text not null);
create table public.members (club_id bigint not null references public.clubs (id), user_id uuid not null);
alter table public.clubs enable row level security;
alter table public.members enable row level security;
create policy "own clubs" on public.clubs for select to authenticated
  using (exists (select from public.members m where m.club_id = clubs.id and m.user_id = (select auth.uid())));
create policy "members" on public.members for select to authenticated using (user_id = (select auth.uid()));
create policy "join" on public.members for insert to authenticated with check (user_id = (select auth.uid()));

create table public.vault (id bigint generated always as identity primary key, secret text not null);
alter table public.vault enable row level security;
create policy "riddle" on public.vault for select to authenticated
  using (hashtext(secret) = hashtext(auth.uid()::text));

create table public.people (id bigint primary key, name text not null, salary numeric not null);
alter table public.people enable row level security;
revoke all on public.people from anon, authenticated;
grant select (id, name) on public.people to anon, authenticated;
create policy "names" on public.people for select using (true);
create table public.payers (user_id uuid not null);
alter table public.payers enable row level security;
create policy "own" on public.payers for select to authenticated using (user_id = (select auth.uid()));
create policy "join" on public.payers for insert to authenticated with check (user_id = (select auth.uid()));
create view public.payroll as select id, salary * 12 as a_year from public.people
  where exists (select from public.payers p where p.user_id = (select auth.uid()));
revoke all on public.payroll from anon;

create table public.rooms (id bigint primary key, name text not null);
create table public.guests (room_id bigint not null, user_id uuid not null, word text not null);
alter table public.rooms enable row level security;
alter table public.guests enable row level security;
create policy "own rooms" on public.rooms for select to authenticated
  using (exists (select from public.guests g where g.room_id = rooms.id and g.user_id = (select auth.uid())));
create policy "guests" on public.guests for select to authenticated using (user_id = (select auth.uid()));
create policy "enter" on public.guests for insert to authenticated
  with check (user_id = (select auth.uid()) and hashtext(word) = hashtext(auth.uid()::text));

create schema private;
create table private.ledger (id bigint primary key, amount numeric not null);
create function public.totals() returns numeric language sql stable security definer set search_path = ''
  as 'select sum(amount) from private.ledger';
revoke execute on function public.totals() from public, anon;
create schema internal;
grant usage on schema internal to anon;
create function internal.tick() returns int language sql as 'select 1';
create function public.search(q text) returns setof public.posts language sql stable
  as 'select * from public.posts where title like q';
"""


@pytest.fixture(scope="module")
def project(server: Server) -> Iterator[str]:
    dsn = server.supabase_database("plugin_assertions")
    made(dsn, SCHEMA)
    yield dsn
    server.drop_database("plugin_assertions")


def test_what_holds(pytester: pytest.Pytester, project: str) -> None:
    result = ran(
        pytester,
        """
        def test_reach(audited):
            assert audited.table("public.notes").is_hidden_from("anon")
            assert audited.table("notes").is_closed_to("anon")
            notes = audited.table("notes").lets("authenticated")
            assert notes.select.only_own_rows() and notes.insert.only_own_rows()
            assert notes.update.no_more_than("own") and notes.delete.at_least("own")
            assert audited.table("posts").lets("anon").select.no_more_than("some")
            assert audited.table("posts").lets("anon").select.at_least("some")
            assert audited.table("posts").lets("anon").insert.no_row()
            assert audited.table("clubs").lets("authenticated").select.only_own_rows(directly=True)
            assert audited.table("rooms").lets("authenticated").select.only_own_rows(directly=True)
            assert audited.reach("authenticated", "select", "notes") == "own"

        def test_columns(audited):
            assert audited.table("posts").lets("anon").select.only_columns("id", "title", "published")
            assert audited.table("people").lets("anon").select.only_columns("id", "name")

        def test_functions(audited):
            assert audited.function("public.totals()").is_closed_to("anon")
            assert audited.function("public.totals").is_open_to("authenticated")
            assert audited.function("internal.tick").is_closed_to("anon")  # the API does not serve its schema
            assert audited.function("public.search(text)").is_open_to("anon", "authenticated")

        def test_not_exposed(audited):
            assert audited.table("private.ledger").is_closed_to("anon")

        def test_findings(audited):
            assert audited.findings(at_least="medium")[0].severity >= audited.findings()[-1].severity
        """,
        f"--rlsaudit-url={project}",
    )
    result.assert_outcomes(passed=5)


FAILING: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        'table("posts").is_hidden_from("anon")',
        (
            "public.posts was to let anon select no row: anon can read strangers' rows that meet a condition.",
            "reach     some",
            'because   policy "published posts"',
            "SELECT on columns of public.posts: id, title, published",
            '→ some: policy "published posts"',
            "FINDING beyond-intent (medium)",
            "draft of a fix",
            "shown by",
            "has_any_column_privilege('public.posts', 'select')",
        ),
    ),
    (
        'table("notes").lets("authenticated").update.no_row()',
        ("was to let authenticated update no row: authenticated can change only rows of its own.", "own notes"),
    ),
    (
        'table("posts").lets("anon").insert.at_least("own")',
        ("was to let anon insert own rows at least: anon cannot insert any row.", "✗ INSERT on public.posts"),
    ),
    (
        'table("posts").lets("anon").select.only_columns("id", "title")',
        ("only the columns id, title: anon reaches published as well.",),
    ),
    (
        'table("clubs").lets("authenticated").select.only_own_rows()',
        (
            "by a chain of allowed statements authenticated can read any row.",
            "by chain  all",
            "step 1: insert into public.members (user_id, club_id) values (auth.uid(), 0)",
            "step 2: select on public.clubs",
            "FINDING membership-self-insert",
        ),
    ),
    (
        'table("rooms").lets("authenticated").select.only_own_rows()',
        (
            "by a single statement authenticated can read only rows of its own; ",
            "what a chain of allowed statements gains is unknown, and unknown never counts as safe: ",
            "(`directly=True` leaves chains out)",
        ),
    ),
    (
        'table("vault").lets("authenticated").select.no_more_than("all")',
        ("the reach is unknown, and unknown never counts as safe: ", "unknown, between none and all"),
    ),
    (
        'table("vault").lets("authenticated").select.at_least("own")',
        ("the reach is unknown, and unknown never counts as safe: ",),
    ),
    (
        'table("vault").lets("authenticated").select.only_columns("id", "secret")',
        ("the reach is unknown, and unknown never counts as safe: ",),
    ),
    (
        'table("private.ledger").is_hidden_from("authenticated")',
        ("private.ledger was to let authenticated select no row", "THROUGH public.totals()"),
    ),
    (
        'table("people").lets("authenticated").select.only_columns("id", "name")',
        ("only the columns id, name: authenticated reaches salary as well.", "THROUGH public.payroll (view)"),
    ),
    (
        'function("public.totals()").is_closed_to("authenticated")',
        (
            "public.totals() was to be closed to authenticated, who can call it.",
            "EXECUTE on public.totals()",
            "runs with the rights of its owner, postgres",
        ),
    ),
    (
        'function("public.totals").is_open_to("anon")',
        ("public.totals() was to be open to anon, who cannot call it.", "no: "),
    ),
    (
        'has_no_finding(at_least="low")',
        ("low or worse.", "FINDINGS", "beyond-intent", "public.members", "evidence", "fix"),
    ),
    ("has_nothing_unknown()", (" verdicts are missing.", "What is not known does not count as safe.")),
)


def following(number: int, tests: Sequence[object]) -> tuple[str, ...]:
    """The heading after which nothing is of this test any more."""
    return (f"_ test_{number + 1}_ _",) if number + 1 < len(tests) else ()


def test_what_fails(pytester: pytest.Pytester, project: str) -> None:
    tests = (f"def test_{number}_(audited): audited.{one}" for number, (one, _) in enumerate(FAILING))
    result = ran(pytester, "\n".join(tests), f"--rlsaudit-url={project}")
    result.assert_outcomes(failed=len(FAILING))
    for number, (_, words) in enumerate(FAILING):
        told(
            result,
            f"_ test_{number}_ _",
            "AssertionError: ",
            *words,
            f"_ test_{number + 1}_ _" * (number + 1 < len(FAILING)),
        )


MISTAKEN = (
    ('table("notse")', ("There is no relation 'notse'.", "Did you mean public.notes")),
    ('function("public.serach")', ("There is no function 'public.serach'.", "Did you mean public.search(text)")),
    ('table("notes").lets("annon").select.no_row()', ("There is no persona 'annon'.", "Did you mean anon?")),
    (
        'table("notes").lets("anon").select.no_more_than("few")',
        ("There is no reach 'few'.", "none, own, some, all."),
    ),
    ('reach("anon", "truncate", "notes")', ("There is no operation 'truncate'.", "select, insert,")),
    ('findings(at_least="bad")', ("There is no severity 'bad'.", "info, low,")),
)


def test_what_does_not_exist(pytester: pytest.Pytester, project: str) -> None:
    """It fails as well, and not as an assertion, which somebody may expect to fail."""
    tests = (
        f"def test_{number}_(audited):\n    with pytest.raises(AssertionError): audited.{one}"
        for number, (one, _) in enumerate(MISTAKEN)
    )
    result = ran(pytester, "\n".join(tests), f"--rlsaudit-url={project}", "--rlsaudit-probe=none")
    result.assert_outcomes(failed=len(MISTAKEN))
    for number, (_, words) in enumerate(MISTAKEN):
        told(result, f"_ test_{number}_ _", *words, *following(number, MISTAKEN))


def test_nothing_judged_is_no_finding_either(pytester: pytest.Pytester, database: str) -> None:
    result = ran(
        pytester, "def test_it(audited): audited.has_no_finding(at_least='info')", f"--rlsaudit-url={database}"
    )
    result.assert_outcomes(failed=1)
    told(result, "Nothing was judged: no relation is exposed to any persona.")


def test_names_are_hostile(pytester: pytest.Pytester, supabase_database: str) -> None:
    made(
        supabase_database,
        'create table public."\x1b[2J\n::error::gone" (id int); grant all on all tables in schema public to anon',
    )
    tests = """
    def test_it(audited):
        name = next(one.relation for one in audited.report.matrix if "gone" in one.relation)
        audited.table(name).is_hidden_from("anon")
    """
    result = ran(pytester, tests, f"--rlsaudit-url={supabase_database}", "--rlsaudit-probe=none", "--showlocals")
    result.assert_outcomes(failed=1)
    assert "\x1b" not in str(result.stdout)
    told(result, r'public."\x1b[2J\n::error::gone" was to let anon select no row: anon can read any row.')
