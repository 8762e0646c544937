"""The whole line on the demo app: complete, the same for whoever audits, and replayable."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from jsonschema import Draft202012Validator

from rlsaudit import demo
from rlsaudit.audit import Options, audit, examine
from rlsaudit.catalog import dump, load, take
from rlsaudit.connect import connect
from rlsaudit.engine.model import SUPERUSER
from rlsaudit.report import render
from rlsaudit.report.schema import json_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rlsaudit.engine import Server
    from rlsaudit.model import Finding, Report

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
    findings = [one for one in report_of(server, app).findings if one.evidence.sql]
    assert findings
    with psycopg.connect(server.dsn(app, user="postgres"), autocommit=True) as reader:
        wrong = [f"{one.rule} {one.object.identity}: {said}" for one in findings if (said := replayed(reader, one))]
    assert wrong == []


def replayed(reader: psycopg.Connection[Any], finding: Finding) -> str:
    """What is wrong with the evidence of a finding, run as it is printed; empty where nothing is."""
    answers: list[tuple[Any, ...]] = []
    try:
        for statement in finding.evidence.sql:
            cursor = reader.execute(statement.encode())
            if cursor.description is not None:
                answers = cursor.fetchall()
    except psycopg.Error as error:
        reader.execute("rollback")
        # With made-up ids a chain ends at a foreign key, which the server asks only after all policies.
        if (
            isinstance(error, psycopg.errors.ForeignKeyViolation)
            and "ids of rows that are there" in finding.evidence.result
        ):
            return ""
        return f"{error} in {finding.evidence.sql}"
    if rows := re.match(r"(\d+)(?: of \d+)? rows", finding.evidence.result):
        return "" if answers == [(int(rows[1]),)] else f"{answers} is not {finding.evidence.result}"
    if finding.evidence.result.startswith("granted") and "granted" in " ".join(finding.evidence.sql):
        return "" if answers and answers[0][0] is True else f"{answers} is not {finding.evidence.result}"
    return ""
