"""The audit, from facts to report, as one straight line.

    snapshot → access → policy, reach → probe → matrix → intent and rules → report

Each step takes what the ones before it made and knows nothing of the ones after. This is the one place that decides
what goes into a report and what does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import psycopg

from rlsaudit import __version__, probe
from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, Platform, platform_of, take
from rlsaudit.catalog.platform import SUPABASE_SYSTEM_SCHEMAS, exposed_schemas, is_platforms_role
from rlsaudit.errors import AuditError, IntentError, UsageError
from rlsaudit.intent import BUILT_IN_PERSONAS, Names, Remark, misread, refuse_unknown, unknown_names
from rlsaudit.intent import load as load_intent
from rlsaudit.matrix import Matrix, Sources, build, conditions_to_ask, exposed
from rlsaudit.model import Reach, Report, Severity, Skipped, Summary, Suppression, Target, Tool
from rlsaudit.personas import choose, is_unset, served_to
from rlsaudit.policy.tree import expression
from rlsaudit.probe.attack import NO_CAMPAIGN, Campaign, Ground, attack
from rlsaudit.probe.doubts import NO_DOUBTS
from rlsaudit.reach import Direct, Escalation, Indirect
from rlsaudit.reach.predicates import Predicates
from rlsaudit.reach.witnesses import Witnesses
from rlsaudit.rules import Case, all_rules, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from rlsaudit.catalog.facts import Relation, Snapshot
    from rlsaudit.connect import Session
    from rlsaudit.intent import Intent, SuppressRule
    from rlsaudit.model import Finding, Persona
    from rlsaudit.policy.supposed import Supposed
    from rlsaudit.probe.doubts import Doubts

PROBE_MODES = ("none", "read", "write")
_STUB = "rlsaudit stub"


def _today() -> date:
    return datetime.now(tz=UTC).date()


_NOT_YET = (
    "not examined by this version: what triggers compute of a row and copy elsewhere, what column defaults do, and "
    "what is found where functions connect to"
)


@dataclass(frozen=True, slots=True)
class Options:
    """What to audit: `schemas` and `roles` replace what the platform would have, `probe` is one of `PROBE_MODES`.

    Where no mode is asked for it is `read`, on a server that is nobody's `write`.

    `configured` are the schemas that the API serves by the project's settings: no word of the user's on who is kept to
    them, and `anonymous` whether those let anybody sign in without an account, None where that is not known.
    `throwaway` is whether the server is nobody's: then what outlives a rollback harms nobody. The facts are of that
    server then, unless it is a `clone`. `partial` is whether something may be missing here that the intent rightly
    names, as in a base that is older. `today` is the day for which suppressions hold or do not.
    """

    schemas: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    probe: str | None = None
    intent: Path | None = None
    progress: Callable[[int, int], None] = lambda _done, _total: None
    configured: tuple[str, ...] = ()
    anonymous: bool | None = None
    throwaway: bool = False
    clone: bool = False
    partial: bool = False
    today: date = field(default_factory=_today)

    @property
    def mode(self) -> str:
        """The mode that was asked for, or else the one that suits the server."""
        return self.probe or ("write" if self.throwaway else "read")


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
    remarks = _remarks(catalog, platform)
    intent = load_intent(options.intent, platform.value, remarks)
    _must_exist(catalog, options.schemas)
    declared = options.schemas or intent.schemas
    schemas, known_by = exposed_schemas(catalog, platform, declared, options.configured)

    access = Access(catalog)
    cast = choose(access, platform, options.roles, intent.personas, intent.named)
    idle = _idle(intent, catalog, platform, cast.personas, partial=options.partial)
    _must_be_sql(intent)
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
    probed = _probed(access, platform, cast.personas, exposure, options, session, witnesses, meant=meant)
    fought = NO_CAMPAIGN
    if session is not None and options.mode == "write" and options.throwaway:
        beside = [row for one in _told_apart(cast.personas) for row in witnesses.beside(one, exposure[one.name])]
        probed = _staged(access, platform, probed, beside, session)
    if session is not None and options.mode == "write":
        conditions = tuple(predicates.conditions(cast.personas))
        ground = Ground(access, cast.personas, exposure, served, conditions, options.throwaway)
        fought = _fought(ground, options, session)
    probed, fought = _believed(doubts, catalog, probed, fought)
    sources = Sources(access, direct, indirect, escalation, intent)
    matrix = build(sources, cast.personas, exposure, probed.results, fought, probed.supposed, probed.outside)
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
        today=options.today,
    )
    findings, suppressed = _set_aside(judge(case), intent.suppressions, options.today)

    unread = [Skipped(one.place, one.why) for one in misread(remarks)]
    missing = (*_blind(snapshot), *probed.skipped, *fought.skipped, *idle, *unread)
    stubs = [one.name for one in snapshot.extensions if (one.comment or "").startswith(_STUB)]
    notes = [
        f"schemas: {known_by}",
        *cast.notes,
        *_without_account(case, options),
        *_beyond_the_api(case, schemas),
        *_open_chains(matrix),
        *_in_part(catalog, probed.results),
        *_public_buckets(case),
        _NOT_YET,
    ]
    if stubs:
        notes.append(f"stubs stand in for these extensions: {', '.join(stubs)}")
    report = Report(
        tool=Tool("rlsaudit", __version__),
        target=Target(
            platform=platform.value,
            server_version=snapshot.server.version.split()[0],
            database=snapshot.server.database,
            schemas=tuple(schemas),
            probe=options.mode if session else "none",
            notes=tuple(notes),
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


@dataclass(frozen=True, slots=True)
class _Probed:
    """What probes answered, what was not probed, and what the server said of rows that proofs show.

    `secrets` are those that personas were seen to read.
    """

    results: tuple[probe.Result, ...]
    skipped: tuple[Skipped, ...]
    supposed: tuple[probe.Answer, ...] = ()
    outside: tuple[probe.Result, ...] = ()
    secrets: tuple[probe.Held, ...] = ()


def _probed(  # noqa: PLR0913 — whom to ask, of what, and how
    access: Access,
    platform: Platform,
    personas: Sequence[Persona],
    exposure: dict[str, tuple[Relation, ...]],
    options: Options,
    session: Session | None,
    witnesses: Witnesses,
    *,
    meant: Iterable[probe.Condition],
) -> _Probed:
    if session is None:
        return _Probed((), (Skipped("probes", "a saved snapshot has no server to ask"),))
    if options.mode == "none":
        return _Probed((), (Skipped("probes", "--probe none"),))
    relations = {one.oid: one for group in exposure.values() for one in group}
    planned, skipped = probe.plan(access, personas, relations.values(), throwaway=options.throwaway)
    told = _told_apart(personas)
    shown = (row for one in told for row in witnesses.of(one, exposure[one.name]))
    asked = (one for persona in told for one in witnesses.open_to_strangers(persona, exposure[persona.name]))
    made_up = probe.of_strangers(access.catalog, asked)
    questions = probe.Questions(access, [*shown, *made_up], throwaway=options.throwaway)
    outside = tuple(probe.reads_outside(access, planned, meant))
    asks = (*planned, *outside, *questions.probes)
    done = 0

    def progress(more: int) -> None:
        nonlocal done
        done += more
        options.progress(done, len(asks))

    def run(probes: Sequence[probe.Probe]) -> tuple[probe.Result, ...]:
        return probe.run(session, access.catalog, platform, probes, progress=progress)

    try:
        results = run(asks)
        answers = questions.answers(results[len(planned) + len(outside) :], run)
        secrets, unseen = probe.held(access, results[: len(planned)], run)
    except psycopg.Error as error:
        said = error.diag.message_primary or type(error).__name__
        if not session.connection.closed:
            # plpgsql may be gone, or not for us: catalog and proofs decide what they can.
            return _Probed((), (*skipped, Skipped("probes", f"the server refused to run them: {said}")))
        raise AuditError(
            f"The connection was lost while the server was probed: {said}.",
            hint="Nothing was changed. Try again, or use `--probe none` for what catalog and proofs alone decide.",
        ) from error
    results, seen = results[: len(planned)], results[len(planned) : len(planned) + len(outside)]
    failed = [one for one in results if one.outcome is probe.Outcome.INCONCLUSIVE and one.probe.persona]
    return _Probed(results, (*skipped, *_grouped(access.catalog, failed), *unseen), answers, seen, secrets)


def _staged(
    access: Access, platform: Platform, probed: _Probed, beside: Sequence[Supposed], session: Session
) -> _Probed:
    try:
        answers = probe.ask_staged(session, access, platform, beside)
    except psycopg.Error as error:
        if session.connection.closed:
            raise AuditError(
                "The connection was lost while the server was asked about states that proofs show.",
                hint="The server rolls back what was under way. Try again.",
            ) from error
        why = Skipped("rows of other tables that proofs take", f"not put in: {error.diag.message_primary}")
        return replace(probed, skipped=(*probed.skipped, why))
    return replace(probed, supposed=probe.superseding(probed.supposed, answers))


def _believed(doubts: Doubts, catalog: Catalog, probed: _Probed, fought: Campaign) -> tuple[_Probed, Campaign]:
    results, fought = doubts.believed(catalog, probed.results, fought)
    supposed = tuple(
        one
        for one in probed.supposed
        if all(doubts.sound(catalog, oid) for oid in (one.supposed.relation, *one.supposed.consulted))
    )
    outside = tuple(one for one in probed.outside if doubts.sound(catalog, one.probe.relation))
    return replace(probed, results=results, supposed=supposed, outside=outside), fought


def _fought(ground: Ground, options: Options, session: Session) -> Campaign:
    try:
        return attack(session, ground, progress=options.progress)
    except psycopg.Error as error:
        why = error.diag.message_primary or type(error).__name__
        if not session.connection.closed:
            return Campaign({}, {}, {}, (Skipped("attacks", f"the server refused to run them: {why}"),))
        raise AuditError(
            f"The connection was lost while rows were attacked: {why}.",
            hint="The server rolls back what was under way. Try again, or use `--probe read`, which writes nothing.",
        ) from error


def _told_apart(personas: Iterable[Persona]) -> list[Persona]:
    """The personas of whom the server is asked just what proofs are of.

    What was not set is NULL on a new connection, of which proofs are, and empty on one that is used again, which is how
    the server is asked: it may refuse what is empty.
    """
    return [one for one in personas if not is_unset(one)]


def _grouped(catalog: Catalog, failed: Iterable[probe.Result]) -> Iterable[Skipped]:
    """Probes without a verdict, one entry for each relation, persona and reason."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for one in failed:
        # That a view cannot be written is an answer, and the catalog gave it already.
        if one.probe.persona is None or "(55000)" in one.reason:
            continue
        # That what was not set is no value of its type is an answer as well: it is refused.
        if is_unset(one.probe.persona) and "(22P02)" in one.reason:
            continue
        key = (catalog.identity(catalog.relations[one.probe.relation]), one.probe.persona.name, one.reason)
        grouped.setdefault(key, []).append(one.probe.operation.value)
    for (relation, persona, reason), operations in grouped.items():
        yield Skipped(f"probes of {relation} as {persona} ({', '.join(operations)})", reason)


