"""`rlsaudit fix`: what it prints where, what its exit code says, and that a database stays as it is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from unchanged import settled

from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from command import Answer

    from rlsaudit.engine import Server

NOTES = "create table public.notes (id bigint primary key, user_id uuid not null, email text);\n"
BACKUP = "create table public.backup (id bigint primary key, email text);\n"
QUIET = "alter table public.notes enable row level security;\n"


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., str]:
    def made(*statements: str) -> str:
        migrations = tmp_path / "app" / "supabase" / "migrations"
        migrations.mkdir(parents=True)
        (migrations.parent / "config.toml").write_text('[api]\nschemas = ["public"]\n')
        (migrations / "20240101000000_first.sql").write_text("".join(statements))
        return str(tmp_path / "app")

    return made


@pytest.fixture(scope="module")
def notes(server: Server) -> Iterator[str]:
    with psycopg.connect(server.supabase_database("fixable"), autocommit=True) as connection:
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(f"{NOTES} insert into public.notes values (1, gen_random_uuid(), 'a@example.com')".encode())
        connection.execute("reset role")
        revoke_replay_rights(connection)
        connection.execute("vacuum freeze")  # or readers would set hint bits and prune
    yield "fixable"
    server.drop_database("fixable")


def test_migrations_are_mended(ask: Callable[..., Answer], project: Callable[..., str], server: Server) -> None:
    path = project(NOTES)
    answer = ask("fix", path)
    assert answer.code == 0
    assert "opened in supabase/migrations/20240101000000_first.sql:1" in answer.out
    assert 'create policy "own notes" on public.notes to authenticated' in answer.out
    assert "1 of 1 finding mended" in answer.err
    with psycopg.connect(server.supabase_database("mended")) as connection:
        connection.execute((NOTES + answer.out).encode())
        connection.rollback()
    server.drop_database("mended")


def test_what_is_left_is_told_by_the_exit_code(ask: Callable[..., Answer], project: Callable[..., str]) -> None:
    answer = ask("fix", project(NOTES, BACKUP), "--output", "fix.sql", "--format", "json")
    assert answer.code == 1
    fixes = {one["object"]["identity"]: one["fix"] for one in json.loads(answer.out)["findings"]}
    assert fixes["public.notes"]["verified"] is True
    assert (fixes["public.notes"]["tried"], fixes["public.notes"]["because"]) == ("verified", "")
    assert fixes["public.backup"]["verified"] is False
    assert fixes["public.backup"]["tried"] == "draft"
    assert "could no longer read" in fixes["public.backup"]["because"]
    written = Path("fix.sql").read_text(encoding="utf-8")
    assert "-- DRAFT. critical, rls-off: Table public.backup has no row-level security\n" in written
    assert "\n--    alter table public.backup enable row level security;\n" in written
    assert "\nalter table public.backup" not in written


def test_what_is_meant_to_be_shut_is_shut(ask: Callable[..., Answer], project: Callable[..., str]) -> None:
    Path("rlsaudit.toml").write_text(
        '[[allow]]\nrelation = "public.backup"\npersona = "*"\n'
        'select = "none"\ninsert = "none"\nupdate = "none"\ndelete = "none"\n',
        encoding="utf-8",
    )
    answer = ask("fix", project(BACKUP), "--intent", "rlsaudit.toml", "--output", "fix.sql")
    assert (answer.code, answer.err) == (0, "")
    # The server of these tests may lack a release, which no SQL mends.
    assert re.search("1 of [12] findings? mended", answer.out)


def test_where_nothing_is_found_nothing_is_tried(ask: Callable[..., Answer], project: Callable[..., str]) -> None:
    quiet = "create table public.jobs (id int primary key); alter table public.jobs enable row level security;"
    answer = ask("fix", project(quiet, "revoke truncate on public.jobs from anon, authenticated;"))
    assert answer.code == 0
    assert all(line.startswith("--") for line in answer.out.splitlines())
    assert "nothing to mend" in answer.err


def test_a_database_is_mended_in_a_clone_and_stays_as_it_is(
    ask: Callable[..., Answer], server: Server, notes: str
) -> None:
    with psycopg.connect(server.dsn(notes), autocommit=True) as admin:
        before = settled(admin)
        answer = ask("fix", server.dsn(notes, user="postgres"), "--output", "fix.sql")
        assert settled(admin) == before
    assert answer.code == 0
    # The server of these tests may lack a release, which no SQL mends.
    assert re.search("1 of [12] findings? mended", answer.out)
    assert 'create policy "own notes"' in Path("fix.sql").read_text(encoding="utf-8")


class TestRefused:
    def test_a_format_that_is_for_reports(self, ask: Callable[..., Answer]) -> None:
        ask("fix", ".", "--format", "sarif").refused("There is no format 'sarif' here")

    def test_what_is_not_there(self, ask: Callable[..., Answer]) -> None:
        ask("fix", "nowhere").refused("There is no file or directory of that name")

    def test_a_snapshot(self, ask: Callable[..., Answer]) -> None:
        Path("facts.json").write_text("{}", encoding="utf-8")
        ask("fix", "facts.json").refused("A snapshot has no database")

    def test_a_file_that_cannot_be_written(self, ask: Callable[..., Answer]) -> None:
        ask("fix", ".", "--output", "nowhere/fix.sql").refused("cannot be written")

    @pytest.mark.parametrize("option", [("--continue",), ("--layout", "plain"), ("--apply", "true")])
    def test_a_database_with_options_for_migrations(self, ask: Callable[..., Answer], option: tuple[str, ...]) -> None:
        ask("fix", "postgresql://u:secret@127.0.0.1:1/x", *option).refused("are about migrations")
