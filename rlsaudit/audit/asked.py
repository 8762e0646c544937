"""What the server is asked, as somebody: of rows that are there, that proofs show, that are made and attacked.

Where it refuses that is said; where the connection is lost there is no audit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psycopg

from rlsaudit import probe
from rlsaudit.errors import AuditError
from rlsaudit.model import Skipped
from rlsaudit.personas import is_unset
from rlsaudit.probe.attack import Campaign, attack

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rlsaudit.access import Access
    from rlsaudit.audit.options import Options
    from rlsaudit.catalog import Catalog, Platform
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.connect import Session
    from rlsaudit.model import Persona
    from rlsaudit.policy.supposed import Supposed
    from rlsaudit.probe.attack import Ground
    from rlsaudit.probe.doubts import Doubts
    from rlsaudit.reach.witnesses import Witnesses


@dataclass(frozen=True, slots=True)
class Probed:
    """What probes answered, what was not probed, and what the server said of rows that proofs show.

    `secrets` are those that personas were seen to read, `jobs` are those of pg_cron in whose commands some stand.
    """

    results: tuple[probe.Result, ...]
    skipped: tuple[Skipped, ...]
    supposed: tuple[probe.Answer, ...] = ()
    outside: tuple[probe.Result, ...] = ()
    secrets: tuple[probe.Held, ...] = ()
    jobs: tuple[probe.Scheduled, ...] = ()


def ask(  # noqa: PLR0913 — whom to ask, of what, and how
    access: Access,
    platform: Platform,
    personas: Sequence[Persona],
    exposure: dict[str, tuple[Relation, ...]],
    options: Options,
    session: Session | None,
    witnesses: Witnesses,
    *,
    meant: Iterable[probe.Condition],
) -> Probed:
    """Asks for the rows that personas reach, and for what policies say of rows that proofs show.

    `meant` are conditions of the intent. Without a `session`, or with `--probe none`, that is what was left out.

    Raises:
        AuditError: the connection was lost.
    """
    if session is None:
        return Probed((), (Skipped("probes", "a saved snapshot has no server to ask"),))
    if options.mode == "none":
        return Probed((), (Skipped("probes", "--probe none"),))
    relations = {one.oid: one for group in exposure.values() for one in group}
    planned, skipped = probe.plan(access, personas, relations.values(), throwaway=options.throwaway)
    told = as_proved(personas)
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
        jobs, unread = probe.scheduled(access, personas, run)
    except psycopg.Error as error:
        said = error.diag.message_primary or type(error).__name__
        if not session.connection.closed:
            # plpgsql may be gone, or not for us: catalog and proofs decide what they can.
            return Probed((), (*skipped, Skipped("probes", f"the server refused to run them: {said}")))
        raise AuditError(
            f"The connection was lost while the server was probed: {said}.",
            hint="Nothing was changed. Try again, or use `--probe none` for what catalog and proofs alone decide.",
        ) from error
    results, seen = results[: len(planned)], results[len(planned) : len(planned) + len(outside)]
    failed = [one for one in results if one.outcome is probe.Outcome.INCONCLUSIVE and one.probe.persona]
    return Probed(
        results, (*skipped, *_grouped(access.catalog, failed), *unseen, *unread), answers, seen, secrets, jobs
    )


def with_stages(
    access: Access, platform: Platform, probed: Probed, beside: Sequence[Supposed], session: Session
) -> Probed:
    """Adds what the server says of states that take rows of other tables, which are made and taken back.

    Raises:
        AuditError: the connection was lost.
    """
    try:
        answers = probe.ask_staged(session, access, platform, beside)
    except psycopg.Error as error:
        if session.connection.closed:
            raise AuditError(
                "The connection was lost while the server was asked about states that proofs show.",
                hint="The server rolls back what was under way. Try again.",
            ) from error
        said = error.diag.message_primary or type(error).__name__
        why = Skipped("rows of other tables that proofs take", f"not put in: {said}")
        return replace(probed, skipped=(*probed.skipped, why))
    return replace(probed, supposed=probe.superseding(probed.supposed, answers))


def believed(doubts: Doubts, catalog: Catalog, probed: Probed, campaign: Campaign) -> tuple[Probed, Campaign]:
    """Returns of answers and attacks what rests on objects that are not in doubt."""
    results, campaign = doubts.believed(catalog, probed.results, campaign)
    supposed = tuple(
        one
        for one in probed.supposed
        if all(doubts.sound(catalog, oid) for oid in (one.supposed.relation, *one.supposed.consulted))
    )
    outside = tuple(one for one in probed.outside if doubts.sound(catalog, one.probe.relation))
    return replace(probed, results=results, supposed=supposed, outside=outside), campaign


def fought(ground: Ground, options: Options, session: Session) -> Campaign:
    """Attacks rows that are made for it.

    Raises:
        AuditError: the connection was lost.
    """
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


def as_proved(personas: Iterable[Persona]) -> list[Persona]:
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
