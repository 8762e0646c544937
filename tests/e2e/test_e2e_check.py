"""`rlsaudit check` as CI runs it: a git repository, a base, and what the change opens."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

BEFORE = """\
create table public.notes (id bigint primary key, user_id uuid not null, body text);
alter table public.notes enable row level security;
create policy "own notes" on public.notes for all to authenticated
  using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
create table public.legacy (id int primary key, email text);
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    migrations = tmp_path / "supabase" / "migrations"
    migrations.mkdir(parents=True)
    (tmp_path / "supabase" / "config.toml").write_text('[api]\nschemas = ["public"]\n')
    (migrations / "20240101000000_first.sql").write_text(BEFORE)
    _git(tmp_path, "init", "--quiet", "--initial-branch=main")
    _commit(tmp_path, "first")
    return tmp_path


def test_a_new_door_is_found_at_its_line_and_the_old_one_is_left_alone(project: Path) -> None:
    _migrate(
        project,
        "20240102000000_view.sql",
        "-- for the home page\n\ncreate view public.wall as\n  select * from public.notes;\n",
    )
    code, report = _check(project, "--base", "main")
    assert code == 1
    found = {(one["rule"], one["object"]["identity"]): one["location"] for one in report["findings"]}
    assert found == {
        ("definer-view", "public.wall"): {"file": "supabase/migrations/20240102000000_view.sql", "line": 3}
    }
    assert [one["object"]["identity"] for one in report["existing"]] == ["public.legacy", "public"]
    opened = {
        (one["persona"], one["what"], one["operation"]) for one in report["changes"] if one["direction"] == "more"
    }
    assert ("anon", "public.wall", "select") in opened
    assert ("authenticated", "public.notes", "select") in opened


def test_a_suppression_that_comes_with_the_door_lets_it_through_and_no_wider(project: Path) -> None:
    (project / "rlsaudit.toml").write_text(
        """
        [[suppress]]
        rule = "rls-off"
        object = "public.lookup"
        reason = "to be mended with the next release"
        expires = 9999-12-31
        """
    )
    table = "create table public.lookup (id int primary key, email text);\nrevoke all on public.lookup from anon;\n"
    _migrate(project, "20240102000000_lookup.sql", table)
    code, report = _check(project, "--base", "main", "--intent", "rlsaudit.toml", "--fail-on", "critical")
    assert code == 0
    assert "public.lookup" not in {name for one in report["findings"] for name in one["relations"]}
    (suppressed,) = report["suppressed"]
    assert suppressed["location"] == {"file": "supabase/migrations/20240102000000_lookup.sql", "line": 1}
    assert any(one["direction"] == "more" and one["allowed"] for one in report["changes"])
    _commit(project, "lookup")
    _migrate(project, "20240103000000_wider.sql", "grant all on public.lookup to anon;\n")
    code, report = _check(project, "--base", "HEAD", "--intent", "rlsaudit.toml", "--fail-on", "critical")
    assert code == 1
    opened = {one["persona"] for one in report["changes"] if one["direction"] == "more" and not one["allowed"]}
    assert opened == {"anon"}


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        (
            'alter policy "own notes" on public.notes using (true);',
            'alter policy "own notes" on public.notes using ((select auth.uid()) = user_id);',
        ),
        ("alter table public.notes disable row level security;", "alter table public.notes enable row level security;"),
        (
            "do $$ begin execute 'create view public.wall as select * from public.notes'; end $$;",
            "alter view public.wall set (security_invoker = on);",
        ),
        (
            """create function public.all_notes() returns setof public.notes
            language sql security definer set search_path = '' as 'select * from public.notes';""",
            "revoke execute on function public.all_notes() from public, anon, authenticated;",
        ),
    ],
    ids=["alter policy", "rls off", "view from a do block", "definer function"],
)
def test_what_a_later_migration_closes_again_is_silent(project: Path, opening: str, closing: str) -> None:
    _migrate(project, "20240102000000_open.sql", f"{opening}\n")
    code, report = _check(project, "--base", "main")
    assert code == 1
    assert [(one["location"]["file"], one["location"]["line"]) for one in report["findings"]] == [
        ("supabase/migrations/20240102000000_open.sql", 1)
    ]
    _migrate(project, "20240103000000_close.sql", f"{closing}\n")
    code, report = _check(project, "--base", "main")
    assert (code, report["findings"]) == (0, [])