def _must_exist(catalog: Catalog, schemas: Iterable[str]) -> None:
    known = {one.name for one in catalog.snapshot.schemas}
    for schema in schemas:
        if schema not in known:
            raise UsageError(
                f"There is no schema {schema!r} in this database.", hint=f"It has: {', '.join(sorted(known))}."
            )


def _blind(snapshot: Snapshot) -> Iterable[Skipped]:
    return [Skipped("part of the catalog", one) for one in snapshot.blind]


def _beyond_the_api(case: Case, schemas: Sequence[str]) -> Iterable[str]:
    """On Supabase: who speaks SQL, and so is not kept to what the API serves."""
    direct = [name for name, names in case.served.items() if not names <= set(schemas)]
    if direct:
        yield f"{', '.join(direct)}: speaks SQL itself, so every schema counts for it"
    if case.platform is Platform.SUPABASE:
        personas = {one.role for one in case.personas}
        others = [one for one in case.catalog.snapshot.roles if one.login and not one.superuser]
        left = [one.name for one in others if one.name not in personas and not is_platforms_role(one.name)]
        if left:
            yield f"log in by themselves and are not audited (--role NAME does): {', '.join(left)}"


def _without_account(case: Case, options: Options) -> Iterable[str]:
    """What the project's settings say of those who sign in without an account."""
    shown = any(one.claims.get("is_anonymous") is True for one in case.personas)
    setting = "[auth].enable_anonymous_sign_ins of supabase/config.toml"
    if options.anonymous and case.platform is Platform.SUPABASE:
        alike = "" if shown else "; nothing asks who has, so that they reach what authenticated does"
        yield f"{setting} is on: whoever is authenticated need not have an account{alike}"
    elif options.anonymous is False and shown:
        yield f"{setting} is off: what anonymous-sign-in reaches counts where the project itself has it on"


