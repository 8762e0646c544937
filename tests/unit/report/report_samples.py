"""Reports made by hand: what the tests of the formats print."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from rlsaudit.model import (
    Cell,
    Change,
    Direction,
    Evidence,
    EvidenceKind,
    Finding,
    Fix,
    Location,
    ObjectRef,
    Operation,
    Persona,
    Reach,
    Report,
    Severity,
    Skipped,
    Summary,
    Suppression,
    Target,
    Tool,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Sample = Callable[[], Report]

ESC = "\x1b"
HOSTILE = f'public."{ESC}[2J{ESC}[1;1HNo access beyond intent\nall clear\u202egnp.\u2066\u200b\x9b31m\x7f"'
"""A name that clears the screen, forges a line, turns the text around and hides."""

WHY = 'policy "payer" calls public.is_payer(uuid), which is written in C'

CLAIMS = (
    "set local request.jwt.claims = "
    '\'{"sub": "11111111-1111-1111-1111-111111111111", "role": "authenticated", "aal": "aal1"}\''
)
JOIN = (
    "insert into public.org_members (org_id, user_id, role)\n"
    "values ('22222222-2222-2222-2222-222222222222', auth.uid(), 'owner')"
)

TOOL = Tool("rlsaudit", "0.1.0")
TARGET = Target("supabase", "15.20", "app", ("public", "storage"), "read")
ANON = Persona("anon", "anon", {}, {}, "nobody is signed in")
STRANGER = Persona(
    "authenticated",
    "authenticated",
    {"sub": "11111111-1111-1111-1111-111111111111", "role": "authenticated"},
    {},
    "somebody who just signed up and owns nothing",
)
PERSONAS = (ANON, STRANGER)


def cell(  # noqa: PLR0913 -- every one of them is a column of the matrix
    persona: str = "anon",
    relation: str = "public.notes",
    operation: Operation = Operation.SELECT,
    reach: Reach = Reach.NONE,
    intended: Reach = Reach.NONE,
    *,
    escalated: Reach | None = None,
    because: str = "no policy applies",
    columns: tuple[str, ...] | None = None,
    at_least: Reach | None = None,
    kind: str = "table",
) -> Cell:
    evidence = EvidenceKind.PROBE if reach.decided else EvidenceKind.NONE
    least, most = (reach, reach) if reach.decided else (Reach.NONE, Reach.ALL)
    return Cell(
        persona=persona,
        role=persona,
        relation=relation,
        kind=kind,
        operation=operation,
        reach=reach,
        escalated=escalated or reach,
        intended=intended,
        evidence=evidence,
        because=because,
        columns=columns,
        at_least=at_least or least,
        at_most=most,
    )


def row(persona: str, relation: str, reaches: Iterable[Reach], intended: Reach = Reach.NONE) -> tuple[Cell, ...]:
    return tuple(
        cell(persona, relation, operation, reach, intended, because="no policy applies" if reach.decided else WHY)
        for operation, reach in zip(Operation, reaches, strict=True)
    )


def finding(  # noqa: PLR0913 -- a finding has that many sides
    severity: Severity = Severity.CRITICAL,
    rule: str = "definer-view",
    *,
    title: str = "A view shows everybody's notes to anon",
    message: str = "public.notes_view runs with its owner's rights: the policies of public.notes do not apply to it.",
    persona: str = "anon",
    operation: str = "select",
    reach: Reach = Reach.ALL,
    intended: Reach = Reach.NONE,
    about: ObjectRef | None = None,
    relations: tuple[str, ...] = ("public.notes",),
    evidence: Evidence | None = None,
    fix: Fix | None = None,
    location: Location | None = None,
    fingerprint: str = "3f9a0c51d2e87b64",
) -> Finding:
    return Finding(
        rule=rule,
        severity=severity,
        title=title,
        message=message,
        object=about or ObjectRef("view", "public.notes_view"),
        relations=relations,
        persona=persona,
        operation=operation,
        reach=reach,
        intended=intended,
        evidence=evidence
        or Evidence(
            EvidenceKind.PROBE,
            ("begin", "set local role anon", "select count(*) from public.notes_view", "rollback"),
            "3 of 3 rows",
        ),
        fix=fix or Fix("alter view public.notes_view set (security_invoker = on);", verified=True),
        fingerprint=fingerprint,
        location=location,
    )


def report(
    *,
    matrix: tuple[Cell, ...] = (),
    findings: tuple[Finding, ...] = (),
    skipped: tuple[Skipped, ...] = (),
    suppressed: tuple[Finding, ...] = (),
    personas: tuple[Persona, ...] = PERSONAS,
    target: Target = TARGET,
) -> Report:
    """Make a report whose summary counts what is in it."""
    counts = Counter(each.severity for each in findings)
    summary = Summary(
        **{severity.value: counts[severity] for severity in Severity},
        cells=len(matrix),
        unknown=sum(not each.reach.decided for each in matrix),
        skipped=len(skipped),
    )
    return Report(TOOL, target, personas, summary, matrix, findings, skipped, suppressed)


SUPPRESSED = (replace(finding(), suppression=Suppression("the old app reads it", date(2027, 3, 31))),)


def correct() -> Report:
    """A project without a flaw."""
    owned = (Reach.OWN, Reach.OWN, Reach.OWN, Reach.OWN)
    return report(
        matrix=(
            *row("anon", "public.notes", (Reach.NONE,) * 4),
            *row("authenticated", "public.notes", owned, intended=Reach.OWN),
        )
    )


def flawed() -> Report:
    """A project with a bit of everything."""
    unknown = Reach.UNKNOWN
    return report(
        target=Target(
            "supabase",
            "15.20",
            "app",
            ("public", "storage"),
            "read",
            ("auth.users was empty: two users were made up and rolled back",),
        ),
        matrix=(
            *row("anon", "public.notes", (Reach.ALL, Reach.NONE, Reach.NONE, Reach.NONE)),
            *row("anon", "public.posts", (Reach.SOME, Reach.NONE, Reach.NONE, Reach.NONE), intended=Reach.SOME),
            *row("anon", "public.org_members", (Reach.NONE,) * 4),
            *row("anon", "public.billing", (Reach.NONE, unknown, Reach.NONE, Reach.NONE)),
            *row("authenticated", "public.notes", (Reach.ALL, Reach.OWN, Reach.OWN, Reach.OWN), intended=Reach.OWN),
            *row("authenticated", "public.posts", (Reach.SOME,) + (Reach.OWN,) * 3, intended=Reach.SOME),
            cell("authenticated", "public.org_members", Operation.SELECT, Reach.OWN, Reach.OWN, escalated=Reach.ALL),
            cell("authenticated", "public.org_members", Operation.INSERT, Reach.ALL, Reach.OWN),
            cell("authenticated", "public.org_members", Operation.UPDATE, Reach.OWN, Reach.OWN, columns=("nick",)),
            cell("authenticated", "public.org_members", Operation.DELETE, Reach.NONE, Reach.NONE),
            *row("authenticated", "public.billing", (unknown, unknown, unknown, Reach.NONE)),
        ),
        findings=(
            finding(
                Severity.HIGH,
                "insert-check-true",
                title="Anybody who signs up can join any organisation",
                message='The INSERT policy "join" of public.org_members checks nothing about the new row, so a user '
                "can insert a membership of any organisation and then read all that its members may read.",
                persona="authenticated",
                operation="insert",
                intended=Reach.OWN,
                about=ObjectRef("policy", 'public.org_members."join"'),
                relations=("public.org_members", "public.notes", "public.billing"),
                evidence=Evidence(
                    EvidenceKind.PROBE,
                    (
                        "begin",
                        "set local role authenticated",
                        CLAIMS,
                        JOIN,
                        "rollback",
                    ),
                    "INSERT 0 1",
                ),
                fix=Fix(
                    'drop policy "join" on public.org_members;\n'
                    'create policy "join" on public.org_members for insert to authenticated\n'
                    "  with check (exists (select 1 from public.invitations i "
                    "where i.org_id = org_members.org_id and i.email = auth.email()));"
                ),
                location=Location("supabase/migrations/20240105120000_organisations.sql", 41),
            ),
            finding(),
            finding(
                Severity.INFO,
                "rls-no-policy",
                title="RLS is on and no policy exists",
                message="Nobody but the owner reaches public.audit_log, which may be what was meant.",
                persona="public",
                operation="all",
                reach=Reach.NONE,
                about=ObjectRef("table", "public.audit_log"),
                relations=("public.audit_log",),
                evidence=Evidence(EvidenceKind.CATALOG),
                fix=Fix(""),
            ),
        ),
        skipped=(
            Skipped("schema cron", "this connection has no USAGE on it"),
            Skipped(
                "escalation through public.rotate_keys(uuid)",
                "the function was not called: it is volatile and its body leaves the database (net.http_post)",
            ),
        ),
        suppressed=(finding(Severity.MEDIUM, "public-read", title="Anybody can read public.posts"),),
    )


def compared() -> Report:
    """A project in which a pull request opened a door, beside one that was open before."""
    correct_one = correct()
    opened = cell(reach=Reach.ALL, because="granted, and no row-level security")
    return replace(
        correct_one,
        matrix=(opened, *correct_one.matrix[1:]),
        findings=(finding(location=Location("supabase/migrations/2_open.sql", 3)),),
        summary=replace(correct_one.summary, critical=1),
        base="origin/main",
        existing=(finding(Severity.HIGH, "rls-off", title="Table public.old has no row-level security"),),
        changes=(
            Change("cell", "public.notes", Direction.LESS, "all", "own", "authenticated", "delete"),
            Change("function", "public.search(text)", Direction.INCOMPARABLE, "", "its body changed"),
            Change("cell", "public.notes", Direction.MORE, "none", "all", "anon", "select", allowed=False),
            Change("publication", "supabase_realtime", Direction.MORE, "nothing", "public.posts"),
        ),
    )


def many() -> Report:
    """More of everything than a terminal should show."""
    names = [f"public.table_{number:03}" for number in range(120)]
    rows = tuple(
        each
        for persona in PERSONAS
        for name in names
        for each in row(persona.name, name, (Reach.ALL, Reach.NONE, Reach.UNKNOWN, Reach.NONE), intended=Reach.ALL)
    )
    findings = tuple(
        finding(severity, f"rule-{number % 3}", fingerprint=f"{severity}-{number}")
        for severity in Severity
        for number in range(40)
    )
    return report(
        matrix=rows,
        findings=findings,
        skipped=tuple(Skipped(f"schema s{number:02}", "no USAGE") for number in range(50)),
        suppressed=findings[:30],
    )


def hostile() -> Report:
    """Whoever made the names wants to talk to the terminal."""
    return report(
        target=Target("supabase", "15.20", HOSTILE, (HOSTILE,), "read", (HOSTILE,)),
        personas=(Persona(HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, {HOSTILE: HOSTILE}, HOSTILE),),
        matrix=(cell(HOSTILE, HOSTILE, reach=Reach.ALL), cell(HOSTILE, HOSTILE, Operation.UPDATE, Reach.UNKNOWN)),
        findings=(
            finding(
                title=HOSTILE,
                message=HOSTILE,
                persona=HOSTILE,
                about=ObjectRef("table", HOSTILE),
                relations=(HOSTILE, HOSTILE),
                evidence=Evidence(EvidenceKind.PROBE, ("begin", f"select *\nfrom {HOSTILE}"), HOSTILE),
                fix=Fix(f"alter table {HOSTILE}\n  enable row level security;"),
                location=Location(HOSTILE, 1),
            ),
        ),
        skipped=(Skipped(HOSTILE, HOSTILE),),
        suppressed=(finding(title=HOSTILE),),
    )
