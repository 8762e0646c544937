"""A container of Postgres's own image, through testcontainers (the extra `docker`)."""

from __future__ import annotations

import importlib.util
import io
import secrets
import socket
import sys
import tarfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import make_conninfo

from rlsaudit.engine import stub_extensions
from rlsaudit.engine.cluster import SETTINGS, START_SECONDS
from rlsaudit.engine.model import SUPERUSER, Access, Candidate, EngineRequest
from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_MAJOR = 17
PORT = 5432
LOOPBACK = ("localhost", "127.0.0.1")
PING_SECONDS = 5
DEFAULT_HOST = "unix:///var/run/docker.sock"
_HINT = "Start Docker and see whether `docker run postgres` works, or take another: `rlsaudit engine` lists them."


class Docker:
    """Docker. The container goes with the context; after a kill -9 testcontainers' reaper, Ryuk, takes it away."""

    name = "docker"

    def find(self, request: EngineRequest) -> Iterator[Candidate]:
        """One candidate: Docker has every major, if it answers."""
        major = request.major or DEFAULT_MAJOR
        problem = _problem()
        reason = problem or f"the image postgres:{major}"
        yield Candidate(self.name, problem is None, reason, version=None, major=major)

    @contextmanager
    def start(self, candidate: Candidate, request: EngineRequest) -> Iterator[Access]:
        """Run the image of the candidate's major."""
        del request
        password = secrets.token_urlsafe(32)
        container = _container(candidate.major or DEFAULT_MAJOR, password)
        try:
            try:
                container.start()
                parameters = {
                    "host": str(container.get_container_host_ip()),
                    "port": str(container.get_exposed_port(PORT)),
                    "user": SUPERUSER,
                    "password": password,
                    "dbname": "postgres",
                }
            except Exception as error:  # testcontainers and docker have many errors and no class in common
                message = f"Docker does not run postgres:{candidate.major} ({type(error).__name__})."
                raise EngineError(message, hint=_HINT) from error
            stubs = _install_stubs(container, candidate.major or DEFAULT_MAJOR, _real_extensions(container, parameters))
            yield Access(parameters, stubs, passwords=True)
        finally:
            container.stop()


def _problem() -> str | None:
    if importlib.util.find_spec("testcontainers") is None:
        return "not installed: pip install 'rlsaudit[docker]'"
    try:
        from testcontainers.core.docker_client import DockerClient, get_docker_host  # noqa: PLC0415  of the extra

        # The client leaves a socket open where nobody listens, and takes longer to find out.
        host = get_docker_host() or DEFAULT_HOST
        if sys.platform != "win32" and host.startswith("unix://"):
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(PING_SECONDS)
                probe.connect(host.removeprefix("unix://"))
        client = DockerClient(timeout=PING_SECONDS).client
        try:
            client.ping()
        finally:
            client.close()
    except Exception as error:  # noqa: BLE001  whatever it is, it is no Docker
        return f"no Docker answers ({type(error).__name__})"
    return None


def _container(major: int, password: str) -> Any:  # noqa: ANN401  testcontainers is optional, so are its types
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415  of the extra

    container = DockerContainer(f"postgres:{major}")
    container.with_envs(POSTGRES_USER=SUPERUSER, POSTGRES_PASSWORD=password, POSTGRES_DB="postgres")
    container.with_exposed_ports(PORT)
    client = container.get_docker_client()
    if client.get_connection_mode().use_mapped_port and client.host() in LOOPBACK:
        # The default is every address of the machine. An address without a port: Docker picks the port.
        container.ports[str(PORT)] = ("127.0.0.1", None)  # type: ignore[assignment]  # docker takes it
    container.with_command([part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")])
    container.with_kwargs(security_opt=["no-new-privileges"])
    return container


def _real_extensions(container: Any, parameters: dict[str, str]) -> frozenset[str]:  # noqa: ANN401  as above
    """Wait until the server answers; the image starts one for its setup first, which does not listen to us."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with psycopg.connect(make_conninfo(**parameters, connect_timeout="5")) as connection:
                return frozenset(name for (name,) in connection.execute("select name from pg_available_extensions"))
        except psycopg.OperationalError as error:
            inside = container.get_wrapped_container()
            inside.reload()
            if inside.status == "exited" or time.monotonic() > deadline:
                message = f"The Postgres in the container does not answer; the container's status is {inside.status}."
                raise EngineError(message, hint=_HINT) from error
            time.sleep(0.1)


def _install_stubs(container: Any, major: int, real: frozenset[str]) -> frozenset[str]:  # noqa: ANN401  as above
    stubs = stub_extensions.missing(real)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in stub_extensions.files(stubs):
            entry = tarfile.TarInfo(path.name)
            entry.size, entry.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                tar.addfile(entry, content)
    directory = f"/usr/share/postgresql/{major}/extension"
    put = container.get_wrapped_container().put_archive(directory, packed.getvalue())
    return stubs if put else frozenset()
