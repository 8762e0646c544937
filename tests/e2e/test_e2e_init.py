"""`rlsaudit init`: today's reach as a file, and what looks dangerous as questions that an audit with it finds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from command import rlsaudit
from oracle.world import APPS, read_world

from rlsaudit import demo
from rlsaudit.audit import Options, examine
from rlsaudit.catalog import take
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.intent import load
from rlsaudit.model import Severity
from rlsaudit.proposal import propose, with_questions

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.audit import Audited
    from rlsaudit.engine import Server

SCHEMA = """\
create table public.notes (id bigint primary key, user_id uuid not null, body text);
alter table public.notes enable row level security;
create policy own on public.notes to authenticated using ((select auth.uid()) = user_id);
create table public.legacy (id int primary key, email text);
create table public.posts (id int primary key, published boolean);
alter table public.posts enable row level security;
create policy p on public.posts for select using (published);
create table public."od*d[1]
'''x" (id int primary key);
alter table public."od*d[1]
'''x" enable row level security;
create table public."odd1" (id int primary key, email text);
"""


def _audited(url: str, intent: Path | None = None) -> Audited:
    with connect(url) as session:
        with session.read_only():
            snapshot = take(session)
        return examine(snapshot, Options(intent=intent), session)


def _apply(url: str, schema: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(schema.encode())
        connection.execute("reset role")
        revoke_replay_rights(connection)


def _holds(before: Audited, after: Audited) -> None:
    """What was grave is still found, nothing new is, and whatever is no longer beyond intent is said as it is."""
    was = {one.fingerprint: one for one in before.report.findings}
    found = {one.fingerprint: one for one in after.report.findings}
    assert found.keys() <= was.keys()
    assert all(one.severity <= was[fingerprint].severity for fingerprint, one in found.items())
    assert {one for one, finding in was.items() if finding.severity >= Severity.HIGH} <= found.keys()
    assumed = {(one.persona, one.relation, one.operation): one.intended for one in before.report.matrix}
    declared = [one for one in after.report.matrix if one.intended != assumed[one.persona, one.relation, one.operation]]
    assert [one for one in declared if one.reach.decided and one.reach != one.intended] == []


@pytest.mark.parametrize("name", sorted(one.stem for one in APPS.glob("*.sql")))
def test_an_application_that_is_right_leaves_no_grave_question(
    supabase_database: str, name: str, tmp_path: Path
) -> None:
    world = read_world(name, APPS)
    _apply(supabase_database, world.schema)
    before = _audited(supabase_database)
    (tmp_path / "rlsaudit.toml").write_text(propose(before.report, before.case), "utf-8")
    after = _audited(supabase_database, tmp_path / "rlsaudit.toml")
    _holds(before, after)
    # The server is the tests', of whatever release.
    about = [one for one in after.report.findings if one.object.type != "server"]
    assert [one for one in about if one.severity >= Severity.MEDIUM] == []


def test_the_demo_app_leaves_its_faults(supabase_database: str, tmp_path: Path) -> None:
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        demo.load(connection)
    before = _audited(supabase_database)
    (tmp_path / "rlsaudit.toml").write_text(propose(before.report, before.case), "utf-8")
    after = _audited(supabase_database, tmp_path / "rlsaudit.toml")
    _holds(before, after)
    assert any(one.severity is Severity.CRITICAL for one in after.report.findings)


def test_names_are_theirs_alone_and_questions_stay_comments(supabase_database: str, tmp_path: Path) -> None:
    _apply(supabase_database, SCHEMA)
    before = _audited(supabase_database)
    file = tmp_path / "rlsaudit.toml"
    file.write_text(propose(before.report, before.case), "utf-8")
    after = _audited(supabase_database, file)
    _holds(before, after)
    assert {one.object.identity for one in after.report.findings if one.rule == "rls-off"} == {
        "public.legacy",
        "public.odd1",
    }
    plain = load(file, "supabase")
    file.write_text(with_questions(file.read_text("utf-8"), before.report), "utf-8")
    assert "critical rls-off" in file.read_text("utf-8")
    assert load(file, "supabase") == plain


def test_a_role_of_the_projects_is_said_what_it_may_as_users_are(
    supabase_database: str, server: Server, tmp_path: Path
) -> None:
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as admin:
        admin.execute("create role init_reporter login")
        try:
            _apply(supabase_database, SCHEMA)
            with psycopg.connect(supabase_database, autocommit=True) as connection:
                connection.execute("grant select on public.posts to init_reporter")
            asked = Options(roles=("anon", "authenticated", "init_reporter"))
            with connect(supabase_database) as session:
                with session.read_only():
                    snapshot = take(session)
                before = examine(snapshot, asked, session)
                path = tmp_path / "rlsaudit.toml"
                path.write_text(propose(before.report, before.case), "utf-8")
                after = examine(snapshot, replace(asked, intent=path), session)
            told = {(one.persona, one.relation) for one in after.report.matrix if one.reach > one.intended}
            assert ("init_reporter", "public.posts") in {(one.persona, one.relation) for one in before.report.matrix}
            assert not {one for one in told if one[1] == "public.posts"}
        finally:
            with psycopg.connect(supabase_database, autocommit=True) as connection:
                connection.execute("drop owned by init_reporter")
            admin.execute("drop role init_reporter")


def test_a_file_is_not_written_over_unless_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "schema.sql").write_text(SCHEMA, "utf-8")
    done = rlsaudit("init", "schema.sql", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "rlsaudit.toml" in done.out
    assert "2 critical" in done.out
    written = (tmp_path / "rlsaudit.toml").read_bytes()
    rlsaudit("init", "schema.sql", cwd=tmp_path).refused("rlsaudit.toml", "--force")
    (tmp_path / "rlsaudit.toml").write_text("mine = true\n", "utf-8")
    assert rlsaudit("init", "schema.sql", "--force", cwd=tmp_path).code == 0
    assert (tmp_path / "rlsaudit.toml").read_bytes() == written
    checked = rlsaudit("check", "schema.sql", "--intent", "rlsaudit.toml", "--format", "json", cwd=tmp_path)
    assert checked.code == 1
    found = {(one["rule"], *one["relations"]) for one in json.loads(checked.out)["findings"]}
    assert ("rls-off", "public.legacy") in found
    assert ("beyond-intent", "public.posts") not in found
