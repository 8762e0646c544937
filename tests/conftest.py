"""A running server per major: `pytest --pg 15,17` runs whatever needs a database on each of them."""

from __future__ import annotations

import itertools
import os
import zlib
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from command import Answer, environment
from hypothesis import settings
from installations import binaries

from rlsaudit.cli import main
from rlsaudit.engine import EngineRequest, Server, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# How many examples: `HYPOTHESIS_PROFILE=thorough pytest tests/property` for what CI has no time for.
# A busy machine is no failure, and an example that failed once is kept in .hypothesis all the same.
settings.register_profile("ci", max_examples=100, deadline=None)
settings.register_profile("thorough", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

DEFAULT = "default"
EACH = "majors"
"""The mark of tests of what the majors themselves do otherwise: `--deal` runs them on each."""
ALONE = "roles"
"""The mark of tests that change the roles of the whole server: they have one that the others do not see."""
_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pg",
        default=DEFAULT,
        metavar="MAJORS",
        help="the Postgres majors to run on, with commas between them (default: whatever the engine takes)",
    )
    parser.addoption(
        "--deal",
        action="store_true",
        help="run each test that needs a server on one of the majors, those marked `majors` on all, and no others",
    )
    parser.addoption(
        "--need-docker",
        action="store_true",
        help="where no Docker engine answers or the test images are missing, fail and do not skip",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        majors = [major.strip() for major in str(metafunc.config.getoption("--pg")).split(",")]
        alone = metafunc.definition.get_closest_marker(ALONE) is not None
        wanted = [(major, alone) for major in majors]
        metafunc.parametrize("server", wanted, ids=lambda one: f"pg-{one[0]}", indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--deal`, leaves each test on one major: they all together are on all of them, in a share of the time."""
    if not config.getoption("--deal"):
        return
    majors = sorted({major for one in items if (major := _major(one)) is not None})
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        (kept if _dealt(item, majors) else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


def _dealt(item: pytest.Item, majors: list[str]) -> bool:
    major = _major(item)
    if major is None or item.get_closest_marker(EACH) is not None:
        return major is not None
    # By the name, so that whichever process collects it comes to the same: workers have to agree.
    name = item.nodeid.replace(f"pg-{major}", "pg")
    return majors[zlib.crc32(name.encode()) % len(majors)] == major


def _major(item: pytest.Item) -> str | None:
    """The major that the test runs on; None where it needs no server."""
    parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    return str(parameters["server"][0]) if "server" in parameters else None


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the major that the test runs on. One that was asked for and is not there fails, it never skips."""
    major, _ = request.param
    if major == DEFAULT:
        wanted = EngineRequest()
    else:
        bin_dir = binaries(int(major), tmp_path_factory.mktemp("postgres"))
        if bin_dir is None:
            pytest.fail(f"There is no Postgres {major}: `just servers` installs those of tests/postgres.")
        wanted = EngineRequest(pg_bin=bin_dir)
    with start(wanted) as running:
        # Supabase's roles are of the cluster: a plain database must not see them or not, as the tests happen to be
        # dealt out. One that has to be without them starts a server of its own.
        running.supabase_database("first")
        running.drop_database("first")
        yield running


@pytest.fixture(autouse=True)
def nothing_of_the_cluster_is_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Roles, what they are members of and their settings are seen by every later test on the same server."""
    if "server" not in request.fixturenames or request.node.get_closest_marker(ALONE) is not None:
        yield
        return
    running: Server = request.getfixturevalue("server")
    before = _of_the_cluster(running)
    yield
    after = _of_the_cluster(running)
    assert after == before


def _of_the_cluster(server: Server) -> dict[str, tuple[object, ...]]:
    with psycopg.connect(server.dsn("postgres")) as connection:
        found = connection.execute(
            """
            select r.rolname::text, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin,
                   r.rolbypassrls,
                   array(select m.roleid::regrole::text from pg_auth_members m where m.member = r.oid order by 1),
                   array(select s.setconfig::text from pg_db_role_setting s where s.setrole = r.oid order by 1)
            from pg_roles r
            """
        ).fetchall()
    return {name: tuple(rest) for name, *rest in found}


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The conninfo, as superuser, of a database of its own, empty."""
    name = f"plain_{next(_numbers)}"
    yield server.create_database(name)
    server.drop_database(name)


@pytest.fixture
def supabase_database(server: Server) -> Iterator[str]:
    """The conninfo, as superuser, of a database of its own, like a new Supabase project's."""
    name = f"project_{next(_numbers)}"
    yield server.supabase_database(name)
    server.drop_database(name)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Answer]:
    """Runs a command in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(environment()):
        monkeypatch.delenv(name)

    def asked(*arguments: str) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert isinstance(ended.value.code, int)
        said = capsys.readouterr()
        return Answer(ended.value.code, said.out, said.err)

    return asked
