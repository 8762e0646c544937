"""A world, audited with probes and without, beside what force finds in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from oracle.compare import compare
from oracle.force import Force
from oracle.world import identities
from rlsaudit.audit import Options, audit, examine
from rlsaudit.catalog import take
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.model import EvidenceKind, Operation, Reach

if TYPE_CHECKING:
    from oracle.world import World
    from rlsaudit.connect import Session
    from rlsaudit.model import Cell
    from rlsaudit.probe import Answer

PERSONAS = ("anon", "authenticated", "anonymous-sign-in", "aal2")


@dataclass(frozen=True, slots=True)
class Judged:
    """A world's cells, as audited with probes, without, and with rows attacked, and what each persona measured.

    `empty` are those of a world that has no rows yet but those that are made for the attacks.
    """

    cells: tuple[Cell, ...]
    unprobed: tuple[Cell, ...]
    attacked: tuple[Cell, ...]
    measured: dict[str, Force]
    empty: tuple[Cell, ...] = ()
    supposed: tuple[Answer, ...] = ()

    def unconfirmed(self) -> list[Answer]:
        """What the server says otherwise, or does not say, of rows that show proofs and need no others."""
        return [
            one
            for one in self.supposed
            if one.contradicts or (one.supposed.passes and one.supposed.exact and not one.agrees)
        ]

    def proved_at_most(self, persona: str) -> dict[tuple[str, Operation], Reach]:
        """The upper bounds of proofs alone, by relation and operation."""
        return {(one.relation, one.operation): one.at_most for one in self.unprobed if one.persona == persona}

    def faults(self, cells: tuple[Cell, ...]) -> list[str]:
        compared = [
            one
            for name, force in self.measured.items()
            for one in compare((x for x in cells if x.persona == name), force)
        ]
        assert compared
        return [one.fault for one in compared if one.fault]

    def unlike(self, world: World) -> list[str]:
        """Where force finds something else than the world says that it measures."""
        return [
            f"{persona} {operation.value} {relation}: {found.value}, not {reach.value}"
            for persona, relation, reaches in world.measures
            for operation, reach in reaches.items()
            if (found := self.measured[persona].reach(relation, operation).reach) is not reach
        ]

    def inconsistent(self) -> list[Cell]:
        """Cells whose evidence does not fit their verdict, or that probes and proof decide differently."""
        proved = {(one.persona, one.relation, one.operation): one for one in self.unprobed}
        found = []
        for one in (*self.cells, *self.unprobed, *self.attacked, *self.empty):
            other = proved[one.persona, one.relation, one.operation]
            fits = (one.at_least is one.at_most is one.reach) if one.reach.decided else one.at_least < one.at_most
            told = (one.evidence is not EvidenceKind.NONE) is one.reach.decided
            agrees = other.reach is one.reach or not (other.reach.decided and one.reach.decided)
            # A chain may be of one statement.
            chained = not (one.escalated.decided and one.reach.decided) or one.escalated >= one.at_least
            if not (fits and told and agrees and chained) or "a bug of rlsaudit" in one.because:
                found.append(one)
        # What a chain gains it gains by statements that are told.
        every = (*self.cells, *self.unprobed, *self.attacked, *self.empty)
        found += [
            one
            for one in every
            if not one.chain and one.reach.decided and one.escalated.decided and one.escalated > one.reach
        ]
        return found + [one for one in self.unprobed if one.evidence is EvidenceKind.PROBE]


def judge(url: str, world: World) -> Judged:
    """Makes the world in an empty project at `url`, the conninfo of a superuser, and audits and measures it."""
    with psycopg.connect(url, autocommit=True) as connection:
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(world.schema.encode())
        connection.execute("reset role")
        connection.execute(world.seed.encode())
        revoke_replay_rights(connection)
        with connect(url) as session:
            cells, supposed = asked(session, Options())
            unprobed = audit(session, Options(probe="none")).matrix
            attacked = audit(session, Options(probe="write", throwaway=True)).matrix
        shown = {one.persona for one in unprobed}
        assert shown <= set(PERSONAS)
        measured = {one: Force(connection, world, identities(one, world)) for one in PERSONAS if one in shown}
        return Judged(cells, unprobed, attacked, measured, supposed=supposed)


def asked(session: Session, options: Options) -> tuple[tuple[Cell, ...], tuple[Answer, ...]]:
    """Audits, and returns the cells with what the server said of rows that do not exist."""
    with session.read_only():
        snapshot = take(session)
    audited = examine(snapshot, options, session)
    return audited.report.matrix, tuple(one for each in audited.case.matrix.supposed.values() for one in each)
