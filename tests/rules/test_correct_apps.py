"""Applications that are right raise no alarm, whatever their style; broken in one place they do, where that opens."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psycopg
import pytest
from oracle.broken import OnSupabase, outcome
from oracle.judged import judge
from oracle.mutants import spread
from oracle.plain import OnPlain, forget_roles, judge_plain, read_plain
from oracle.world import APPS, read_world

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from oracle.broken import App, Outcome

    from rlsaudit.engine import Server

NAMES = sorted(one.stem for one in APPS.glob("*.sql"))
PLAIN = APPS / "plain"
PLAIN_NAMES = sorted(one.stem for one in PLAIN.glob("*.sql"))
SAMPLE = int(os.environ.get("MUTANTS", "3"))
"""So many mutants of each application are tried; `just mutants` tries more."""


@pytest.fixture
def project(server: Server) -> Iterator[str]:
    yield server.supabase_database("app")
    server.drop_database("app")


@pytest.fixture(scope="session")
def measured() -> dict[tuple[str, str], Outcome]:
    """What came of the applications that are right, each measured once on a server."""
    return {}


@pytest.fixture
def app(name: str) -> App:
    return OnPlain(read_plain(name, PLAIN)) if name in PLAIN_NAMES else OnSupabase(read_world(name, APPS))


@pytest.fixture
def intent(app: App, tmp_path: Path) -> Path:
    path = tmp_path / "intent.toml"
    path.write_text(app.world.intent, "utf-8")
    return path


@pytest.fixture
def right(server: Server, name: str, app: App, intent: Path, measured: dict[tuple[str, str], Outcome]) -> Outcome:
    key = (server.dsn("postgres"), name)
    if key not in measured:
        measured[key] = outcome(server, app, intent)
    return measured[key]


@pytest.mark.parametrize("name", NAMES + PLAIN_NAMES)
def test_an_application_that_is_right_is_measured_and_found_so(app: App, right: Outcome) -> None:
    assert right.grave == set()
    # It does what it is for: whoever is meant to get at something does.
    assert [
        f"{persona} {operation.value} {relation}: {found.value}, not {reach.value}"
        for persona, relation, reaches in app.world.measures
        for operation, reach in reaches.items()
        if (found := right.reaches[persona, relation, operation]) is not reach
    ] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_measured_of_it_lies_within_the_bounds(project: str, name: str) -> None:
    judged = judge(project, read_world(name, APPS))
    assert judged.faults(judged.cells) == []
    assert judged.faults(judged.unprobed) == []
    assert judged.faults(judged.attacked) == []
    assert judged.inconsistent() == []


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    yield server.create_database("oracle_plain")
    server.drop_database("oracle_plain")
    forget_roles(server.dsn("postgres"))


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_one_that_is_right_on_plain_postgres(url: str, name: str, tmp_path: Path) -> None:
    plain = read_plain(name, PLAIN)
    judged = judge_plain(url, plain, tmp_path)
    assert judged.unlike(plain.world) == []
    assert judged.faults(judged.cells) == []
    assert judged.faults(judged.attacked) == []
    with connect(url) as session:
        options = Options(roles=tuple(plain.asking), intent=tmp_path / "intent.toml", throwaway=True)
        found = audit(session, options).findings
    assert [one for one in found if one.severity >= Severity.HIGH] == []


@pytest.mark.parametrize("name", NAMES + PLAIN_NAMES)
def test_broken_in_one_place_it_is_found_where_that_opens(
    server: Server, name: str, app: App, right: Outcome, intent: Path
) -> None:
    every = NAMES + PLAIN_NAMES
    missed, false, tried = [], [], 0
    for mutant in spread(right.breakable, every.index(name), len(every)):
        try:
            broken = outcome(server, app, intent, mutant, right)
        except psycopg.Error:
            # A policy for INSERT has no USING, say.
            continue
        wider = broken.wider(right)
        if mutant.widens or wider:
            if not broken.tells(right, wider or None):
                missed.append(f"{mutant}: {sorted(wider)}")
        elif broken.is_false_alarm(right):
            false.append(f"{mutant}: {sorted(broken.grave)}")
        tried += 1
        if tried == SAMPLE:
            break
    assert tried == min(SAMPLE, len(right.breakable)) or tried > len(right.breakable) // 2
    assert missed == []
    assert false == []
