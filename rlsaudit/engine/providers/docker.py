"""A container of Postgres's own image, through testcontainers (the extra `docker`)."""

from __future__ import annotations

import importlib.util
import io
import secrets
import socket
import sys
import tarfile
import time
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import make_conninfo

from rlsaudit.engine import stub_extensions
from rlsaudit.engine.cluster import SETTINGS, START_SECONDS
from rlsaudit.engine.model import OLDEST_MAJOR, SUPERUSER, Access, Candidate, EngineRequest
from rlsaudit.engine.providers import leash
from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_MAJOR = 17
PORT = 5432
LOOPBACK = ("localhost", "127.0.0.1")
PING_SECONDS = 5
DEFAULT_HOST = "unix:///var/run/docker.sock"
_HINT = "See whether `docker run {image}` works, or take another Postgres: `rlsaudit engine` lists them."


class Docker:
    """Docker. The container goes with the context, and when this process does, whatever ends it."""

    name = "docker"

    def find(self, request: EngineRequest) -> Iterator[Candidate]:
        """One candidate: Docker has every major, if it answers."""
        major = request.major or DEFAULT_MAJOR
        problem = _problem()
        if problem is None and major < OLDEST_MAJOR:
            problem = f"Postgres {major} is older than {OLDEST_MAJOR}"
        reason = problem or f"the image {_image(major)}"
        yield Candidate(self.name, problem is None, reason, version=None, major=major)

    @contextmanager
    def start(self, candidate: Candidate, request: EngineRequest) -> Iterator[Access]:
        """Run the image of the candidate's major."""
        del request
        major = candidate.major or DEFAULT_MAJOR
        password = secrets.token_urlsafe(32)
        container = _container(major, password)
        with ExitStack() as ends:
            ends.callback(_remove, container)
            try:
                with _no_reaper():
                    container.start()
                ends.enter_context(leash.held(container.get_wrapped_container()))
                parameters = {
                    "host": str(container.get_container_host_ip()),
                    "port": str(container.get_exposed_port(PORT)),
                    "user": SUPERUSER,
                    "password": password,
                    "dbname": "postgres",
                }
            except Exception as error:  # testcontainers and docker have many errors and no class in common
                raise EngineError(
                    f"Docker does not run {_image(major)} ({type(error).__name__}).",
                    hint=_HINT.format(image=_image(major)),
                ) from error
            with _connected(container, parameters, major) as connection:
                _check_major(connection, major)
                stubs = _install_stubs(container, connection)
            yield Access(parameters, stubs, passwords=True)


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


def _image(major: int) -> str:
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415  of the extra

    # Which registry Postgres's image comes from is testcontainers' setting, TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX.
    return f"{testcontainers_config.hub_image_name_prefix}postgres:{major}"


def _container(major: int, password: str) -> Any:  # noqa: ANN401  testcontainers is optional, so are its types
    from testcontainers.core.config import ConnectionMode  # noqa: PLC0415  of the extra
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415  of the extra

    container = DockerContainer(f"postgres:{major}")
    container.with_envs(POSTGRES_USER=SUPERUSER, POSTGRES_PASSWORD=password, POSTGRES_DB="postgres")
    container.with_exposed_ports(PORT)
    client = container.get_docker_client()
    if client.get_connection_mode() is ConnectionMode.docker_host and client.host() in LOOPBACK:
        # The default is every address of the machine, which is needed where we are in a container of our own.
        # An address without a port: Docker picks the port.
        container.ports[str(PORT)] = ("127.0.0.1", None)  # type: ignore[assignment]  # docker takes it
    settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    container.with_command(["postgres", *settings])
    container.with_kwargs(security_opt=["no-new-privileges"], **leash.options())
    return container


@contextmanager
def _no_reaper() -> Iterator[None]:
    """Without Ryuk, the container that testcontainers starts to remove others: ours ends without one."""
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415  of the extra

    before = testcontainers_config.ryuk_disabled
    testcontainers_config.ryuk_disabled = True
    try:
        yield
    finally:
        testcontainers_config.ryuk_disabled = before


def _remove(container: Any) -> None:  # noqa: ANN401  as above
    from docker.errors import APIError  # noqa: PLC0415  of the extra

    try:
        container.stop()
    except APIError as error:
        # One that ended by itself is gone, or about to be.
        if error.status_code not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            raise
        container.get_docker_client().client.close()


def _connected(container: Any, parameters: dict[str, str], major: int) -> psycopg.Connection[Any]:  # noqa: ANN401
    """Wait until the server answers; the image starts one for its setup first, which does not listen to us."""
    from docker.errors import NotFound  # noqa: PLC0415  of the extra

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return psycopg.connect(make_conninfo(**parameters, connect_timeout="5"))
        except psycopg.OperationalError as error:
            try:
                inside = container.get_wrapped_container()
                inside.reload()
                status = inside.status
            except NotFound:
                status = "gone"
            if status != "running" or time.monotonic() > deadline:
                raise EngineError(
                    f"The Postgres in the container does not answer; the container's status is {status}.",
                    hint=_HINT.format(image=_image(major)),
                ) from error
            time.sleep(0.1)


def _check_major(connection: psycopg.Connection[Any], major: int) -> None:
    found = connection.info.server_version // 10000
    if found != major:
        raise EngineError(
            f"{_image(major)} has Postgres {found}, and Postgres {major} was asked for.",
            hint="Correct the image where it comes from, or ask for the major that it has.",
        )


def _install_stubs(container: Any, connection: psycopg.Connection[Any]) -> frozenset[str]:  # noqa: ANN401  as above
    real = frozenset(name for (name,) in connection.execute("select name from pg_available_extensions"))
    stubs = stub_extensions.missing(real)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in stub_extensions.files(stubs):
            entry = tarfile.TarInfo(path.name)
            entry.size, entry.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                tar.addfile(entry, content)
    ((shared,),) = connection.execute("select setting from pg_config where name = 'SHAREDIR'").fetchall()
    put = container.get_wrapped_container().put_archive(f"{shared}/extension", packed.getvalue())
    return stubs if put else frozenset()
