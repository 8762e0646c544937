"""What is asked about one cell, one role or the whole matrix, as a user asks it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from rlsaudit.cli import main
from rlsaudit.connect import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command import Answer

    from rlsaudit.engine import Server

SCHEMA = """
create table public.notes (id int primary key, owner uuid not null, body text);
alter table public.notes enable row level security;
create policy mine on public.notes to authenticated using (owner = (select auth.uid()));
create view public.wall as select id, body as words, upper(body) as loud from public.notes;
create function public.every_note() returns setof public.notes language sql security definer as
  'select * from public.notes';
create table public."od.d ""x" (id int);
create schema private;
create table private.jobs (id int);
create sequence public.tickets;
"""


@pytest.fixture
def project(supabase_database: str) -> str:
    with connect(supabase_database) as session:
        session.execute(f"set role postgres; {SCHEMA}")
    parts = conninfo_to_dict(supabase_database)
    return " ".join(f"{key}={value}" for key, value in parts.items() if value)


def test_a_cell_is_explained_along_every_way(project: str, ask: Callable[..., Answer]) -> None:
    answer = ask("explain", "--cell", "anon", "select", "public.notes", project)
    assert answer.code == 0
    assert "USAGE on schema public" in answer.out
    assert "← granted to anon by postgres" in answer.out
    assert "as the default privileges of postgres in schema public give it on each new table" in answer.out
    assert "✗ no policy lets select through" in answer.out
    assert "THROUGH public.wall (view)" in answer.out
    assert "reads with the rights of its owner, postgres" in answer.out
    assert "postgres has BYPASSRLS" in answer.out
    assert "← as they are: id; body as words" in answer.out
    assert "← computed: loud from body" in answer.out
    assert "THROUGH public.every_note() (security definer function)" in answer.out
    assert "without a search_path of its own" in answer.out
    assert "beyond intent" in answer.out


def test_the_same_for_machines(project: str, ask: Callable[..., Answer]) -> None:
    found = asked(ask, "explain", "--cell", "anon", "select", "notes", project)
    assert found["schema"] == "rlsaudit.explanation/1"
    assert (found["relation"], found["reach"], found["cell"]["reach"]) == ("public.notes", "all", "all")
    direct, *others = found["routes"]
    assert (direct["via"], direct["at_most"], [one["ends"] for one in direct["links"]]) == (
        "",
        "none",
        [False, False, False, True],
    )
    assert {one["via"] for one in others} == {"public.wall", "public.every_note()"}


def test_flaws_of_its_policies_are_told_of(supabase_database: str, ask: Callable[..., Answer]) -> None:
    with connect(supabase_database) as session:
        session.execute(f"set role postgres; {SCHEMA}")
        session.execute("create policy narrow on public.notes for select to authenticated using (id > 2 and id < 2)")
        session.execute("create policy other on public.notes for delete to authenticated using (true)")
    parts = conninfo_to_dict(supabase_database)
    project = " ".join(f"{key}={value}" for key, value in parts.items() if value)
    told = {
        operation: asked(ask, "explain", "--cell", "authenticated", operation, "notes", project)["flaws"]
        for operation in ("select", "delete", "insert")
    }
    assert told["select"] == ['policy "narrow" (always-false): true for no row: ((id > 2) AND (id < 2))']
    assert [one.partition(":")[0] for one in told["delete"]] == [
        'policy "other" (always-true)',
    ]
    assert told["insert"] == []
    text = ask("explain", "--cell", "authenticated", "select", "public.notes", project).out
    assert "FLAWS OF ITS POLICIES" in text
    assert 'policy "narrow" (always-false)' in text


def test_a_relation_that_is_not_exposed_is_explained_too(project: str, ask: Callable[..., Answer]) -> None:
    answer = ask("explain", "--cell", "authenticated", "select", "private.jobs", project)
    assert answer.code == 0
    assert "not exposed to authenticated" in answer.out
    assert "✗ USAGE on schema private" in answer.out


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        (("anonn", "select", "public.notes"), "Did you mean anon?"),
        (("anon", "read", "public.notes"), "select, insert, update, delete"),
        (("anon", "select", "public.note"), "Did you mean public.notes"),
        (("anon", "select", "x\x1b[31m"), "There is no relation"),
    ],
)
def test_what_is_not_there_is_said(
    project: str, ask: Callable[..., Answer], cell: tuple[str, str, str], hint: str
) -> None:
    answer = ask("explain", "--cell", *cell, project)
    assert answer.code == 2
    assert hint in answer.err
    assert "\x1b" not in answer.err
    assert "Traceback" not in answer.err


def test_what_realtime_sends_is_said_of_whom_it_is_sent_to(project: str, ask: Callable[..., Answer]) -> None:
    with connect(project) as session:
        session.execute(
            "create table public.open (id int primary key, note text); alter table public.open replica identity full;"
            "create table public.tags (id int references public.open (id));"
            "revoke all on public.open from authenticated; alter publication supabase_realtime add table public.open;"
            "grant all on public.open, public.tags to anon; grant insert on public.tags to authenticated"
        )
    sent = "publication supabase_realtime: Realtime sends every change with the whole deleted row"
    told = {who: asked(ask, "explain", "--cell", who, "select", "open", project) for who in ("anon", "authenticated")}
    assert any(one.startswith(sent) for one in told["anon"]["asides"])
    assert not any("Realtime" in one for one in told["authenticated"]["asides"])
    assert any("a foreign key of public.tags points here" in one for one in told["authenticated"]["asides"])


def test_nothing_to_explain_is_said(ask: Callable[..., Answer]) -> None:
    answer = ask("explain")
    assert answer.code == 2
    assert "--cell" in answer.err


def test_the_matrix_is_whole_and_can_be_cut_to_what_is_asked(project: str, ask: Callable[..., Answer]) -> None:
    whole = asked(ask, "matrix", project)
    assert whole["schema"] == "rlsaudit.matrix/1"
    assert {one["persona"] for one in whole["matrix"]} == {"anon", "authenticated"}
    part = asked(ask, "matrix", "--persona", "anon", "--relation", "public.*", "--relation", "*.objects", project)
    assert {one["relation"] for one in part["matrix"]} == {
        "public.notes",
        "public.wall",
        'public."od.d ""x"',
        "storage.objects",
    }
    assert part["matrix"] == [
        one for one in whole["matrix"] if one["persona"] == "anon" and (one["relation"] in map_of(part))
    ]
    shown = ask("matrix", "--persona", "anon", project)
    assert shown.code == 0
    assert "storage.migrations" in shown.out
    assert "as authenticated" not in shown.out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [(("--persona", "nobody"), "anon, authenticated"), (("--relation", "x.*"), "as in a shell")],
)
def test_a_filter_that_leaves_nothing_is_an_error(
    project: str, ask: Callable[..., Answer], arguments: tuple[str, ...], hint: str
) -> None:
    answer = ask("matrix", *arguments, project)
    assert answer.code == 2
    assert hint in answer.err


def test_a_path_that_is_not_there_is_called_one(tmp_path: Path, ask: Callable[..., Answer]) -> None:
    answer = ask("matrix", str(tmp_path / "nowhere"))
    assert answer.code == 2
    assert "no file or directory" in answer.err


def test_what_a_filter_leaves_out_is_not_counted(project: str, ask: Callable[..., Answer]) -> None:
    with connect(project) as session:
        session.execute(
            "create function public.coin() returns boolean language plpgsql as"
            " 'begin if random() > 0.5 then return true; end if; return false; end';"
            "create table public.first (id int); alter table public.first enable row level security;"
            "create table public.second (id int); alter table public.second enable row level security;"
            "create policy p on public.first for select using (public.coin());"
            "create policy p on public.second for select using (public.coin())"
        )
    shown = ask("matrix", "--persona", "anon", "--relation", "*.first", project)
    assert "NOT DECIDED: 1 of 4 verdicts" in shown.out


def test_privileges_are_those_that_the_server_tells(project: str, ask: Callable[..., Answer]) -> None:
    found = asked(ask, "matrix", "--privileges", project)["roles"]
    told = {(one["kind"], one["identity"]): one for one in found["anon"]}
    with connect(project) as session:
        for (kind, identity), one in told.items():
            if kind in {"table", "view"} and not one["columns"]:
                held = session.fetch_value(
                    "select array_agg(p)::text from unnest(array['SELECT','INSERT','UPDATE','DELETE','TRUNCATE',"
                    "'REFERENCES','TRIGGER']) p where has_table_privilege('anon', %s::regclass, p)",
                    [identity],
                )
                assert str(held).strip("{}").split(",") == [each for each in one["privileges"] if each != "MAINTAIN"]
    assert told["sequence", "public.tickets"]["privileges"] == ["USAGE", "SELECT", "UPDATE"]
    assert told["function", "public.every_note()"]["privileges"] == ["EXECUTE"]
    assert ("schema", "private") not in told
    opened = told["default privileges", "each new table of postgres in public"]
    assert "INSERT" in opened["privileges"]


def test_each_privilege_has_the_grant_that_it_comes_from(project: str, ask: Callable[..., Answer]) -> None:
    with connect(project) as session:
        session.execute(
            "create table private.mixed (a int, b int, c int); grant usage on schema private to anon;"
            "grant select on private.mixed to public; grant delete on private.mixed to anon;"
            "grant update (a, c) on private.mixed to public; grant update (b) on private.mixed to anon"
        )
        owner = session.fetch_value("select current_user")
    held = asked(ask, "matrix", "--privileges", "--persona", "anon", "--schema", "private", project)["roles"]["anon"]
    assert [(one["privileges"], one["through"]) for one in held if one["identity"] == "private.mixed"] == [
        (["SELECT"], [f"granted to PUBLIC by {owner}"]),
        (["DELETE"], [f"granted to anon by {owner}"]),
        (["UPDATE"], [f"a, c: granted to PUBLIC by {owner}", f"b: granted to anon by {owner}"]),
    ]


def test_the_auditor_role_sees_what_a_superuser_sees(
    server: Server, project: str, ask: Callable[..., Answer], capsys: pytest.CaptureFixture[str]
) -> None:
    role = "cli_auditor"
    with connect(project) as admin:
        try:
            admin.execute(f"set role postgres; {ask('auditor-role', '--name', role).out}; reset role")
            database = str(conninfo_to_dict(project)["dbname"])
            theirs = report(capsys, server.dsn(database, user=role))
            mine = report(capsys, project)
            assert [strip(one) for one in theirs["matrix"]] == [strip(one) for one in mine["matrix"]]
            assert {(one["rule"], one["object"]["identity"]) for one in theirs["findings"]} == {
                (one["rule"], one["object"]["identity"]) for one in mine["findings"]
            }
            assert not [one for one in theirs["skipped"] if one["what"].startswith("probes")]
            assert [one["reason"] for one in theirs["skipped"]] == ["storage.buckets: this role may not read all of it"]
        finally:
            admin.execute(f"reset role; drop role if exists {role}")


def test_with_bypass_rls_nothing_is_missing(
    server: Server, project: str, ask: Callable[..., Answer], capsys: pytest.CaptureFixture[str]
) -> None:
    role = "cli_auditor"
    with connect(project) as admin:
        try:
            admin.execute(ask("auditor-role", "--name", role, "--bypass-rls").out)
            theirs = report(capsys, server.dsn(str(conninfo_to_dict(project)["dbname"]), user=role))
            assert (theirs["skipped"], theirs["matrix"]) == ([], report(capsys, project)["matrix"])
        finally:
            admin.execute(f"reset role; drop role if exists {role}")


def test_a_hostile_name_of_the_auditor_is_quoted(ask: Callable[..., Answer]) -> None:
    assert 'create role "a"";drop" login' in ask("auditor-role", "--name", 'a";drop').out
    for name in ("", "a\nb"):
        assert ask("auditor-role", "--name", name).code == 2


def asked(ask: Callable[..., Answer], *arguments: str) -> Any:  # noqa: ANN401  JSON
    answer = ask(*arguments, "--format", "json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def report(capsys: pytest.CaptureFixture[str], target: str) -> Any:  # noqa: ANN401  JSON
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(("audit", "--format", "json", target))
    return json.loads(capsys.readouterr().out)


def strip(cell: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on whether rows could be counted."""
    return {key: value for key, value in cell.items() if key not in {"evidence", "because"}}


