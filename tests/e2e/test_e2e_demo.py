"""The whole line on the demo app: complete, the same for whoever audits, and replayable."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from jsonschema import Draft202012Validator
from transcripts import wrong_transcripts

from rlsaudit import demo
from rlsaudit.audit import Options, audit, examine
from rlsaudit.catalog import dump, load, take
from rlsaudit.connect import connect
from rlsaudit.engine.model import SUPERUSER
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.model import Severity
from rlsaudit.report import render
from rlsaudit.report.schema import json_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rlsaudit.engine import Server
    from rlsaudit.model import Report

STRANGER = "e2e_stranger"
"""A login without any privilege."""


@pytest.fixture(scope="module")
def app(server: Server) -> Iterator[str]:
    with psycopg.connect(server.supabase_database("e2e"), autocommit=True) as admin:
        demo.load(admin)
        admin.execute(f"create role {STRANGER} login")
    yield "e2e"
    server.drop_database("e2e")
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as admin:
        admin.execute(f"drop role {STRANGER}")


def report_of(server: Server, app: str, user: str = "postgres", **options: Any) -> Report:  # noqa: ANN401 — Options'
    with connect(server.dsn(app, user=user)) as session:
        return audit(session, Options(**options))


def document(report: Report) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(render(report, "json", width=100, colour=False))
    return parsed


@pytest.mark.parametrize("probe", ["none", "read"])
def test_the_json_report_is_valid_and_has_a_row_for_every_cell(server: Server, app: str, probe: str) -> None:
    report = document(report_of(server, app, probe=probe))
    Draft202012Validator(json_schema()).validate(report)
    exposed = (
        "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname = any (%s)"
        " and has_schema_privilege(%s, n.oid, 'usage')"
    )
    expected = set()
    with psycopg.connect(server.dsn(app)) as admin:
        admin.execute("set search_path = ''")
        for persona in report["personas"]:
            found = admin.execute(exposed, [report["target"]["schemas"], persona["role"]]).fetchall()
            operations = ("select", "insert", "update", "delete")
            expected |= {(persona["name"], name, one) for (name,) in found for one in operations}
    rows = [(one["persona"], one["relation"], one["operation"]) for one in report["matrix"]]
    assert len(rows) == len(set(rows))
    assert set(rows) == expected
    assert len(expected) > 200


def test_who_audits_makes_no_difference_to_catalog_and_proof(server: Server, app: str) -> None:
    as_owner, as_superuser, as_stranger = (
        report_of(server, app, user, probe="none") for user in ("postgres", SUPERUSER, STRANGER)
    )
    assert as_owner.matrix == as_superuser.matrix == as_stranger.matrix
    assert {one.fingerprint for one in as_owner.findings} == {one.fingerprint for one in as_stranger.findings}


def test_superuser_and_owner_get_the_same_from_probes(server: Server, app: str) -> None:
    as_owner, as_superuser = (report_of(server, app, user) for user in ("postgres", SUPERUSER))
    reaches = [[(one.reach, one.at_least, one.at_most) for one in each.matrix] for each in (as_owner, as_superuser)]
    assert reaches[0] == reaches[1]


def test_an_auditor_that_may_not_become_a_persona_says_so(server: Server, app: str) -> None:
    report = report_of(server, app, STRANGER)
    skipped = {one.what: one.reason for one in report.skipped}
    for persona in ("anon", "authenticated"):
        assert f"may not SET ROLE {persona}" in skipped[f"probes as {persona}"]
    assert len(report.matrix) == len(report_of(server, app, "postgres").matrix)


def test_a_saved_snapshot_gives_what_the_database_gives_without_probes(
    server: Server, app: str, tmp_path: Path
) -> None:
    with connect(server.dsn(app, user="postgres")) as session, session.read_only():
        (tmp_path / "facts.json").write_bytes(dump(take(session)))
    live = report_of(server, app, probe="none")
    assert examine(load(tmp_path / "facts.json"), Options()).report.matrix == live.matrix


def test_two_audits_of_the_same_database_print_the_same(server: Server, app: str) -> None:
    first, second = (render(report_of(server, app), "json", width=100, colour=False) for _ in range(2))
    assert first == second


def test_where_plpgsql_is_refused_the_catalog_still_answers(server: Server, app: str) -> None:
    dsn = server.create_database("e2e_copy", template=app)
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("revoke usage on language plpgsql from public")
    report = report_of(server, "e2e_copy")
    server.drop_database("e2e_copy")
    assert ("probes", True) in {(one.what, "plpgsql" in one.reason) for one in report.skipped}
    assert len(report.matrix) == len(report_of(server, app).matrix)


def test_the_evidence_of_every_finding_replays(server: Server, app: str) -> None:
    report = report_of(server, app)
    shown = replace(report, findings=tuple(one for one in report.findings if one.evidence.sql))
    assert len(shown.findings) > len(report.findings) / 2
    with psycopg.connect(server.dsn(app), autocommit=True) as admin:
        # What a hosted project's `postgres` may set, ours may not for good.
        grant_replay_rights(admin)
        wrong = wrong_transcripts(server.dsn(app, user="postgres"), shown, Severity.INFO)
        revoke_replay_rights(admin)
    assert wrong == []
