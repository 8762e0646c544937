"""Proof against probe: a probe raises what is known for certain, and where the two disagree that is said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.personas import STRANGER
from rlsaudit.probe import Outcome, Result
from rlsaudit.reach import Way

if TYPE_CHECKING:
    from rlsaudit.model import Persona


def with_probe(way: Way, persona: Persona, result: Result | None, total: int | None) -> tuple[Way, str]:
    """Returns the way as corrected by the probe, and the contradiction between the two where there is one."""
    if result is None:
        return way, ""
    if result.outcome in {Outcome.DENIED, Outcome.RECURSION}:
        because = f"the statement fails for every identity: {result.reason}"
        return Way(Reach.NONE, Reach.NONE, EvidenceKind.PROBE, because), ""
    if result.outcome is Outcome.INCONCLUSIVE:
        if way.decided and way.at_most is not Reach.NONE and "PL/pgSQL" not in result.reason:
            # The statement failed, so what the proof says was not seen; it may well succeed on other data.
            because = f"{way.because}; the probe: {result.reason}"
            return replace(way, at_least=Reach.NONE, evidence=EvidenceKind.NONE, because=because), ""
        return way, ""
    return _with_rows(way, persona, result, total) if result.probe.operation is Operation.SELECT else (way, "")


def _with_rows(way: Way, persona: Persona, result: Result, total: int | None) -> tuple[Way, str]:
    seen = f"{result.rows} of {total} rows" if total is not None else f"{result.rows} rows"
    if result.rows == 0:
        if way.at_least is Reach.ALL and total and not way.chosen:
            return way, _contradiction(way, f"read 0 of {total} rows")
        return way, ""
    if not owns_nothing(persona):
        return way, ""
    if way.at_most < Reach.SOME:
        return way, _contradiction(way, f"read {seen} as somebody who owns nothing")
    least = max(way.at_least, Reach.SOME)
    evidence = EvidenceKind.PROBE if least is way.at_most else EvidenceKind.NONE
    return replace(way, at_least=least, evidence=evidence, because=f"{way.because}; read {seen}"), ""


def owns_nothing(persona: Persona) -> bool:
    """Whether every row that the persona reads is a stranger's: it has no identity, or one that nobody has."""
    return persona.name == "anon" or persona.claims.get("sub") == STRANGER


def _contradiction(way: Way, probe: str) -> str:
    return (
        f"proof and probe disagree, a bug of rlsaudit: proof {way.at_most.value} ({way.because}), but the probe {probe}"
    )