def test_a_repository_of_somebody_else_is_not_trusted_and_it_says_how_to(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    for name in ("GIT_CONFIG_SYSTEM", "GIT_CONFIG_GLOBAL"):
        monkeypatch.setenv(name, "/dev/null")
    done = _run(project, "check", "--base", "main")
    assert (done.returncode, done.stdout) == (2, "")
    assert "dubious ownership" in done.stderr
    assert f"git config --global --add safe.directory {project}" in done.stderr


def test_the_base_is_whole_and_the_repository_stays_as_it_is(project: Path) -> None:
    (project / ".gitattributes").write_text("supabase/migrations/* export-ignore\n")
    (project / "elsewhere").symlink_to("/nowhere")
    _commit(project, "leave the migrations out of releases")
    _migrate(project, "20240102000000_more.sql", "create table public.more (id int);\n")
    index = (project / ".git" / "index").read_bytes()
    code, report = _check(project, "--base", "main")
    assert code == 1
    assert {one["object"]["identity"] for one in report["findings"]} == {"public.more"}
    assert "public.legacy" in {one["object"]["identity"] for one in report["existing"]}
    assert (project / ".git" / "index").read_bytes() == index


def test_nothing_new_is_no_reason_to_fail_although_old_findings_remain(project: Path) -> None:
    code, report = _check(project, "--base", "main")
    assert (code, report["findings"], report["changes"]) == (0, [], [])
    assert {one["rule"] for one in report["existing"]} == {"rls-off", "truncate-bypass"}


def test_without_a_base_everything_counts(project: Path) -> None:
    code, report = _check(project)
    assert code == 1
    assert ("rls-off", 5) in {(one["rule"], (one["location"] or {}).get("line")) for one in report["findings"]}


def test_a_statement_that_fails_stops_the_check_and_says_where(project: Path) -> None:
    _migrate(project, "20240102000000_broken.sql", "\nalter table public.nothing enable row level security;\n")
    done = _run(project, "check")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "supabase/migrations/20240102000000_broken.sql:2" in done.stderr
    assert "--continue" in done.stderr


def test_what_a_failed_statement_would_have_changed_is_unknown(project: Path) -> None:
    _migrate(
        project,
        "20240102000000_broken.sql",
        'create policy "more" on public.notes for select using (nonsense);\n',
    )
    code, report = _check(project, "--continue", "--strict", "--fail-on", "critical", "--base", "main")
    assert code == 3
    cells = [one for one in report["matrix"] if one["relation"] == "public.notes"]
    assert {one["reach"] for one in cells} == {"unknown"}
    assert all("20240102000000_broken.sql:1" in one["because"] for one in cells)
    assert any("20240102000000_broken.sql:1" in one["what"] for one in report["skipped"])


def test_rows_that_a_failed_statement_leaves_out_are_said(project: Path) -> None:
    _migrate(project, "20240102000000_rows.sql", "insert into public.notes values (1, null);\n")
    _, report = _check(project, "--continue")
    assert report["skipped"] == []
    assert any("change only rows" in one and "20240102000000_rows.sql:1" in one for one in report["target"]["notes"])


def test_several_formats_go_to_several_files(project: Path) -> None:
    _migrate(project, "20240102000000_open.sql", "alter table public.notes disable row level security;\n")
    files = ["a.sarif", "b.xml", "c.md"]
    done = _run(
        project, "check", "--format", "sarif", "-o", files[0], "--format", "junit", "-o", files[1],
        "--format", "markdown", "-o", files[2], "--format", "github",
    )  # fmt: skip
    assert done.returncode == 1
    assert "::error file=supabase/migrations/20240102000000_open.sql,line=1" in done.stdout
    assert all((project / name).stat().st_size for name in files)


@pytest.mark.parametrize("base", ["no-such-branch", "--output=x", "HEAD~40"])
def test_a_base_that_is_not_there_is_said(project: Path, base: str) -> None:
    done = _run(project, "check", f"--base={base}")
    assert done.returncode == 2
    assert "git" in done.stderr
    assert "Traceback" not in done.stderr


def test_diff_sees_what_is_no_cell(project: Path) -> None:
    _migrate(
        project,
        "20240102000000_more.sql",
        """
        create function public.is_admin() returns boolean language sql stable as 'select false';
        create publication feed for table public.notes;
        insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true);
        """,
    )
    _commit(project, "more")
    _migrate(
        project,
        "20240103000000_worse.sql",
        """
        create or replace function public.is_admin() returns boolean language sql stable as 'select true';
        alter publication feed add table public.legacy;
        create function public.stamp() returns trigger language plpgsql as 'begin return new; end';
        create trigger stamp before insert on public.notes for each row execute function public.stamp();
        """,
    )
    done = _run(project, "diff", "HEAD", ".", "--format", "json")
    changes = {(one["kind"], one["what"], one["direction"]) for one in json.loads(done.stdout)["changes"]}
    assert ("function", "public.is_admin()", "incomparable") in changes
    assert ("publication", "feed", "more") in changes
    assert ("trigger", "public.notes: stamp", "incomparable") in changes


def test_what_the_api_serves_does_not_bound_a_role_that_logs_in(project: Path) -> None:
    _migrate(
        project,
        "20240102000000_worker.sql",
        "create role e2e_worker login; create schema private; create table private.jobs (id int);"
        "grant usage on schema private to e2e_worker; grant select on private.jobs to e2e_worker;",
    )
    _, report = _check(project, "--role", "e2e_worker", "--role", "anon")
    reached = {(one["persona"], one["relation"]) for one in report["matrix"] if one["reach"] == "all"}
    assert ("e2e_worker", "private.jobs") in reached
    assert ("anon", "public.legacy") in reached
    assert report["target"]["schemas"] == ["public", "storage"]
    _, report = _check(project, "--role", "e2e_worker", "--schema", "public")
    assert {one["relation"].partition(".")[0] for one in report["matrix"]} <= {"public"}


def _check(project: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = _run(project, "check", "--format", "json", *arguments)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def _run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "rlsaudit", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603


def _migrate(project: Path, name: str, sql: str) -> None:
    (project / "supabase" / "migrations" / name).write_text(sql)


def _commit(project: Path, message: str) -> None:
    _git(project, "add", "--all")
    _git(project, "-c", "user.name=ci", "-c", "user.email=ci@example.com", "commit", "--quiet", "-m", message)


def _git(project: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=project, check=True, timeout=60)  # noqa: S603, S607


@pytest.mark.parametrize(
    ("setting", "asks", "said"),
    [
        ("true", False, "nothing asks who has, so that they reach what authenticated does"),
        ("true", True, "is on: whoever is authenticated need not have an account"),
        ("false", True, "is off: what anonymous-sign-in reaches counts where the project itself has it on"),
        ("false", False, ""),
    ],
)
def test_a_policy_that_begins_to_ask_for_an_account_opens_nothing(
    project: Path, setting: str, *, asks: bool, said: str
) -> None:
    (project / "supabase" / "config.toml").write_text(f"[auth]\nenable_anonymous_sign_ins = {setting}\n")
    condition = "(auth.jwt() ->> 'is_anonymous')::boolean is false" if asks else "user_id = auth.uid()"
    _migrate(
        project,
        "20240102000000_account.sql",
        f'create policy "an account" on public.notes as restrictive to authenticated\n  using ({condition});\n',
    )
    code, report = _check(project, "--base", "main", "--probe", "none")
    assert code == 0
    assert ("anonymous-sign-in" in {one["name"] for one in report["personas"]}) is asks
    told = [one for one in report["target"]["notes"] if "enable_anonymous_sign_ins" in one]
    assert (told == []) is (said == "")
    assert all(said in one for one in told)
    notes = [one for one in report["changes"] if one["what"] == "public.notes" and one["kind"] == "cell"]
    assert {(one["persona"], one["direction"]) for one in notes} <= {("anonymous-sign-in", "less")}
    assert bool(notes) is asks
