"""One fault, one finding, of a severity that fits: schemas in which several rules could have something to say."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from projects import findings

from rlsaudit.model import Severity

if TYPE_CHECKING:
    from pathlib import Path

CRITICAL, HIGH, MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM

NOTES = """
create table public.notes (
  id bigint primary key, user_id uuid, email text, title text, published boolean not null default false
);
alter table public.notes enable row level security;
insert into public.notes values (1, gen_random_uuid(), 'a@b.c', 'x', true), (2, gen_random_uuid(), 'd@e.f', 'y', false);
"""
OWN = """create policy own on public.notes to authenticated
  using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);"""
PUBLISHED = "create policy published on public.notes for select using (published);"
EVERYTHING = "create policy everything on public.notes for select using (true);"
TOPICS = """
create table public.topics (id bigint primary key, name text);
alter table public.topics enable row level security;
create policy topics on public.topics for select using (true);
"""
MAY_BE_MEANT = {("beyond-intent", "public.notes"): MEDIUM}
TOPICS_MAY_BE_MEANT = {("tautology", "public.topics.topics"): MEDIUM}


def definer(signature: str, body: str) -> str:
    return f"create function public.f{signature} language sql security definer set search_path = '' as $${body}$$;"


def reading_only(view: str) -> str:
    return f"revoke insert, update, delete on {view} from anon, authenticated;"


CASES = {
    "files by the name of something else, and files of another bucket": (
        """
        insert into storage.buckets (id, name) values ('pictures', 'pictures'), ('logos', 'logos');
        create table public.chats (id uuid primary key default gen_random_uuid(),
          user_id uuid not null default auth.uid() references auth.users, name varchar(50) not null);
        alter table public.chats enable row level security;
        create policy own on public.chats for select to authenticated using (user_id = (select auth.uid()));
        create policy pictures on storage.objects for select to authenticated using (
          bucket_id = 'pictures' and exists (select from public.chats
            where user_id = (select auth.uid()) and id::text = (storage.foldername(name))[1]));
        create policy logos on storage.objects for select to authenticated using (bucket_id = 'logos');
        """,
        {
            ("shadowed-column", "storage.objects.pictures"): CRITICAL,
            ("storage-bucket-only", "storage.objects.logos"): HIGH,
        },
    ),
    # Views.
    "a view over a table without RLS": (
        "create table public.t (id bigint, email text); create view public.v as select * from public.t;",
        {("rls-off", "public.t"): CRITICAL},
    ),
    "a view over a table that is open anyway": (
        f"{NOTES}{EVERYTHING} create view public.v as select * from public.notes; {reading_only('public.v')}",
        {("tautology", "public.notes.everything"): CRITICAL},
    ),
    "a view that shows what the table shows, and passes writes": (
        f"{NOTES}{PUBLISHED} create view public.v as select * from public.notes where published;",
        {("definer-view", "public.v"): CRITICAL} | MAY_BE_MEANT,
    ),
    "a view that shows more than the published rows": (
        f"""{NOTES}{PUBLISHED}
        create view public.v as select id, title from public.notes where title <> ''; {reading_only("public.v")}""",
        {("definer-view", "public.v"): HIGH} | MAY_BE_MEANT,
    ),
    "a view of a column that is not granted": (
        f"""{NOTES}{EVERYTHING}
        revoke all on public.notes from anon, authenticated; grant select (id, title) on public.notes to anon;
        create view public.v as select id, email from public.notes; {reading_only("public.v")}""",
        {("tautology", "public.notes.everything"): MEDIUM, ("definer-view", "public.v"): CRITICAL},
    ),
    "views upon views": (
        f"""{NOTES}{OWN}
        create view public.v as select id, email from public.notes; create view public.w as select * from public.v;
        create view public.x with (security_invoker = on) as select * from public.w;""",
        {("definer-view", "public.v"): CRITICAL},
    ),
    "a view over a materialized view": (
        f"""{NOTES}{OWN}
        create materialized view public.m as select id, email from public.notes;
        create view public.v as select * from public.m;""",
        {("matview", "public.m"): HIGH},
    ),
    "a view over a materialized view that nobody may read": (
        f"""{NOTES}{OWN}
        create materialized view public.m as select id, email from public.notes;
        revoke all on public.m from anon, authenticated; create view public.v as select * from public.m;""",
        {("definer-view", "public.v"): CRITICAL},
    ),
    "a join of what is published": (
        f"""{NOTES}{PUBLISHED}{TOPICS}
        create view public.v as
          select n.id, t.name from public.notes n join public.topics t on t.id = n.id where n.published;""",
        MAY_BE_MEANT | TOPICS_MAY_BE_MEANT,
    ),
    "a table that only decides which rows are shown": (
        f"""{NOTES}{OWN}{TOPICS}
        create view public.v as
          select id, name from public.topics t where exists (select 1 from public.notes n where n.id = t.id);
        {reading_only("public.v")}""",
        TOPICS_MAY_BE_MEANT,
    ),
    "a number": (
        f"{NOTES}{OWN} create view public.v as select count(*) from public.notes;",
        {("definer-view", "public.v"): MEDIUM},
    ),
    "a copy of what is published": (
        f"{NOTES}{PUBLISHED} create materialized view public.m as select id from public.notes where published;",
        {("matview", "public.m"): MEDIUM} | MAY_BE_MEANT,
    ),
    # Roles and services of the platform.
    "a table without RLS that Realtime publishes": (
        """create table public.t (id bigint primary key, user_id uuid, email text);
        alter publication supabase_realtime add table public.t;""",
        {("rls-off", "public.t"): CRITICAL},
    ),
    "an admin by one's own hand, past grants of columns": (
        """create table public.people (id uuid primary key, nick text, is_admin boolean not null default false);
        create table public.audits (id bigint primary key, body text);
        alter table public.people enable row level security;
        alter table public.audits enable row level security;
        create policy own on public.people for select to authenticated using (id = (select auth.uid()));
        create policy edit on public.people for update to authenticated using (id = (select auth.uid()));
        grant update (nick) on public.people to authenticated;
        create policy admins on public.audits to authenticated using (exists (
          select from public.people p where p.id = (select auth.uid()) and p.is_admin));""",
        {("column-revoke-void", "public.people"): HIGH},
    ),
    # Parents and children.
    "a partition as open as its parent": (
        """create table public.p (id int, name text) partition by range (id);
        alter table public.p enable row level security;
        create policy everything on public.p for select using (true);
        create table public.p1 partition of public.p for values from (0) to (10);
        revoke insert, update, delete on public.p1 from anon, authenticated;""",
        {("tautology", "public.p.everything"): MEDIUM},
    ),
    # Functions.
    "a search in what is published": (
        NOTES + PUBLISHED + definer(
            "(q text) returns setof public.notes", "select * from public.notes where published and title like q"
        ),
        MAY_BE_MEANT,
    ),
    "a search in what is published and what is not": (
        NOTES + PUBLISHED + definer(
            "(q text) returns setof public.notes", "select * from public.notes where title like q"
        ),
        {("definer-rpc", "public.f(text)"): HIGH} | MAY_BE_MEANT,
    ),
    "a row by its id": (
        NOTES + OWN + definer("(i bigint) returns setof public.notes", "select * from public.notes where id = i"),
        {("definer-rpc", "public.f(bigint)"): MEDIUM},
    ),
    "a row by its id, or all": (
        NOTES + OWN + definer(
            "(i bigint) returns setof public.notes", "select * from public.notes where i is null or id = i"
        ),
        {("definer-rpc", "public.f(bigint)"): HIGH},
    ),
    "a counter": (
        NOTES + OWN + definer("(i bigint) returns void", "update public.notes set title = title || '!' where id = i"),
        {("definer-rpc", "public.f(bigint)"): MEDIUM},
    ),
    "a nightly job": (
        NOTES + OWN + definer("() returns void", "delete from public.notes where title = 'old'"),
        {("definer-rpc", "public.f()"): MEDIUM},
    ),
    "everything gone": (
        NOTES + OWN + definer("() returns void", "delete from public.notes"),
        {("definer-rpc", "public.f()"): CRITICAL},
    ),
    "a row in another's name": (
        NOTES + OWN + definer("(u uuid) returns void", "insert into public.notes (id, user_id) values (3, u)"),
        {("definer-rpc", "public.f(uuid)"): HIGH},
    ),
    "an e-mail address by the user's id": (
        definer("(u uuid) returns text", "select email from auth.users where id = u"),
        {("definer-rpc", "public.f(uuid)"): HIGH},
    ),
    # Policies.
    "a public profile": (
        """create table public.profiles (id uuid primary key, username text);
        alter table public.profiles enable row level security;
        create policy "viewable by everyone" on public.profiles for select using (true);
        create policy "own" on public.profiles for update using ((select auth.uid()) = id);""",
        {("tautology", 'public.profiles."viewable by everyone"'): MEDIUM},
    ),
    "a contact form": (
        """create table public.requests (id bigint generated always as identity, message text);
        alter table public.requests enable row level security;
        create policy send on public.requests for insert with check (true);""",
        {("insert-check-true", "public.requests.send"): MEDIUM},
    ),
    "a bucket that everybody overwrites, beside a folder that is one's own": (
        """create policy mine on storage.objects to authenticated
          using (bucket_id = 'a' and (storage.foldername(name))[1] = (select auth.uid())::text);
        create policy bucket on storage.objects for update to authenticated using (bucket_id = 'b');""",
        {("storage-bucket-only", "storage.objects.bucket"): HIGH},
    ),
    "an address at some domain": (
        f"""{NOTES} create policy corp on public.notes for select to authenticated
          using ((select auth.email()) like '%@corp.example');""",
        {("email-claim", "public.notes.corp"): HIGH},
    ),
    "what the service key may do": (
        f"""{NOTES} create policy a on public.notes using (auth.role() = 'service_role');
        create policy b on public.notes using ((select auth.jwt()) ->> 'role' = 'service_role');""",
        {},
    ),
}  # fmt: skip


def judged(url: str, schema: str, intent: Path | None = None) -> dict[tuple[str, str], Severity]:
    return {
        (one.rule, one.object.identity): one.severity
        for one in findings(url, schema, intent)
        if one.severity is not Severity.INFO
    }


@pytest.mark.parametrize(("schema", "expected"), CASES.values(), ids=CASES)
def test_each_fault_is_told_once(
    supabase_database: str, schema: str, expected: dict[tuple[str, str], Severity]
) -> None:
    assert judged(supabase_database, schema) == expected


def test_what_is_declared_is_no_finding(supabase_database: str, tmp_path: Path) -> None:
    intent = tmp_path / "rlsaudit.toml"
    intent.write_text(
        dedent("""
        [[allow]]
        relation = "public.notes"
        persona = ["anon", "authenticated"]
        select = "some"

        [[function]]
        name = "public.f(bigint)"
        callable_by = ["anon", "authenticated"]
        """)
    )
    schema = NOTES + OWN + PUBLISHED + definer("(i bigint) returns text", "select email from public.notes where id = i")
    assert judged(supabase_database, schema, intent) == {}


def test_more_than_what_is_declared_is_graver(supabase_database: str, tmp_path: Path) -> None:
    intent = tmp_path / "rlsaudit.toml"
    intent.write_text('[[allow]]\nrelation = "public.notes"\npersona = "anon"\nselect = "none"\n')
    assert judged(supabase_database, NOTES + PUBLISHED, intent) == {("beyond-intent", "public.notes"): HIGH}


def test_what_realtime_sends_is_told_with_the_table(supabase_database: str) -> None:
    schema = """create table public.t (id bigint primary key, email text); alter table public.t replica identity full;
      alter publication supabase_realtime add table public.t;"""
    (found,) = (one for one in findings(supabase_database, schema) if one.rule == "rls-off")
    assert found.message.endswith(" Realtime sends its changes, old rows included, to whoever listens.")


def test_a_bucket_that_is_meant_to_be_public_is_no_finding(supabase_database: str, tmp_path: Path) -> None:
    intent = tmp_path / "rlsaudit.toml"
    intent.write_text('[buckets]\npublic = ["avatars"]\n')
    schema = (
        "insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true), ('p', 'papers', true);"
    )
    assert judged(supabase_database, schema, intent) == {("storage-public-bucket", "p"): MEDIUM}
