"""Secrets that are in no row of a project's table: who reads them is what the server says, and no value is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from projects import audited, findings
from psycopg import sql

from rlsaudit.audit import Options
from rlsaudit.connect import connect
from rlsaudit.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.model import Finding, Report

APP, OWNER, AUDITOR = "kept_app", "kept_owner", "kept_auditor"
KEY = "sk_live_" + "a1" * 12
CRON = f"""
    create schema cron;
    create table cron.job (jobid bigint primary key, command text not null, username text not null);
    alter table cron.job enable row level security;
    create policy own on cron.job using (username = current_user);
    grant usage on schema cron to {APP}, {AUDITOR};
    grant select on cron.job to public;
    insert into cron.job values (1, 'select charge(''{KEY}'')', '{{user}}');"""
SERVERS = """
    create foreign data wrapper elsewhere;
    create server w foreign data wrapper elsewhere;"""


@pytest.fixture
def url(database: str) -> Iterator[str]:
    names = [sql.Identifier(one) for one in (APP, OWNER, AUDITOR)]
    with psycopg.connect(database, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("create role {} login").format(name))
        yield database
        for name in names:
            connection.execute(sql.SQL("drop owned by {} cascade").format(name))
            connection.execute(sql.SQL("drop role {}").format(name))


def _report(url: str, schema: str, *, auditor: str | None = None) -> Report:
    with psycopg.connect(url) as connection:
        connection.execute(schema.encode())
    with connect(psycopg.conninfo.make_conninfo(url, user=auditor) if auditor else url) as session:
        return audited(session, Options(roles=(APP,)))


def _secret(report: Report) -> Finding | None:
    found = [one for one in report.findings if one.rule == "secrets"]
    assert len(found) <= 1
    assert KEY not in repr(report)
    return found[0] if found else None


def test_a_job_of_ones_own_is_the_applications_to_read(url: str) -> None:
    found = _secret(_report(url, CRON.format(user=APP)))
    assert found is not None
    assert found.severity is Severity.LOW
    assert "Stripe" in found.message


@pytest.mark.parametrize(
    "opened",
    [
        "alter table cron.job disable row level security",
        "create policy every on cron.job for select using (true)",
        f"alter role {APP} bypassrls",
    ],
)
def test_a_job_of_somebody_elses_is_not(url: str, opened: str) -> None:
    found = _secret(_report(url, f"{CRON.format(user=OWNER)} {opened};"))
    assert found is not None
    assert (found.severity, found.persona) == (Severity.HIGH, APP)


def test_whose_jobs_are_hidden_is_said(url: str) -> None:
    report = _report(url, CRON.format(user=OWNER), auditor=AUDITOR)
    assert _secret(report) is None
    assert "this role sees its own jobs only" in [one.reason for one in report.skipped]


@pytest.mark.parametrize("whose", [APP, OWNER, "public"])
@pytest.mark.parametrize(
    "granted", ["", f"grant usage on foreign server w to {APP};", "grant usage on foreign server w to public;"]
)
def test_who_reads_a_password_is_what_the_server_says(url: str, whose: str, granted: str) -> None:
    schema = f"{SERVERS} create user mapping for {whose} server w options (user 'u', password 'hunter2'); {granted}"
    found = _secret(_report(url, schema))
    with psycopg.connect(url) as connection:
        connection.execute(f"set role {APP}".encode())
        shown = connection.execute("select count(umoptions) from pg_user_mappings").fetchone()
    assert shown == (1 if found else 0,)
    if found is not None:
        assert (found.severity, found.object.type, found.object.identity) == (Severity.MEDIUM, "role", APP)


def test_the_owner_of_a_server_wrote_the_password_itself(url: str) -> None:
    schema = f"""{SERVERS} grant usage on foreign data wrapper elsewhere to {APP}; alter server w owner to {APP};
        create user mapping for {APP} server w options (password 'hunter2');
        create user mapping for public server w options (password 'hunter2');"""
    assert _secret(_report(url, schema)) is None


def test_a_login_without_a_password_is_none(url: str) -> None:
    schema = f"""{SERVERS} grant usage on foreign server w to {APP};
        create user mapping for {APP} server w options (user 'u');"""
    assert _secret(_report(url, schema)) is None


def test_what_cannot_be_seen_is_not_called_safe(url: str) -> None:
    schema = f"""{SERVERS} grant usage on foreign server w to {APP};
        create user mapping for {APP} server w options (user 'u', password 'hunter2');"""
    found = _secret(_report(url, schema, auditor=AUDITOR))
    assert found is not None
    assert found.severity is Severity.LOW
    assert "may not see" in found.message


def _table(content: str, kind: str = "text") -> str:
    return f"""create table public.pages (id bigint primary key, body {kind});
        alter table public.pages enable row level security;
        create policy everybody on public.pages for select using (true);
        insert into public.pages values (1, {content});"""


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (f"repeat('long ', 3000) || '{KEY}'", "text"),
        (f"array['theme', '{KEY}']", "text[]"),
        (f"array['theme', '{KEY}']", "varchar(40)[]"),
        (f"array[jsonb_build_object('key', '{KEY}')]", "jsonb[]"),
    ],
    ids=["long", "texts", "short texts", "documents"],
)
def test_long_values_and_arrays_are_searched(supabase_database: str, content: str, kind: str) -> None:
    found = [one for one in findings(supabase_database, _table(content, kind)) if one.rule == "secrets"]
    assert [one.object.identity for one in found] == ["public.pages"]


@pytest.mark.parametrize("kind", ["text", "varchar(30000)"])
@pytest.mark.parametrize(("length", "said"), [(20_000, False), (20_001, True)])
def test_where_only_the_beginning_was_searched_is_said(url: str, length: int, kind: str, *, said: bool) -> None:
    report = _report(url, _table(f"repeat('a', {length})", kind) + f"grant select on public.pages to {APP};")
    skipped = [one for one in report.skipped if one.what == f"secrets in rows of public.pages as {APP}"]
    assert ["20,000 characters" in one.reason for one in skipped] == [True] * said


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ("create foreign table public.far (id int) server w options (api_key 'hunter2');", "public.far"),
        ("alter foreign data wrapper elsewhere options (password 'hunter2');", "foreign data wrapper elsewhere"),
        ("alter server w options (password 'hunter2');", "w"),
        ("create foreign table public.far (id int) server w options (api_key_id 'hunter2');", None),
    ],
    ids=["table", "wrapper", "server", "an id"],
)
def test_options_stand_in_the_catalog_for_all(url: str, schema: str, named: str | None) -> None:
    report = _report(url, SERVERS + schema)
    found = _secret(report)
    assert (found.object.identity if found else None) == named
    assert "hunter2" not in repr(report)
    assert found is None or found.severity is Severity.HIGH
