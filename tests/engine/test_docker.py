"""A server in Docker, where a Docker engine answers and has the images of `tests/containers/`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import yaml
from command import environment, rlsaudit
from installations import binaries

from rlsaudit.engine import EngineRequest, start
from rlsaudit.engine.providers import docker as provider
from rlsaudit.engine.providers import leash
from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.docker

COMPOSE = Path(__file__).parents[2] / "docker"
PREFIX = "rlsaudit-test/"
IMAGE = f"{PREFIX}postgres:15"
REQUEST = EngineRequest(major=15, provider="docker")
# What the tests look at is on this machine, so they do not have to go by way of a gateway.
SETTINGS = {"TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX": PREFIX, "TESTCONTAINERS_CONNECTION_MODE": "docker_host"}
SERVE = """
import time
from rlsaudit.engine import EngineRequest, start
with start(EngineRequest(major=15, provider="docker")):
    print("ready", flush=True)
    time.sleep(60)
"""
BEFORE = """\
create table public.notes (id bigint primary key, user_id uuid not null, body text);
alter table public.notes enable row level security;
create policy "own notes" on public.notes for all to authenticated
  using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
"""
DOOR = "-- for the home page\n\ncreate view public.wall as\n  select * from public.notes;\n"


@pytest.fixture(scope="module")
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The engine's own client, once we know that there is an engine and that it has the images."""
    missing = pytest.fail if request.config.getoption("--need-docker") else pytest.skip
    (candidate,) = provider.Docker().find(REQUEST)
    if not candidate.usable:
        missing(candidate.reason)
    from testcontainers.core.docker_client import DockerClient  # noqa: PLC0415  of the extra

    connected = DockerClient().client
    try:
        if not connected.images.list(IMAGE):
            missing(f"{IMAGE} is missing: `just docker-images` makes it")
        yield connected
    finally:
        connected.close()


