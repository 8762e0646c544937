"""A running server per major: `pytest --pg 15,17` runs whatever needs a database on each of them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from installations import binaries

from rlsaudit.engine import EngineRequest, Server, start

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT = "default"
_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pg",
        default=DEFAULT,
        metavar="MAJORS",
        help="the Postgres majors to run on, with commas between them (default: whatever the engine takes)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        majors = [major.strip() for major in str(metafunc.config.getoption("--pg")).split(",")]
        metafunc.parametrize("server", majors, ids=lambda major: f"pg-{major}", indirect=True, scope="session")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the major that the test runs on. One that was asked for and is not there fails, it never skips."""
    if request.param == DEFAULT:
        wanted = EngineRequest()
    else:
        bin_dir = binaries(int(request.param), tmp_path_factory.mktemp("postgres"))
        if bin_dir is None:
            pytest.fail(f"There is no Postgres {request.param}: `just servers` installs those of tests/postgres.")
        wanted = EngineRequest(pg_bin=bin_dir)
    with start(wanted) as running:
        yield running


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
