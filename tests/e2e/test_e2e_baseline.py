"""`--baseline`: what is known is counted and left, whatever else changes; what is new, or got worse, is found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from command import rlsaudit

if TYPE_CHECKING:
    from pathlib import Path

    from command import Answer

FIRST = """\
create table public.notes (id bigint primary key, user_id uuid not null, body text);
alter table public.notes enable row level security;
create policy "own notes" on public.notes for all to authenticated
  using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
create table public.legacy (id int primary key, email text);
revoke all on public.legacy from anon, authenticated;
grant select on public.legacy to authenticated;
create view public.wall as select n.id from public.notes n;
"""

MORE = """\
create extension http with schema extensions;
create table public.clients (id int primary key, email text, city text);
revoke all on public.clients from anon, authenticated;
grant select (id, city) on public.clients to authenticated;
create table public.people (id int primary key, name text, email text);
alter table public.people enable row level security;
create function public.find(term text) returns setof public.people language sql stable security definer
  set search_path = '' as $$ select * from public.people p where p.name ilike term $$;
create function public.relay(address text) returns text language sql security definer
  set search_path = '' as $$ select content from extensions.http_get(address) $$;
revoke execute on function public.find(text), public.relay(text) from public, anon;
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "supabase" / "migrations").mkdir(parents=True)
    _migrate(tmp_path, 1, FIRST)
    return tmp_path


def test_what_is_known_is_counted_and_left(project: Path) -> None:
    known = _updated(project)
    again = _checked(project)
    assert again.code == 0, again.err
    report = json.loads(again.out)
    assert report["baseline"] == "known.json"
    assert report["findings"] == []
    assert {(one["rule"], one["object"]["identity"]) for one in report["existing"]} == {
        ("rls-off", "public.legacy"),
        ("definer-view", "public.wall"),
        ("truncate-bypass", "public"),
    }
    assert sum(report["summary"][level] for level in ("critical", "high", "medium", "low", "info")) == 0
    # It is not in the way of anybody else's work either: the same again is the same file.
    _updated(project)
    assert (project / "known.json").read_bytes() == known


def test_what_is_unrelated_may_be_renamed_made_anew_and_put_elsewhere(project: Path) -> None:
    _updated(project)
    _migrate(project, 1, FIRST.replace("public.notes", "public.memos").replace("own notes", "mine"))
    _migrate(
        project,
        2,
        """
        create table public.early (id int primary key);
        alter table public.early enable row level security;
        drop table public.legacy;
        create table public.legacy (email text, id int primary key);
        revoke all on public.legacy from anon, authenticated;
        grant select on public.legacy to authenticated;
        """,
    )
    report = json.loads(_checked(project).out)
    # The view's rows are those of another table now, so that it is looked at again.
    assert [(one["rule"], one["object"]["identity"]) for one in report["findings"]] == [("definer-view", "public.wall")]


@pytest.mark.parametrize(
    ("migration", "found"),
    [
        ("create table public.loose (id int primary key);", ("rls-off", "public.loose")),
        ("grant update on public.legacy to authenticated;", ("rls-off", "public.legacy")),
        ("grant select on public.legacy to anon;", ("rls-off", "public.legacy")),
    ],
    ids=["new", "more operations", "more people"],
)
def test_what_is_new_or_worse_is_found(project: Path, migration: str, found: tuple[str, str]) -> None:
    _updated(project)
    _migrate(project, 2, migration)
    checked = _checked(project)
    assert checked.code == 1
    report = json.loads(checked.out)
    assert [(one["rule"], one["object"]["identity"]) for one in report["findings"]] == [found]
    assert "new finding" in _checked(project, "--format", "text").out


@pytest.mark.parametrize(
    ("migration", "found"),
    [
        ("grant select (email) on public.clients to authenticated;", ("rls-off", "public.clients")),
        ("grant execute on function public.find(text) to anon;", ("definer-rpc", "public.find(text)")),
        ("grant execute on function public.relay(text) to anon;", ("ssrf-file", "public.relay(text)")),
    ],
    ids=["more columns", "a function that shows rows", "a function that shows none"],
)
def test_what_the_same_fault_opens_beside_that_is_found(project: Path, migration: str, found: tuple[str, str]) -> None:
    _migrate(project, 1, MORE)
    _updated(project)
    _migrate(project, 2, migration)
    known = json.loads(_checked(project).out)
    grave = [one for one in known["findings"] if one["severity"] in {"critical", "high"}]
    assert [(one["rule"], one["object"]["identity"]) for one in grave] == [found]
    assert _checked(project, "--update-baseline").code == 0
    assert json.loads(_checked(project).out)["findings"] == []


def test_what_is_mended_is_told(project: Path) -> None:
    _updated(project)
    _migrate(project, 2, "drop view public.wall;")
    checked = _checked(project)
    assert checked.code == 0
    told = [one for one in json.loads(checked.out)["target"]["notes"] if "no longer found" in one]
    assert len(told) == 1
    assert "definer-view of view public.wall" in told[0]
    _updated(project)
    assert b"definer-view" not in (project / "known.json").read_bytes()


def test_names_are_kept_as_they_are(project: Path) -> None:
    _migrate(project, 2, 'create table public."od""d\n\u202e\U0001f6b2" (id int primary key);')
    _updated(project)
    assert _checked(project).code == 0


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "cannot be read"),
        (b"", "no baseline"),
        (b"\xff\xfe", "no baseline"),
        (b"[]", "no baseline"),
        (b"[" * 100_000, "no baseline"),
        (b'{"schema": "rlsaudit.baseline/2", "findings": []}', "no baseline"),
        (b'{"schema": "rlsaudit.baseline/1", "findings": [{"fingerprint": 1}]}', "no baseline"),
    ],
)
def test_what_is_no_baseline_is_refused(project: Path, content: bytes | None, word: str) -> None:
    if content is not None:
        (project / "known.json").write_bytes(content)
    _checked(project).refused(word, "--update-baseline")


def test_a_file_that_cannot_be_written_is_told_before_the_work(project: Path) -> None:
    (project / "known.json").mkdir()
    _checked(project, "--update-baseline").refused("known.json", "is a directory")
    rlsaudit("check", str(project), "--update-baseline").refused("--baseline")


def _migrate(project: Path, number: int, sql: str) -> None:
    (project / "supabase" / "migrations" / f"2024010{number}000000_m.sql").write_text(sql, "utf-8")


def _checked(project: Path, *more: str) -> Answer:
    form = () if "--format" in more else ("--format", "json")
    return rlsaudit("check", str(project), "--baseline", str(project / "known.json"), *more, *form)


def _updated(project: Path) -> bytes:
    done = _checked(project, "--update-baseline")
    assert done.code == 0, done.err
    assert json.loads(done.out)["findings"] == []
    content: Any = json.loads((project / "known.json").read_bytes())
    assert content["schema"] == "rlsaudit.baseline/1"
    return (project / "known.json").read_bytes()
