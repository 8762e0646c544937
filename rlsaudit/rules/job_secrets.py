"""Secrets in the commands of pg_cron's jobs, and who reads the jobs of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Evidence, EvidenceKind, Operation, Reach, Severity
from rlsaudit.names import remark
from rlsaudit.probe import JOBS
from rlsaudit.probe.request import settings, transcript
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import sends_sql
from rlsaudit.rules.rule import Found
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case
    from rlsaudit.rules.rule import Rule


def found_in_jobs(case: Case, rule: Rule) -> Iterator[Found]:
    """Yields once that commands of jobs hold secrets: high where a persona is shown those of others."""
    relation = case.catalog.relations_by_name.get(JOBS)
    if not case.jobs or relation is None:
        return
    # What clients of the API read of it is told as of any table.
    if any(one.relation == relation.oid and not sends_sql(case, one.persona) for one in case.secrets):
        return
    readers = [one for one in case.jobs if one.persona is not None and _reads(case, one.persona)]
    first = (readers or case.jobs)[0]
    kinds = listed(list(dict.fromkeys(one.kind for one in case.jobs)))
    personas = list(dict.fromkeys(one.persona.name for one in readers if one.persona is not None))
    identity = case.catalog.identity(relation)
    sql = first.result.probe.sql
    lines = (
        ("begin read only", sql, "rollback")
        if first.persona is None
        else transcript(settings(case.catalog, case.platform, first.persona), sql)
    )
    others = list(dict.fromkeys(one.persona.name for one in case.jobs if one.persona is not None))
    who = "Whoever the jobs run as reads them, with superusers and whoever has a dump"
    if personas:
        who = f"{listed(personas)} can read jobs of others"
    elif others:
        who = f"{listed(others)} can read jobs of others as soon as there is a way to send SQL"
    kept = "the vault" if case.platform is Platform.SUPABASE else "a table that its owner alone reads"
    yield Found(
        finding(
            rule,
            case.ref(relation),
            Who(personas[0] if personas else "public", Operation.SELECT.value, Reach.SOME, Reach.NONE),
            title=f"Secrets stand in the commands of {identity}",
            message=(
                f"What looks like a secret stands in commands that pg_cron runs: {kinds}. {who}. "
                "Each run leaves a copy of its command in cron.job_run_details."
            ),
            evidence=Evidence(
                EvidenceKind.PROBE,
                lines,
                f"{first.result.rows} of the jobs; the server compared, and no command left it",
            ),
            fix=remark(
                f"Replace the secret where it is from, and have the command look the new one up in {kept}.",
                "Delete the runs that have the old one from cron.job_run_details.",
            ),
            relations=[identity],
            severity=Severity.HIGH if personas else Severity.LOW,
        )
    )


def _reads(case: Case, persona: Persona) -> bool:
    """Whether the persona has a way to ask: by SQL, or by an API that serves the schema."""
    return sends_sql(case, persona) or JOBS[0] in case.served[persona.name]
