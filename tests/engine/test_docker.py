"""A server in Docker, where a Docker engine answers."""

from __future__ import annotations

import psycopg
import pytest

from rlsaudit.engine import EngineRequest
from rlsaudit.engine.providers.docker import Docker
from rlsaudit.engine.server import Server
from rlsaudit.errors import EngineError

pytestmark = pytest.mark.docker

REQUEST = EngineRequest(major=15)


@pytest.fixture
def docker() -> Docker:
    provider = Docker()
    (candidate,) = provider.find(REQUEST)
    if not candidate.usable:
        pytest.skip(candidate.reason)
    return provider


def test_a_container_serves_a_project_on_loopback_alone(docker: Docker) -> None:
    (candidate,) = docker.find(REQUEST)
    with docker.start(candidate, REQUEST) as access:
        server = Server(access, docker.name)
        assert access.parameters["host"] in ("localhost", "127.0.0.1")
        with psycopg.connect(server.supabase_database("project"), autocommit=True) as connection:
            assert connection.execute("select auth.uid()").fetchone() == (None,)
            connection.execute("create role app login")
            for stub in server.stubs & {"pgtap", "index_advisor"}:
                connection.execute(f"create extension {stub} cascade")
        with psycopg.connect(server.dsn("project", user="app")) as connection:
            assert connection.info.user == "app"
        with pytest.raises(EngineError, match="no password for the role pg_monitor"):
            server.dsn("project", user="pg_monitor")


def test_an_image_that_there_is_not_is_an_error(docker: Docker) -> None:
    (candidate,) = docker.find(EngineRequest(major=99))
    with pytest.raises(EngineError, match="does not run postgres:99"), docker.start(candidate, REQUEST):
        pass