def _open_chains(matrix: Matrix) -> Iterable[str]:
    """How many verdicts there are of which it is not known what a chain of statements adds."""
    left = sum(one.reach.decided and not one.escalated.decided for one in matrix.cells)
    if left:
        yield (
            f"what a chain of allowed statements gains is not known for {left} of {len(matrix.cells)} verdicts: "
            "`escalated` is unknown there, and `escalated_because` says why"
        )


def _in_part(catalog: Catalog, results: Iterable[probe.Result]) -> Iterable[str]:
    """Of which tables no more than a sample was read."""
    sampled = {one.probe.relation for one in results if one.in_part and one.outcome is probe.Outcome.ROWS}
    if sampled:
        named = ", ".join(sorted(catalog.identity(catalog.relations[one]) for one in sampled))
        yield f"read in samples only, for the server would have gone through all of: {named}"


def _public_buckets(case: Case) -> Iterable[str]:
    """Whose files are read past every policy, by their address alone: no verdict on `storage.objects` tells."""
    public = [one.name for one in case.catalog.snapshot.buckets if one.public]
    if public:
        yield (
            f"public buckets ({', '.join(public)}): whoever knows a file's path reads it, whatever policies say; "
            "verdicts on storage.objects are about its rows, by which files are listed and written"
        )