def map_of(part: dict[str, Any]) -> set[str]:
    return {one["relation"] for one in part["matrix"]}


def test_a_role_that_logs_in_is_not_kept_to_what_the_api_serves(
    supabase_database: str, ask: Callable[..., Answer]
) -> None:
    with connect(supabase_database) as session:
        try:
            session.execute(
                "create role cli_worker login; create schema private; create table private.jobs (id int);"
                "grant usage on schema private to cli_worker, anon; grant select on private.jobs to cli_worker, anon;"
                "create view private.all_jobs as select * from private.jobs;"
                "grant select on private.all_jobs to cli_worker"
            )
            told = report_of(ask("audit", "--format", "json", supabase_database))
            assert not any(one["relation"].startswith("private.") for one in told["matrix"])
            assert any(
                "not audited (--role NAME does)" in one and "cli_worker" in one for one in told["target"]["notes"]
            )
            told = report_of(ask("audit", "--role", "cli_worker", "--format", "json", supabase_database))
            cells = {one["relation"]: one for one in told["matrix"] if one["operation"] == "select"}
            assert cells["private.jobs"]["reach"] == "all"
            assert cells["private.jobs"]["paths"] == ["private.all_jobs"]
            assert any(one.startswith("cli_worker: speaks SQL itself") for one in told["target"]["notes"])
        finally:
            session.execute("drop owned by cli_worker; drop role cli_worker")