@pytest.fixture
def docker(client: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:  # noqa: ANN401  docker has no types
    """The same for one test, which uses our images, and leaves no container behind, whatever it is about."""
    from testcontainers.core.config import ConnectionMode, testcontainers_config  # noqa: PLC0415  of the extra

    # testcontainers reads the environment once.
    monkeypatch.setattr(testcontainers_config, "hub_image_name_prefix", PREFIX)
    monkeypatch.setattr(testcontainers_config, "connection_mode_override", ConnectionMode.docker_host)
    assert containers(client) == []
    yield client
    assert gone(client)


def containers(client: Any) -> list[Any]:  # noqa: ANN401  docker has no types
    return list(client.containers.list(all=True, filters={"ancestor": IMAGE}, ignore_removed=True))


def gone(client: Any, seconds: float = 15) -> bool:  # noqa: ANN401  as above
    deadline = time.monotonic() + seconds
    while containers(client):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_a_container_serves_a_project_on_loopback_alone(docker: Any) -> None:  # noqa: ANN401  as above
    with start(REQUEST) as server:
        (container,) = containers(docker)
        assert [one["HostIp"] for bound in container.ports.values() for one in bound or ()] == ["127.0.0.1"]
        assert (server.major, server.provider) == (15, "docker")
        with psycopg.connect(server.supabase_database("project"), autocommit=True) as connection:
            assert connection.execute("select auth.uid()").fetchone() == (None,)
            connection.execute("create role app login")
            assert {"pgtap", "index_advisor"} <= server.stubs
            for stub in sorted(server.stubs):
                connection.execute(f"create extension if not exists {stub} cascade")
        with psycopg.connect(server.dsn("project", user="app")) as connection:
            assert connection.info.user == "app"
        with pytest.raises(EngineError, match="no password for the role pg_monitor"):
            server.dsn("project", user="pg_monitor")
    assert containers(docker) == []


def test_from_inside_a_container_the_server_is_reached_by_the_gateway(
    docker: Any,  # noqa: ANN401  as above
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from testcontainers.core.config import ConnectionMode, testcontainers_config  # noqa: PLC0415  of the extra

    monkeypatch.setattr(testcontainers_config, "connection_mode_override", ConnectionMode.gateway_ip)
    with start(REQUEST) as server:
        assert server.major == 15
    assert containers(docker) == []


@pytest.mark.usefixtures("docker")
def test_the_demo_is_audited_as_on_binaries_of_the_same_major(tmp_path: Path) -> None:
    bin_dir = binaries(15, tmp_path)
    assert bin_dir is not None
    reports = []
    for options in (["--engine", "docker", "--pg", "15"], ["--pg-bin", str(bin_dir)]):
        answer = rlsaudit("demo", "--format", "json", *options, env=environment(**SETTINGS))
        assert answer.code == 0, answer.err
        reports.append(json.loads(answer.out))
    first, second = reports
    assert len(first["findings"]) > 10
    assert first["matrix"] == second["matrix"]
    assert first["findings"] == second["findings"]


@pytest.mark.usefixtures("docker")
def test_a_check_finds_the_planted_door_at_its_line(tmp_path: Path) -> None:
    migrations = tmp_path / "supabase" / "migrations"
    migrations.mkdir(parents=True)
    (migrations / "20240101000000_first.sql").write_text(BEFORE, encoding="utf-8")
    git = ("git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org")
    for arguments in (("init", "--quiet", "--initial-branch=main"), ("add", "."), ("commit", "--quiet", "-m", "first")):
        subprocess.run([*git, *arguments], check=True)  # noqa: S603 — ours
    options = ("--base", "main", "--engine", "docker", "--pg", "15", "--format", "json")
    before = rlsaudit("check", *options, env=environment(**SETTINGS), cwd=tmp_path)
    assert (before.code, json.loads(before.out)["findings"]) == (0, [])
    (migrations / "20240102000000_view.sql").write_text(DOOR, encoding="utf-8")
    after = rlsaudit("check", *options, env=environment(**SETTINGS), cwd=tmp_path)
    assert after.code == 1, after.err
    report = json.loads(after.out)
    assert [(one["rule"], one["location"]) for one in report["findings"]] == [
        ("definer-view", {"file": "supabase/migrations/20240102000000_view.sql", "line": 3})
    ]
    assert any("on Postgres 15." in note and "from docker" in note for note in report["target"]["notes"])


def test_the_compose_file_makes_the_demo_app(docker: Any, tmp_path: Path) -> None:  # noqa: ANN401  as above
    services = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))["services"]
    db = services["db"]
    parts = [one.split(":") for one in db["volumes"]]
    container = docker.containers.run(
        IMAGE,
        db["command"],
        environment=db["environment"],
        volumes={str((COMPOSE / source).resolve()): {"bind": to, "mode": mode} for source, to, mode in parts},
        tmpfs=dict.fromkeys(db["tmpfs"], ""),
        ports={"5432/tcp": ("127.0.0.1", None)},
        detach=True,
    )
    try:
        _, *probe = db["healthcheck"]["test"]
        for _ in range(db["healthcheck"]["retries"]):
            if container.exec_run(probe).exit_code == 0:
                break
            time.sleep(1)
        container.reload()
        address = f"@127.0.0.1:{container.ports['5432/tcp'][0]['HostPort']}/"
        url = services["rlsaudit"]["environment"]["DATABASE_URL"].replace("@db:5432/", address)
        answer = rlsaudit("audit", "--format", "json", env=environment(DATABASE_URL=url))
        assert answer.code == 1, (answer.err, container.logs())
    finally:
        container.remove(force=True, v=True)
    bin_dir = binaries(15, tmp_path)
    own = rlsaudit("demo", "--format", "json", "--pg-bin", str(bin_dir))
    # Of a server that is thrown away nobody wants to hear that it is an old one.
    found, expected = (
        {one["fingerprint"] for one in json.loads(each.out)["findings"] if one["rule"] != "server-outdated"}
        for each in (answer, own)
    )
    assert found == expected


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_container_goes_with_us_whatever_ends_us(docker: Any, sent: signal.Signals) -> None:  # noqa: ANN401
    with subprocess.Popen(  # noqa: S603 — ours
        [sys.executable, "-c", SERVE],
        env=environment(**SETTINGS),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # Whoever runs the tests may ignore SIGINT, as a shell's background does.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,  # noqa: PLW1509
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert len(containers(docker)) == 1
        os.kill(process.pid, sent)
        process.wait(timeout=30)
    assert gone(docker)


def test_a_container_that_nobody_attaches_to_ends_by_itself(docker: Any) -> None:  # noqa: ANN401
    docker.containers.create(IMAGE, command=["postgres"], **leash.options(attach_seconds=1)).start()
    assert gone(docker)


def test_a_server_that_does_not_start_is_an_error(docker: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    monkeypatch.setattr(provider, "SETTINGS", {"no_such_setting": "1"})
    with (
        pytest.raises(EngineError, match=r"does not answer; the container's status is \w+\.") as caught,
        start(REQUEST),
    ):
        pass
    assert f"`docker run {IMAGE}`" in caught.value.hint
    assert gone(docker)


def test_an_image_of_another_major_is_an_error(docker: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415  of the extra

    docker.images.get(IMAGE).tag(f"{PREFIX}mistaken-postgres", "16")
    try:
        monkeypatch.setattr(testcontainers_config, "hub_image_name_prefix", f"{PREFIX}mistaken-")
        wrong = "rlsaudit-test/mistaken-postgres:16 has Postgres 15, and Postgres 16 was asked for"
        with pytest.raises(EngineError, match=wrong), start(EngineRequest(major=16, provider="docker")):
            pass
    finally:
        docker.images.remove(f"{PREFIX}mistaken-postgres:16", noprune=True)


@pytest.mark.usefixtures("docker")
def test_an_image_that_cannot_be_had_is_an_error() -> None:
    answer = rlsaudit("demo", "--engine", "docker", "--pg", "99", env=environment(**SETTINGS))
    answer.refused("Docker does not run rlsaudit-test/postgres:99", "docker run rlsaudit-test/postgres:99")


@pytest.mark.usefixtures("docker")
def test_a_major_that_is_too_old_is_not_started() -> None:
    rlsaudit("demo", "--engine", "docker", "--pg", "13", env=environment(**SETTINGS)).refused("13 is older than 14")
