"""The audit, from facts to report, as one straight line.

    snapshot → access → policy, reach → probe → matrix → intent and rules → report

Each step takes what the ones before it made and knows nothing of the ones after. This is the one place that decides
what goes into a report and what does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit import __version__
from rlsaudit.access import Access
from rlsaudit.audit.asked import as_proved, ask, believed, fought, with_stages
from rlsaudit.audit.assumed import notes
from rlsaudit.audit.collecting import rarely_collected
from rlsaudit.audit.meant import must_be_sql, must_exist, remarks, unnamed
from rlsaudit.audit.options import PROBE_MODES, Options
from rlsaudit.catalog import Catalog, platform_of, take
from rlsaudit.catalog.platform import exposed_schemas
from rlsaudit.intent import load as load_intent
from rlsaudit.intent import misread
from rlsaudit.matrix import Sources, build, conditions_to_ask, exposed
from rlsaudit.model import Reach, Report, Skipped, Summary, Suppression, Target, Tool, by_severity
from rlsaudit.personas import choose, served_to
from rlsaudit.probe.attack import NO_CAMPAIGN, Ground
from rlsaudit.probe.doubts import NO_DOUBTS
from rlsaudit.reach import Direct, Escalation, Indirect
from rlsaudit.reach.predicates import Predicates
from rlsaudit.reach.witnesses import Witnesses
from rlsaudit.rules import Case, judge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from rlsaudit.catalog.facts import Snapshot
    from rlsaudit.connect import Session
    from rlsaudit.intent import SuppressRule
    from rlsaudit.matrix import Matrix
    from rlsaudit.model import Finding
    from rlsaudit.probe.doubts import Doubts

__all__ = ["PROBE_MODES", "Audited", "Options", "audit", "examine"]


@dataclass(frozen=True, slots=True)
class Audited:
    """An audit that is done: what it says, and what it rests on, for whoever asks on."""

    report: Report
    case: Case


def audit(session: Session, options: Options) -> Report:
    """Audits the database that `session` is connected to, in transactions that are rolled back.

    All of them are READ ONLY, unless `options.mode` is `write`: then there is one more, in which rows are attacked.

    Raises:
        AuditError: nothing was audited; it says why and what to do.
    """
    with session.read_only():
        snapshot = take(session)
    return examine(snapshot, options, session).report


@rarely_collected()
def examine(
    snapshot: Snapshot, options: Options, session: Session | None = None, doubts: Doubts = NO_DOUBTS
) -> Audited:
    """Audits what a snapshot says; with a `session` in the database that it is of, the server is asked as well.

    Where that is asked of something that is not alike, `doubts` say whose answers nothing is to rest on.

    Raises:
        AuditError: nothing was audited; it says why and what to do.
    """
    catalog = Catalog(snapshot)
    platform = platform_of(catalog)
    remarked = remarks(catalog, platform)
    intent = load_intent(options.intent, platform.value, remarked)
    must_exist(catalog, options.schemas)
    declared = options.schemas or intent.schemas
    schemas, known_by = exposed_schemas(catalog, platform, declared, options.configured)

    access = Access(catalog)
    cast = choose(access, platform, options.roles, intent.personas, intent.named)
    unknown = unnamed(intent, catalog, platform, cast.personas, partial=options.partial)
    must_be_sql(intent)
    served = {
        one.name: served_to(access, platform, one.role, schemas, declared=bool(declared)) for one in cast.personas
    }
    exposure = {one.name: exposed(access, one, snapshot.relations, served[one.name]) for one in cast.personas}

    predicates = Predicates(access, platform)
    direct = Direct(access, predicates)
    indirect = Indirect(access, predicates, direct, served)
    escalation = Escalation(access, predicates, direct, served)

    witnesses = Witnesses(access, predicates, direct)
    meant = conditions_to_ask(access, predicates, intent, cast.personas, exposure)
    probed = ask(access, platform, cast.personas, exposure, options, session, witnesses, meant=meant)
    campaign = NO_CAMPAIGN
    if session is not None and options.mode == "write" and options.throwaway:
        beside = [row for one in as_proved(cast.personas) for row in witnesses.beside(one, exposure[one.name])]
        probed = with_stages(access, platform, probed, beside, session)
    if session is not None and options.mode == "write":
        conditions = tuple(predicates.conditions(cast.personas))
        ground = Ground(access, cast.personas, exposure, served, conditions, options.throwaway)
        campaign = fought(ground, options, session)
    probed, campaign = believed(doubts, catalog, probed, campaign)
    sources = Sources(access, direct, indirect, escalation, intent)
    matrix = build(sources, cast.personas, exposure, probed.results, campaign, probed.supposed, probed.outside)
    case = Case(
        access,
        platform,
        cast.personas,
        exposure,
        served,
        predicates,
        direct,
        indirect,
        matrix,
        intent,
        stands_in=options.throwaway and not options.clone,
        secrets=probed.secrets,
        jobs=probed.jobs,
        today=options.today,
    )
    findings, suppressed = _set_aside(judge(case), intent.suppressions, options.today)

    blind = [Skipped("part of the catalog", one) for one in snapshot.blind]
    unread = [Skipped(one.place, one.why) for one in misread(remarked)]
    missing = (*blind, *probed.skipped, *campaign.skipped, *unknown, *unread)
    report = Report(
        tool=Tool("rlsaudit", __version__),
        target=Target(
            platform=platform.value,
            server_version=snapshot.server.version.split()[0],
            database=snapshot.server.database,
            schemas=tuple(schemas),
            probe=options.mode if session else "none",
            notes=(f"schemas: {known_by}", *cast.notes, *notes(case, options, schemas, probed.results)),
        ),
        personas=cast.personas,
        summary=_summary(findings, matrix, missing),
        matrix=matrix.cells,
        findings=findings,
        skipped=missing,
        suppressed=suppressed,
    )
    return Audited(report, case)


def _set_aside(
    findings: Sequence[Finding], rules: Sequence[SuppressRule], today: date
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Parts the findings that count from those that the intent file sets aside."""
    in_force = [one for one in rules if one.in_force(today)]
    kept: list[Finding] = []
    suppressed: list[Finding] = []
    for finding in findings:
        rule = next((one for one in in_force if one.fits(finding)), None)
        if rule is None:
            kept.append(finding)
        else:
            suppressed.append(replace(finding, suppression=Suppression(rule.reason, rule.expires)))
    return tuple(kept), tuple(suppressed)


def _summary(findings: Sequence[Finding], matrix: Matrix, skipped: Sequence[Skipped]) -> Summary:
    return Summary(
        **by_severity(findings),
        cells=len(matrix.cells),
        unknown=sum(one.reach is Reach.UNKNOWN for one in matrix.cells),
        skipped=len(skipped),
    )