def test_a_group_counts_as_whoever_logs_in_with_it(supabase_database: str, ask: Callable[..., Answer]) -> None:
    with connect(supabase_database) as session:
        try:
            session.execute(
                "create role cli_group nologin; create role cli_bi login; create schema private;"
                "create table private.jobs (id int); grant usage on schema private to cli_group;"
                "grant select on private.jobs to cli_group"
            )
            told = report_of(ask("audit", "--role", "cli_group", "--format", "json", supabase_database))
            assert not any(one["relation"] == "private.jobs" for one in told["matrix"])
            session.execute("grant cli_group to cli_bi")
            told = report_of(ask("audit", "--role", "cli_group", "--format", "json", supabase_database))
            assert {one["reach"] for one in told["matrix"] if one["relation"] == "private.jobs"} == {"all", "none"}
        finally:
            session.execute("drop owned by cli_group; drop role cli_group, cli_bi")


def report_of(answer: Answer) -> Any:  # noqa: ANN401  JSON
    assert answer.code in {0, 1}, answer.err
    return json.loads(answer.out)


def test_what_the_apis_login_can_become_is_told(project: str, ask: Callable[..., Answer]) -> None:
    found = asked(ask, "matrix", "--privileges", "--role", "authenticator", "--role", "postgres", project)["roles"]
    become = {one["identity"]: one["privileges"] for one in found["authenticator"] if one["kind"] == "role"}
    with connect(project) as session:
        modern = session.server_version_num >= 160_000
        told = session.fetch_all(
            "select rolname from pg_roles where rolname <> 'authenticator' and"
            f" pg_has_role('authenticator', oid, '{'SET' if modern else 'MEMBER'}')"
        )
    assert {one for one, ways in become.items() if "SET" in ways} == {name for (name,) in told}
    # It does not inherit: before it sets a role it has nothing of theirs.
    assert not any("INHERIT" in ways for ways in become.values())
    owner = {one["identity"]: one for one in found["postgres"] if one["kind"] == "role"}
    assert "INHERIT" in owner["anon"]["privileges"]
    assert owner["anon"]["through"] == ["inherits from anon"]
    # Up to 15, who may create roles may grant himself any that is no superuser.
    assert ("supabase_auth_admin" in owner) is not modern
