"""Asks whether commands of pg_cron's jobs hold secrets, and which personas read the commands of others' jobs.

As for rows of tables the server compares, and no command leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.detector import shapes
from rlsaudit.model import Operation, Skipped
from rlsaudit.probe.outcome import Outcome, Probe
from rlsaudit.probe.secrets import holding
from rlsaudit.probe.select import MOST_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.detector import Shape
    from rlsaudit.model import Persona
    from rlsaudit.probe.outcome import Result

JOBS = ("cron", "job")
"""pg_cron's table, whose own policy shows everybody the jobs that run as oneself."""
_COLUMNS = frozenset({"command", "username"})
_WHERE = "secrets in jobs of pg_cron"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Commands of jobs hold secrets of a kind. `result` counted them, for a persona among the jobs of others.

    Without a persona it is the connection itself that saw them.
    """

    persona: Persona | None
    kind: str
    result: Result


def scheduled(
    access: Access, personas: Iterable[Persona], run: Callable[[Sequence[Probe]], tuple[Result, ...]]
) -> tuple[tuple[Scheduled, ...], tuple[Skipped, ...]]:
    """Returns which secrets stand in the commands of jobs, and what of that could not be looked for.

    Args:
        access: What there is.
        personas: Who may be able to read jobs of others.
        run: Runs probes.
    """
    relation = _jobs(access)
    if relation is None:
        return (), ()
    askers = [None, *(one for one in personas if _may_read(access, one, relation))]
    looked = run([_probe(relation, one, shapes()) for one in askers])
    told = [one for one in looked if one.outcome is Outcome.ROWS and one.rows]
    closer = [(one.probe.persona, shape) for one in told for shape in shapes()]
    answers = run([_probe(relation, persona, [shape]) for persona, shape in closer])
    found = tuple(
        Scheduled(persona, shape.kind, answer)
        for (persona, shape), answer in zip(closer, answers, strict=True)
        if answer.outcome is Outcome.ROWS and answer.rows
    )
    return found, _unseen(access, relation, looked[0])


def _jobs(access: Access) -> Relation | None:
    relation = access.catalog.relations_by_name.get(JOBS)
    # A view would run somebody's code with the rights of whoever audits.
    if relation is None or relation.kind not in "rp":
        return None
    return relation if {one.name for one in access.catalog.columns[relation.oid]} >= _COLUMNS else None


def _may_read(access: Access, persona: Persona, relation: Relation) -> bool:
    role = access.catalog.roles_by_name[persona.role].oid
    schema = access.catalog.schemas[relation.schema]
    return access.usage(role, schema) and access.on_any_column(role, relation, "SELECT")


def _probe(relation: Relation, persona: Persona | None, wanted: Sequence[Shape]) -> Probe:
    others = "" if persona is None else " where username operator(pg_catalog.<>) current_user::pg_catalog.text"
    fits = " or ".join(holding(["command"], wanted))
    seen = f"select command from {'.'.join(JOBS)}{others} limit {MOST_ROWS}"
    return Probe(persona, relation.oid, Operation.SELECT, f"select count(*) from ({seen}) as seen where {fits}")


def _unseen(access: Access, relation: Relation, own: Result) -> tuple[Skipped, ...]:
    """What the connection itself does not see of the jobs."""
    if own.outcome is not Outcome.ROWS:
        return (Skipped(_WHERE, own.reason or own.outcome.value),)
    viewer = access.catalog.snapshot.viewer
    role = access.catalog.roles_by_name[viewer.name].oid
    if access.rls_applies(role, relation):
        return (Skipped(_WHERE, "this role sees its own jobs only"),)
    return ()