def _must_be_sql(intent: Intent) -> None:
    for one in intent.allowances:
        if one.where is not None and expression(one.where) is None:
            raise IntentError(
                f"{one.place}, where: {one.where!r} is no condition in SQL.",
                hint="Write what stands behind WHERE: published and deleted_at is null.",
            )


def _remarks(catalog: Catalog, platform: Platform) -> tuple[Remark, ...]:
    """What comments say of intent, on what is the project's own and no extension's or the platform's."""
    found: list[Remark] = []
    for one in catalog.snapshot.comments:
        if one.function:
            function = catalog.functions[one.function]
            kind, name, extension = "function", catalog.function_identity(function), function.extension
            schema = catalog.schemas[function.schema].name
        else:
            relation = catalog.relations[one.relation]
            kind, name, extension = (
                ("column" if one.column else "relation"),
                catalog.identity(relation),
                relation.extension,
            )
            schema = catalog.schema_name(relation)
        if extension is None and not (platform is Platform.SUPABASE and schema in SUPABASE_SYSTEM_SCHEMAS):
            found.append(Remark(kind, name, one.text))
    return tuple(found)


def _idle(
    intent: Intent, catalog: Catalog, platform: Platform, personas: Iterable[Persona], *, partial: bool
) -> list[Skipped]:
    """The names of the intent that nothing here has.

    Raises:
        IntentError: a name is misspelt, unless what it names may be missing here.
    """
    names = Names(
        relations=tuple(catalog.identity(one) for one in catalog.snapshot.relations),
        personas=(
            *BUILT_IN_PERSONAS.get(platform.value, ()),
            *(one.name for one in personas),
            *(one.name for one in catalog.snapshot.roles),
        ),
        functions=tuple(catalog.function_identity(one) for one in catalog.snapshot.functions),
        rules=tuple(all_rules()),
    )
    unknown = unknown_names(intent, names)
    left = unknown if partial else refuse_unknown(unknown)
    return [Skipped(f"intent for {one.name}", f"no {one.kind} here has that name") for one in left]


def _summary(findings: Sequence[Finding], matrix: Matrix, skipped: Sequence[Skipped]) -> Summary:
    count = {level: sum(one.severity is level for one in findings) for level in Severity}
    return Summary(
        critical=count[Severity.CRITICAL],
        high=count[Severity.HIGH],
        medium=count[Severity.MEDIUM],
        low=count[Severity.LOW],
        info=count[Severity.INFO],
        cells=len(matrix.cells),
        unknown=sum(one.reach is Reach.UNKNOWN for one in matrix.cells),
        skipped=len(skipped),
    )
