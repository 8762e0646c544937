"""A fresh data directory: `initdb` once for a build of Postgres, copies of what it made from then on."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from rlsaudit.engine.account import account_for_initdb
from rlsaudit.engine.model import SUPERUSER
from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from rlsaudit.engine.account import Account
    from rlsaudit.engine.installation import Installation

FORMAT = 1
INITDB_SECONDS = 120
UNUSED_SECONDS = 60 * 24 * 3600
LOCALES = ("C.UTF-8", "C")
# Nobody but who may enter the socket's directory can connect at all, and that is the server's account (and root).
HBA = "local all all trust\n"
# By TCP anybody on this machine can knock.
HBA_LOOPBACK = "host all all 127.0.0.1/32 scram-sha-256\n"


def environment(installation: Installation) -> dict[str, str]:
    """All that the server's processes get of ours: SQL can read its server's environment, and ours may hold secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
    icu = installation.share and installation.share / "icu"
    if icu and icu.is_dir():  # the wheel for musl brings its data along
        kept["ICU_DATA"] = str(icu)
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def create(installation: Installation, directory: Path, account: Account | None) -> None:
    """Make `directory` a data directory that belongs to `account` (None: to us), from the cache where that has one.

    Raises:
        EngineError: `initdb` failed.
    """
    template = _template(installation)
    if template is not None and template.is_dir():
        with contextlib.suppress(OSError):
            os.utime(template)
            _copy(template, directory, account)
            return
        shutil.rmtree(directory, ignore_errors=True)  # pruned while we copied, or damaged
    _initdb(installation, directory)
    if template is not None:
        with contextlib.suppress(OSError):  # a full or read-only disk costs the next start a second
            _store(directory, template)
    _give(directory, account)


def run_initdb(installation: Installation, directory: Path, *arguments: str) -> None:
    """Run `initdb`; as an account without rights where we are root.

    Raises:
        EngineError: it failed.
    """
    account = account_for_initdb()
    directory.mkdir(mode=0o700)
    _give(directory, account)
    done = None
    for locale in LOCALES:
        command = [
            str(installation.bin_dir / "initdb"),
            f"--pgdata={directory}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            f"--locale={locale}",
            "--no-sync",
            "--wal-segsize=1",
            *arguments,
        ]
        try:
            done = subprocess.run(  # noqa: S603  the installation's own program, no shell
                command,
                env=environment(installation),
                cwd=directory.parent,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=INITDB_SECONDS,
                check=False,
                **(account.popen() if account else {}),
            )
        except (OSError, subprocess.SubprocessError) as error:
            message = f"initdb of {installation.bin_dir} does not run: {error}."
            raise EngineError(message, hint=HINT) from error
        if done.returncode == 0:
            _give(directory, None)  # from here on no process of that account can put something into our way
            return
    why = (done.stderr.strip().splitlines() or ["no reason given"])[0] if done else ""
    message = f"initdb of {installation.bin_dir} failed: {why}"
    raise EngineError(message, hint=HINT)


HINT = "`rlsaudit engine` lists the other servers that could be taken; `--pg-bin` or `--engine-url` takes one of them."


def _initdb(installation: Installation, directory: Path) -> None:
    run_initdb(installation, directory, "--auth=trust")
    (directory / "pg_hba.conf").write_text(HBA, encoding="ascii")


def _template(installation: Installation) -> Path | None:
    """Where the cache keeps, or would keep, what this build's `initdb` makes; None where there is no cache to trust."""
    with contextlib.suppress(OSError, RuntimeError):
        cache = platformdirs.user_cache_path("rlsaudit", appauthor=False) / "postgres"
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform == "win32" or not _private(cache):
            return None
        executable = (installation.bin_dir / "postgres").stat()
        build = f"{FORMAT} {installation.build} {executable.st_size} {platform.machine()} {SUPERUSER}"
        digest = hashlib.sha256(build.encode()).hexdigest()[:16]
        return cache / f"{installation.version}-{digest}"
    return None


def _private(path: Path) -> bool:
    """Whether nobody else (but root) can put something at the path: a server's configuration is code that we would run.

    Who runs us through sudo may have the cache of the ordinary user in their environment, for one.
    """
    trusted = (0, os.geteuid())
    for directory in (path.resolve(), *path.resolve().parents):
        status = directory.stat()
        sticky = status.st_mode & stat.S_ISVTX
        if status.st_uid not in trusted or (status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not sticky):
            return False
    return True


def _store(directory: Path, template: Path) -> None:
    # Another process may be doing the same: each writes a copy of its own, the first to rename it wins, both are right.
    scratch = Path(tempfile.mkdtemp(prefix="new-", dir=template.parent))
    try:
        _copy(directory, scratch / "data", None)
        (scratch / "data").rename(template)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    for other in template.parent.iterdir():
        if time.time() - other.stat().st_mtime > UNUSED_SECONDS:
            shutil.rmtree(other, ignore_errors=True)


def _copy(source: Path, destination: Path, account: Account | None) -> None:
    shutil.copytree(source, destination, symlinks=True, copy_function=_copy_file)
    _give(destination, account)


def _copy_file(source: str, destination: str) -> None:
    """What `shutil.copyfile` does, in half the time for files as small as these."""
    old = os.open(source, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        new = os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            while block := os.read(old, 1 << 24):
                os.write(new, block)
        finally:
            os.close(new)
    finally:
        os.close(old)


def _give(directory: Path, account: Account | None) -> None:
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    uid, gid = (account.uid, account.gid) if account else (0, 0)
    # By the directories' descriptors, from the top down: who owns them until now cannot lead us to other files.
    for _, _, names, parent in os.fwalk(directory):
        os.chown(parent, uid, gid)
        for name in names:
            os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
