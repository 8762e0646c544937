"""Migrations as something to audit: replayed, audited as their owner, findings traced to statements.

What a statement that failed would have made or changed is not known, so no verdict about it is given: it is `unknown`,
whatever the database says that came out.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.audit import examine
from rlsaudit.catalog import take
from rlsaudit.compare import Side
from rlsaudit.connect import connect, unseen
from rlsaudit.engine import candidates, start
from rlsaudit.errors import AuditError, UsageError
from rlsaudit.migrations import Failure, applied, find, located, replay, settings_at
from rlsaudit.model import Skipped
from rlsaudit.source.standing import Standing
from rlsaudit.source.withheld import withheld

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Literal

    from rlsaudit.audit import Options
    from rlsaudit.connect import Session
    from rlsaudit.engine import EngineRequest
    from rlsaudit.migrations import Command, Script, Settings
    from rlsaudit.model import Report

_DATABASE = "replayed"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make the database: which throwaway Postgres, the era of grants, the platform where it is not seen.

    Then for a replay the tool's layout and what a failure does; or else the `command` that applies the migrations.
    `witness` is put around the work of the session that audits it.
    """

    engine: EngineRequest
    era: Literal["legacy", "explicit"] | None = None
    layout: str | None = None
    go_on: bool = False
    seeds: bool = False
    platform: Literal["supabase", "postgres"] | None = None
    command: Command | None = None
    witness: Callable[[Session], AbstractContextManager[None]] = unseen


def from_migrations(path: Path, recipe: Recipe, options: Options, base: Side | None = None) -> Side:
    """Replays the migrations at `path` on a server of their own, which is gone afterwards, and audits the result.

    With a `base` that was made from migrations too, what is new is first looked for in the files that are new since.
    Where the recipe has a command, that is run in `path` in their stead.

    Raises:
        AuditError: nothing was found, a statement failed and `go_on` is not set, or the command failed.
    """
    with replayed_at(path, recipe, options, base) as standing:
        return standing.side


@contextmanager
def replayed_at(path: Path, recipe: Recipe, options: Options, base: Side | None = None) -> Iterator[Standing]:
    """Replays the migrations at `path`, as `from_migrations` does, and yields the result while the server still runs.

    Raises:
        AuditError: nothing was found, a statement failed and `go_on` is not set, or the command failed.
    """
    if recipe.command is not None:
        with _from_command(path, recipe, recipe.command, options) as standing:
            yield standing
        return
    project = find(path, layout=recipe.layout)
    project = replace(project, platform=recipe.platform or project.platform)
    with start(_engine(recipe.engine, project.settings.major)) as server:
        replayed = replay(server, project, era=recipe.era, continue_=recipe.go_on, seeds=recipe.seeds, name=_DATABASE)
        if replayed.failures and not recipe.go_on:
            raise AuditError(
                f"A migration failed, so nothing was audited: {replayed.failures[0]}.",
                hint="Mend it, or use `rlsaudit check --continue`: what depends on it is then unknown, and said to be.",
            )
        side = _examined(replayed.login, project.settings, recipe, options)
        version = f"Postgres {server.version} from {server.provider}"
        scripts = {one.name: _digest(one) for one in project.scripts}
        fresh = frozenset(name for name, digest in scripts.items() if base and base.scripts.get(name) != digest)
        report = located(side.report, replayed.blame, fresh=fresh if base and base.scripts else frozenset())
        replayed_as = f"replayed from migrations ({project.layout}, {replayed.statements} statements) on {version}"
        report = _noted(report, (replayed_as, *replayed.notes, *_without_rows(replayed.failures)))
        side = replace(side, report=doubted(report, replayed.failures), scripts=scripts)

        def again(login: str) -> Side:
            found = _examined(login, project.settings, replace(recipe, witness=unseen), options)
            return replace(found, report=doubted(found.report, replayed.failures))

        yield Standing(side, replayed.login, server, _DATABASE, again, hosted=project.platform == "supabase")


def _digest(script: Script) -> str:
    try:
        return hashlib.sha256(script.path.read_bytes()).hexdigest()
    except OSError:
        return ""  # the replay says that it cannot be read


@contextmanager
def _from_command(path: Path, recipe: Recipe, command: Command, options: Options) -> Iterator[Standing]:
    if recipe.layout is not None or recipe.go_on or recipe.seeds:
        raise UsageError(
            "--layout, --seed and --continue are about a replay, and with --apply there is none.",
            hint="Leave them out: the command itself decides what is run.",
        )
    platform, settings, _ = settings_at(path)
    request = replace(_engine(recipe.engine, settings.major), loopback=True)
    with (
        start(request) as server,
        applied(server, path, command, platform=recipe.platform, era=recipe.era, name=_DATABASE) as made,
    ):
        side = _examined(made.login, made.settings, recipe, options)
        applied_by = f"made by {command.shown} on Postgres {server.version} from {server.provider}"
        side = replace(side, report=_noted(side.report, (applied_by, *made.notes)))

        def again(login: str) -> Side:
            return _examined(login, made.settings, replace(recipe, witness=unseen), options)

        hosted = (recipe.platform or platform) == "supabase"
        yield Standing(side, made.login, server, _DATABASE, again, hosted=hosted)


def _examined(login: str, settings: Settings, recipe: Recipe, options: Options) -> Side:
    """Audits as the migrations' owner, who is no superuser: what they define runs while the server is asked."""
    with connect(login) as session, recipe.witness(session):
        with session.read_only():
            snapshot = take(session)
        known = {one.name for one in snapshot.schemas}
        served = tuple(one for one in settings.exposed if one in known)
        # Where nobody can sign up, nobody gets in without an account either.
        anonymous = None if settings.signup is False else settings.anonymous_sign_ins
        # Where a statement failed, what it would have made is missing, and not misspelt.
        partial = options.partial or recipe.go_on
        project = replace(options, configured=served, anonymous=anonymous, throwaway=True, partial=partial)
        audited = examine(snapshot, project, session)
    return Side(audited.report, audited.case)


def _noted(report: Report, notes: tuple[str, ...]) -> Report:
    return replace(report, target=replace(report.target, notes=(*report.target.notes, *notes)))


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
    found = {one.relation: causes.get(one.relation) or opaque for one in report.matrix}
    because = {relation: _because(failure) for relation, failure in found.items() if failure is not None}
    return withheld(
        report,
        because,
        (Skipped(f"statement at {one.location.file}:{one.location.line}", str(one)) for one in decisive),
    )


def _because(failure: Failure) -> str:
    return f"a statement failed that would have changed it, at {failure.location.file}:{failure.location.line}"
