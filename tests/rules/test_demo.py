"""The demo app: the planted faults that the rules know are found, each once, and what is right is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from projects import audited

from rlsaudit.audit import Options
from rlsaudit.connect import connect
from rlsaudit.demo import load
from rlsaudit.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server
    from rlsaudit.model import Finding

PLANTED = {
    ("rls-off", "public.clients"): Severity.CRITICAL,
    ("policy-but-rls-off", "public.invoices"): Severity.CRITICAL,
    ("child-direct", "public.messages_current"): Severity.CRITICAL,
    ("definer-view", "public.open_bookings"): Severity.CRITICAL,
    ("matview", "public.payout_totals"): Severity.HIGH,
    ("tautology", 'public.waivers."Enable read access for all users"'): Severity.CRITICAL,
    ("tautology", 'public.waivers."Enable update for all users"'): Severity.CRITICAL,
    ("any-authenticated", 'public.orders."customers see orders"'): Severity.CRITICAL,
    ("definer-rpc", "public.find_people(text)"): Severity.HIGH,
    ("truncate-bypass", "public"): Severity.INFO,
    ("auth-exposure", "public.user_directory"): Severity.CRITICAL,
    ("privilege-column", 'public.profiles."people edit their own profile"'): Severity.HIGH,
    ("membership-self-insert", 'public.circle_members."people join"'): Severity.HIGH,
    ("storage-bucket-only", 'storage.objects."contracts upload"'): Severity.HIGH,
    ("storage-bucket-only", 'storage.objects."contracts replace"'): Severity.HIGH,
    ("storage-bucket-only", 'storage.objects."contracts read"'): Severity.HIGH,
    ("user-metadata-claim", 'public.incident_reports."staff read incident reports"'): Severity.CRITICAL,
}
MAY_BE_MEANT = {
    ("beyond-intent", "public.classes"): Severity.MEDIUM,
    ("beyond-intent", "public.circles"): Severity.MEDIUM,
}


@pytest.fixture(scope="module")
def findings(server: Server) -> Iterator[tuple[Finding, ...]]:
    url = server.supabase_database("rules_demo")
    with psycopg.connect(url) as connection:
        load(connection)
    with connect(url) as session:
        yield audited(session, Options()).findings
    server.drop_database("rules_demo")


def test_exactly_the_planted_faults_are_found(findings: tuple[Finding, ...]) -> None:
    found = [((one.rule, one.object.identity), one.severity) for one in findings]
    assert len(dict(found)) == len(found)
    assert dict(found) == PLANTED | MAY_BE_MEANT


def test_fingerprints_tell_findings_apart(findings: tuple[Finding, ...]) -> None:
    assert len({one.fingerprint for one in findings}) == len(findings)


def test_each_finding_has_evidence_and_a_fix(findings: tuple[Finding, ...]) -> None:
    for one in findings:
        assert one.evidence.sql
        assert one.evidence.result
        assert one.fix.sql.endswith(";")
        assert one.relations
