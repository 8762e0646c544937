"""Proof against probe: a probe raises what is known for certain, and where the two disagree that is said."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.personas import owns_nothing
from rlsaudit.policy.proof import Step
from rlsaudit.probe import Outcome, Result
from rlsaudit.probe.supposed import Said, opened_by
from rlsaudit.reach import Way

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rlsaudit.model import JsonObject, Persona
    from rlsaudit.probe.attack import Attacked, Called, Chained
    from rlsaudit.probe.supposed import Answer


_NOT_THE_STATEMENTS = ("08", "25", "40", "53", "57", "58", "XX", "55P03")
"""Beginnings of SQLSTATEs that tell of the server, of time and locks, or of our READ ONLY: not of the statement."""
CONFIRMED = "confirmed by the server"
"""Said where the server computes the same of a row that shows what a proof says."""
OPENED = "the server lets a row of somebody else's pass that could be there"


def with_supposed(way: Way, answers: Sequence[Answer], *, unhindered: bool) -> tuple[Way, str]:
    """Returns the way as the server confirms or refutes it on rows that do not exist, and the contradiction if so.

    Of a row that shows what a proof says the proof concludes: it stays one, and the server has computed the same. What
    the server computes otherwise leaves nothing of it. Where proofs leave it open, a stranger's row that could be there
    and passes is one that is reached.

    Args:
        way: What catalog and proof say.
        answers: What the server said of rows that show it, and of rows of strangers.
        unhindered: Whether what the policies let pass is surely reached.
    """
    refuted = next((one for one in answers if one.contradicts), None)
    if refuted is not None:
        found = replace(way, at_least=Reach.NONE, at_most=Reach.ALL, evidence=EvidenceKind.NONE, untouched=Reach.NONE)
        return found, _refutation(way, refuted)
    if opened_by(answers) and unhindered and way.at_least < Reach.SOME <= way.at_most:
        evidence = EvidenceKind.PROBE if way.at_most is Reach.SOME else EvidenceKind.NONE
        because = f"{way.because}; {OPENED}"
        return replace(way, at_least=Reach.SOME, evidence=evidence, because=because), ""
    passing = [one for one in answers if one.supposed.passes]
    if not passing or not all(one.agrees for one in passing):
        return way, ""
    return replace(way, because=f"{way.because}; {CONFIRMED}"), ""


def _refutation(way: Way, answer: Answer) -> str:
    asked, row = answer.supposed, shown_rows(answer.supposed.rows)
    if asked.consulted:
        # The tables are those that the policies look into.
        others = ", ".join(json.dumps(one, ensure_ascii=False) for _, one in asked.beside)
        row = f"{row}, with {f'rows {others}' if others else 'no row'} in the tables that are looked into,"
    meant = f"{'passes' if asked.passes else 'does not pass'} {asked.clause.value}"
    reason = f": {answer.reason}" if answer.said is Said.ERROR else ""
    return (
        f"proof and server disagree, a bug of rlsaudit: proof {way.at_most.value} ({way.because}), by which {row}"
        f" {meant}, but the server computes {answer.said.value}{reason}"
    )


def shown_rows(rows: Sequence[JsonObject]) -> str:
    """Returns rows that do not exist, for people."""
    first, *others = (json.dumps(one, ensure_ascii=False) for one in rows)
    if not rows[0]:
        return "any row"
    return f"one of {len(rows)} rows such as {first}" if others else f"a row {first}"


def with_probe(
    way: Way, persona: Persona, result: Result | None, total: int | None, *, stands_for_all: bool = True
) -> tuple[Way, str]:
    """Returns the way as corrected by the probe, and the contradiction between the two where there is one.

    Args:
        way: What catalog and proof say.
        persona: Who was probed as.
        result: The probe's answer; None where there was none.
        total: How many rows there are, where that could be counted.
        stands_for_all: Whether a statement of this kind is refused only if all are. Writing one column of a view may
            be refused where another is open, for its table's privileges are asked for.
    """
    if result is None:
        return way, ""
    if result.outcome in {Outcome.DENIED, Outcome.RECURSION}:
        if not stands_for_all:
            return _unseen(way, result.reason), ""
        because = f"the statement fails for every identity: {result.reason}"
        return Way(Reach.NONE, Reach.NONE, EvidenceKind.PROBE, because), ""
    if result.outcome is Outcome.INCONCLUSIVE:
        return (_unseen(way, result.reason) if _is_the_statements(result) else way), ""
    return _with_rows(way, persona, result, total) if result.probe.operation is Operation.SELECT else (way, "")


def _is_the_statements(result: Result) -> bool:
    """Whether the statement failed by itself, on this data: a timeout or a lock says nothing about it."""
    return result.code != "" and not result.code.startswith(_NOT_THE_STATEMENTS)


def _unseen(way: Way, reason: str) -> Way:
    """The way where a statement that should reach rows failed: it may on other data, so what it may reach stays."""
    if way.at_least is Reach.NONE:
        return way
    return replace(way, at_least=Reach.NONE, evidence=EvidenceKind.NONE, because=f"{way.because}; the probe: {reason}")


def _with_rows(way: Way, persona: Persona, result: Result, total: int | None) -> tuple[Way, str]:
    """Corrects the way by what was read. What was read is reached, whatever was proved."""
    seen = result.seen(total)
    certain = Reach.SOME if result.rows and owns_nothing(persona) else Reach.NONE
    if certain > way.at_most:
        found = replace(way, at_least=certain, at_most=Reach.ALL, evidence=EvidenceKind.NONE)
        return found, _contradiction(way, f"read {seen} as somebody who owns nothing")
    missed = total is not None and result.rows < total and not result.in_part
    # Of a persona that may own rows what was not read may be its own: `owner <> current_user` shows all the others.
    tells = owns_nothing(persona) or not result.rows
    if way.at_least is Reach.ALL and missed and tells and not (way.chosen or way.given):
        found = replace(way, at_least=certain, at_most=Reach.ALL, evidence=EvidenceKind.NONE)
        return found, _contradiction(way, f"read {seen}")
    if certain is Reach.NONE:
        return way, ""
    least = max(way.at_least, certain)
    evidence = EvidenceKind.PROBE if least is way.at_most else EvidenceKind.NONE
    return replace(way, at_least=least, evidence=evidence, because=f"{way.because}; read {seen}"), ""


def with_attacks(
    ways: Sequence[Way], relation: str, operation: Operation, attacked: Attacked | None
) -> tuple[list[Way], str]:
    """Returns the ways as corrected by what was tried by a relation's own name, and the contradiction if there is one.

    What a statement reaches it reaches by itself or by what it sets off, which is a way of its own: a trigger may let
    others ask, whatever was proved of who asks.

    Args:
        ways: All ways of a persona to a relation's rows, the one by its name first.
        relation: The relation's identity.
        operation: The operation.
        attacked: What the attempts came to; None where there were none.
    """
    found = list(ways)
    found[0], contradiction = with_attack(ways[0], operation, attacked)
    if attacked is not None and attacked.beside and found[0].at_least < Reach.SOME:
        found[0] = replace(found[0], because=f"{found[0].because}; {attacked.beside}")
    for number, way in enumerate(ways[1:], 1) if contradiction else ():
        if way.via == relation:
            corrected, disagreed = with_attack(way, operation, attacked)
            if not disagreed:
                found[0], found[number] = ways[0], corrected
                return found, ""
    return found, contradiction


def with_attack(way: Way, operation: Operation, attacked: Attacked | None) -> tuple[Way, str]:
    """Returns the way as corrected by what was tried with rows made for it, and the contradiction where there is one.

    What was reached of strangers is reached, whatever was proved. What was not may be by another statement, or with
    other rows.

    Args:
        way: What catalog and proof say.
        operation: The operation.
        attacked: What the attempts came to; None where there were none.
    """
    if attacked is None or attacked.reach is Reach.NONE:
        return way, ""
    got = attacked.told(operation)
    if attacked.reach is Reach.OWN:
        # Where proofs say who may, and leave open whether a trigger does, the trigger has let it pass.
        passed = way.at_most is Reach.OWN and Reach.OWN in {way.at_least, way.untouched}
        if not passed:
            return way, ""
        return replace(way, at_least=Reach.OWN, evidence=EvidenceKind.PROBE, because=f"{way.because}; {got}"), ""
    # All rows that were made are not all that there could be: that their content does not matter is for a proof to say,
    # which may leave open whether a trigger lets them pass.
    of_some = way.at_most is Reach.SOME or Reach.ALL not in {way.at_least, way.untouched}
    reached = Reach.SOME if of_some else attacked.reach
    if reached > way.at_most:
        found = replace(way, at_least=reached, at_most=Reach.ALL, evidence=EvidenceKind.NONE)
        return found, _contradiction(way, got)
    least = max(way.at_least, reached)
    evidence = EvidenceKind.PROBE if least is way.at_most else EvidenceKind.NONE
    return replace(way, at_least=least, evidence=evidence, because=f"{way.because}; {got}"), ""


def with_calls(ways: Sequence[Way], called: Mapping[str, Called]) -> tuple[list[Way], str]:
    """Returns the ways as corrected by calls that reached rows of others, and the contradiction where there is one.

    What a call reaches by what it sets off, or with its caller's own rights, is another way's: one has to allow it.

    Args:
        ways: All ways of a persona to a relation's rows, for one operation.
        called: By functions' identities the calls.
    """
    found: list[Way] = []
    for way in ways:
        if way.via not in called or way.at_least >= Reach.SOME:
            found.append(way)
        elif way.at_most < Reach.SOME:
            return list(ways), _contradiction(way, f"a call of {way.via} {called[way.via].told()}")
        else:
            evidence = EvidenceKind.PROBE if way.at_most is Reach.SOME else EvidenceKind.NONE
            because = f"{way.because}; a call {called[way.via].told()}"
            found.append(replace(way, at_least=Reach.SOME, evidence=evidence, because=because))
    widest = max(ways, key=lambda one: one.at_most)
    if widest.at_most < Reach.SOME:
        via, call = next(iter(called.items()))
        return list(ways), _contradiction(widest, f"a call of {via} {call.told()}")
    return found, ""


def measured(ways: Sequence[Way], by_name: Reach | None, calls: Mapping[str, Reach | None]) -> Reach | None:
    """Returns how far statements on a relation itself and along other ways got, None where one is not known.

    Args:
        ways: All ways of a persona to the relation's rows, the one by its name first.
        by_name: How far the statements got.
        calls: By what leads to the rows how far it got: calls of functions, statements on what it is a part of.
    """
    addressed, *others = ways
    led = [calls[one.via] for one in others if one.via in calls and not one.decided]
    if not led and by_name is None:
        return None
    levels = [addressed.at_least if by_name is None and addressed.decided else by_name, *led]
    known = [one for one in levels if one is not None]
    return max(known, default=None) if len(known) == len(levels) or Reach.ALL in known else None


def with_chain(way: Way, chained: Chained | None) -> Way:
    """Returns what a chain gains as corrected by one that was executed and reached rows of strangers."""
    if chained is None or way.at_least >= Reach.SOME:
        return way
    steps = tuple(Step(one.relation, one.sql, one.inserts, one.columns) for one in chained.steps)
    if way.at_most < Reach.SOME:
        because = f"a chain was proved to gain no more, and one did: a bug of rlsaudit ({way.because})"
        return replace(way, at_most=Reach.ALL, evidence=EvidenceKind.NONE, because=because)
    return replace(way, at_least=Reach.SOME, steps=steps)


def _contradiction(way: Way, probe: str) -> str:
    return (
        f"proof and probe disagree, a bug of rlsaudit: proof {way.at_most.value} ({way.because}), but the probe {probe}"
    )
