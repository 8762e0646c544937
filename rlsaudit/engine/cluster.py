"""A server of our own, from the binaries of an installation."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import make_conninfo

from rlsaudit.engine import data, directory, stub_extensions, tree
from rlsaudit.engine.account import account_for_server, everybody_can_reach
from rlsaudit.engine.keeper import POLL_SECONDS, Keeper
from rlsaudit.engine.model import SUPERUSER, Access
from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rlsaudit.engine.account import Account
    from rlsaudit.engine.directory import RunDirectory
    from rlsaudit.engine.installation import Installation

START_SECONDS = 60
LOOPBACK = "127.0.0.1"
CONTROL_PATH_MAJOR = 18
"""From here on `extension_control_path` adds a directory of extensions to an installation."""

SETTINGS = {
    # Nothing here outlives the run, so nothing has to reach the disk.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Shared memory in files of the data directory goes with it, even after kill -9.
    "dynamic_shared_memory_type": "mmap",
    # It would hold databases open that are being copied or dropped.
    "autovacuum": "off",
    "jit": "off",
    # As Supabase has it: publications do not warn.
    "wal_level": "logical",
    "max_locks_per_transaction": "256",
    "shared_buffers": "64MB",
}


@contextmanager
def run(installation: Installation, *, loopback: bool = False) -> Iterator[Access]:
    """Run a fresh server until the context ends, whatever ends it; `loopback`: it listens to 127.0.0.1 as well.

    Raises:
        EngineError: it does not start.
    """
    directory.sweep()
    place = directory.create()
    try:
        keeper = Keeper(place)
        try:
            yield _start(installation, place, keeper, loopback=loopback)
        finally:
            keeper.close()
    finally:
        place.close()


def _start(installation: Installation, place: RunDirectory, keeper: Keeper, *, loopback: bool) -> Access:
    account = account_for_server()
    stubs = stub_extensions.missing(installation.extensions) if installation.share else frozenset[str]()
    reachable = account is None or everybody_can_reach(installation.bin_dir / "postgres")
    settings = dict(SETTINGS)
    if not reachable or (stubs and installation.major < CONTROL_PATH_MAJOR):
        own = tree.build(installation, place.path / "tree", reachable=reachable)
        if own is not None and own.share is not None:
            installation = own
            stub_extensions.install(stubs, own.share / "extension")
        elif reachable:
            stubs = frozenset()
        else:
            message = f"The account that would run Postgres cannot reach {installation.bin_dir}."
            hint = "Run rlsaudit as an ordinary user, or install Postgres where everybody may read it."
            raise EngineError(message, hint=hint)
    elif stubs:
        stub_extensions.install(stubs, place.path / "stubs" / "extension")
        settings["extension_control_path"] = f"$system:{place.path / 'stubs'}"

    if sys.platform == "win32":
        access = _prepare_for_windows(installation, place, settings, stubs)
        stop = [str(installation.bin_dir / "pg_ctl"), "-D", str(place.path / "data"), "-m", "immediate", "stop"]
    else:
        access = _prepare(installation, place, settings, stubs, account)
        if loopback:
            access = _listen(access, place, settings)
        stop = None
    keeper.serve(_command(installation, place, settings), data.environment(installation), account, stop)
    _await_first_query(access, installation, place, keeper)
    return access


def _prepare(
    installation: Installation,
    place: RunDirectory,
    settings: dict[str, str],
    stubs: frozenset[str],
    account: Account | None,
) -> Access:
    """A data directory and a socket that only the server's account may enter."""
    data.create(installation, place.path / "data", account)
    sockets = place.path / "socket"
    sockets.mkdir(mode=0o700)
    if account:
        os.chown(sockets, account.uid, account.gid)
    settings |= {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "port": "5432",
    }
    return Access({"host": str(sockets), "port": "5432", "user": SUPERUSER, "dbname": "postgres"}, stubs)


def _listen(access: Access, place: RunDirectory, settings: dict[str, str]) -> Access:
    """Opens the way by TCP. Nobody gets in who has no password, and that is everybody but whom we give one."""
    (place.path / "data" / "pg_hba.conf").write_text(data.HBA + data.HBA_LOOPBACK, encoding="ascii")
    port = _free_port()
    settings |= {"listen_addresses": LOOPBACK, "port": port}
    return replace(
        access, parameters={**access.parameters, "port": port}, loopback={"host": LOOPBACK, "sslmode": "disable"}
    )


def _free_port() -> str:
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return str(free.getsockname()[1])


def _prepare_for_windows(
    installation: Installation, place: RunDirectory, settings: dict[str, str], stubs: frozenset[str]
) -> Access:
    """No sockets in the file system to rely on: loopback, and a password that is made up for this run."""
    password = secrets.token_urlsafe(32)
    (place.path / "password").write_text(password, encoding="ascii")
    data.run_initdb(
        installation,
        place.path / "data",
        "--auth=scram-sha-256",
        f"--pwfile={place.path / 'password'}",
    )
    (place.path / "password").unlink()
    port = _free_port()
    settings |= {"listen_addresses": LOOPBACK, "port": port}
    parameters = {"host": LOOPBACK, "port": port, "user": SUPERUSER, "password": password, "dbname": "postgres"}
    return Access(parameters, stubs, passwords=True)


def _command(installation: Installation, place: RunDirectory, settings: dict[str, str]) -> list[str]:
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    data_directory = str(place.path / "data")
    if sys.platform == "win32":  # postgres.exe does not start for an administrator, unless pg_ctl takes the rights away
        quoted = subprocess.list2cmdline(options)
        return [str(installation.bin_dir / "pg_ctl"), "-D", data_directory, "-o", quoted, "-W", "start"]
    return [str(installation.bin_dir / "postgres"), "-D", data_directory, *options]


def _await_first_query(access: Access, installation: Installation, place: RunDirectory, keeper: Keeper) -> None:
    deadline = time.monotonic() + START_SECONDS
    conninfo = make_conninfo(**access.parameters, hostaddr="", connect_timeout="5", sslmode="disable")
    data_directory = str(place.path / "data")
    socket_file = place.path / "socket" / f".s.PGSQL.{access.parameters['port']}"
    while time.monotonic() < deadline and not keeper.server_ended():
        if sys.platform == "win32" or socket_file.exists():
            try:
                with psycopg.connect(conninfo) as connection:
                    found = connection.execute("show data_directory").fetchone()
            except psycopg.OperationalError:  # still starting
                found = None
            if found is not None and os.path.realpath(str(found[0])) == os.path.realpath(data_directory):
                return
        time.sleep(POLL_SECONDS)
    why = _last_words(place.path / "log")
    message = f"The Postgres of {installation.bin_dir} does not start: {why}"
    raise EngineError(message, hint=data.HINT)


def _last_words(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line or "ERROR" in line]
    return (fatal or lines or ["it says nothing"])[-1]
