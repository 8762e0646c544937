"""Migrations as something to audit: replayed, audited as their owner, findings traced to statements.

What a statement that failed would have made or changed is not known, so no verdict about it is given: it is `unknown`,
whatever the database says that came out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.audit import examine
from rlsaudit.catalog import Catalog, take
from rlsaudit.compare import Side
from rlsaudit.connect import connect
from rlsaudit.engine import candidates, start
from rlsaudit.errors import AuditError
from rlsaudit.migrations import Failure, find, located, replay
from rlsaudit.model import EvidenceKind, Reach, Skipped

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from rlsaudit.audit import Options
    from rlsaudit.engine import EngineRequest
    from rlsaudit.model import Cell, Report

_DATABASE = "replayed"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to replay: which throwaway Postgres, the era of grants, the tool's layout, and what a failure does."""

    engine: EngineRequest
    era: Literal["legacy", "explicit"] | None = None
    layout: str | None = None
    go_on: bool = False
    seeds: bool = False


def from_migrations(path: Path, recipe: Recipe, options: Options) -> Side:
    """Replays the migrations at `path` on a server of their own, which is gone afterwards, and audits the result.

    Raises:
        AuditError: nothing was found, or a statement failed and `go_on` is not set.
    """
    project = find(path, layout=recipe.layout)
    with start(_engine(recipe.engine, project.settings.major)) as server:
        replayed = replay(server, project, era=recipe.era, continue_=recipe.go_on, seeds=recipe.seeds, name=_DATABASE)
        if replayed.failures and not recipe.go_on:
            raise AuditError(
                f"A migration failed, so nothing was audited: {replayed.failures[0]}.",
                hint="Mend it, or use --continue: what depends on it is then unknown, and said to be.",
            )
        # As their owner, who is no superuser: what the migrations define runs while the audit asks the server.
        with connect(replayed.login) as session:
            with session.read_only():
                snapshot = take(session)
            known = {one.name for one in snapshot.schemas}
            served = tuple(one for one in project.settings.exposed if one in known)
            report = examine(snapshot, replace(options, schemas=options.schemas or served), session)
        version = f"Postgres {server.version} from {server.provider}"
    report = located(report, replayed.blame)
    replayed_as = f"replayed from migrations ({project.layout}, {replayed.statements} statements) on {version}"
    notes = (*report.target.notes, replayed_as, *replayed.notes, *_without_rows(replayed.failures))
    target = replace(report.target, notes=notes)
    return Side(Catalog(snapshot), doubted(replace(report, target=target), replayed.failures))


def _engine(request: EngineRequest, major: int | None) -> EngineRequest:
    """The project's own major where it can be had, and nobody asked for another."""
    if major is None or request.major is not None or request.url is not None or request.pg_bin is not None:
        return request
    wanted = replace(request, major=major)
    return wanted if any(one.usable for one in candidates(wanted)) else request


def _without_rows(failures: tuple[Failure, ...]) -> tuple[str, ...]:
    """A note on statements that failed and would only have changed rows: no verdict depends on them, probes may."""
    rows = [one for one in failures if one.data]
    if not rows:
        return ()
    return (f"statements that failed and change only rows, so that probes see fewer: {len(rows)}, first {rows[0]}",)


def doubted(report: Report, failures: tuple[Failure, ...]) -> Report:
    """Returns the report without verdicts on what failed statements would have made or changed."""
    decisive = tuple(one for one in failures if not one.data)
    if not decisive:
        return report
    causes: dict[str, Failure] = {}
    for failure in decisive:
        for one in failure.objects:
            causes.setdefault(one.identity, failure)
    opaque = next((one for one in decisive if one.opaque), None)
    matrix = tuple(_doubted(cell, causes.get(cell.relation) or opaque) for cell in report.matrix)
    left = (Skipped(f"statement at {one.location.file}:{one.location.line}", str(one)) for one in decisive)
    skipped = (*report.skipped, *left)
    summary = replace(report.summary, unknown=sum(one.reach is Reach.UNKNOWN for one in matrix), skipped=len(skipped))
    return replace(report, matrix=matrix, skipped=skipped, summary=summary)


def _doubted(cell: Cell, failure: Failure | None) -> Cell:
    if failure is None:
        return cell
    because = f"a statement failed that would have changed it, at {failure.location.file}:{failure.location.line}"
    return replace(
        cell, reach=Reach.UNKNOWN, evidence=EvidenceKind.NONE, because=because, at_least=Reach.NONE, at_most=Reach.ALL
    )
