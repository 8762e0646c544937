"""The private directory of one run: data, socket, log, and the lock that tells a living run's from a crashed one's."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rlsaudit.engine import guardian
from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "rlsaudit-"
# A path of a socket may have 103 bytes on macOS, 107 on Linux; this is what it takes beyond the base directory.
SOCKET_TAIL = len(f"/{PREFIX}12345678/socket/.s.PGSQL.5432")
SOCKET_LIMIT = 103
MEMORY = "/dev/shm"  # noqa: S108  mkdtemp makes the names
USUAL = ("/tmp", "/var/tmp")  # noqa: S108  as above
MEMORY_BYTES = 1 << 30
UNLOCKED_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The directory and the open file that holds its lock."""

    path: Path
    lock: int

    def close(self) -> None:
        """Take the directory away, and a server in it: the guardian has done both, unless it was killed."""
        os.close(self.lock)
        if os.path.lexists(self.path):
            _destroy(self.path)


def create() -> RunDirectory:
    """Make the directory of this run, and clean up after runs that could not.

    It is ours alone; where we are root, others may pass through it (not list it) to what the server's account gets.

    Raises:
        EngineError: no directory for temporary files will do.
    """
    for base in _bases(needs_exec=True):
        try:
            path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        except OSError:
            continue
        # It gets its name when it is locked: in between, another run would take it for that of a crashed one.
        lock = os.open(path / "lock.new", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        _try_lock(lock)
        if sys.platform != "win32" and os.geteuid() == 0:
            path.chmod(0o711)
        with contextlib.suppress(PermissionError):  # of Windows, which does not rename an open file
            (path / "lock.new").rename(path / "lock")
        return RunDirectory(path, lock)
    message = "There is no directory for temporary files in which a server could run."
    hint = "Set TMPDIR to a directory with a short path that may be written and whose files may be executed."
    raise EngineError(message, hint=hint)


def sweep() -> None:
    """Take away what crashed runs of this user left: directories of ours whose lock nobody holds."""
    for base in _bases(needs_exec=False):
        for path in base.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                if _is_ours(path) and _is_abandoned(path):
                    _destroy(path)


def _bases(*, needs_exec: bool) -> Iterator[Path]:
    """Where a run's directory may be, best first; `needs_exec` leaves out where no server could run."""
    named = [os.environ[name] for name in ("TMPDIR", "TEMP", "TMP") if name in os.environ]
    # A thousand small files are made for each start, some hundreds for each database: in memory, where there is plenty.
    for name in dict.fromkeys([*named, MEMORY, tempfile.gettempdir(), *USUAL]):
        base = Path(name)
        if not base.is_dir():
            continue
        if needs_exec and sys.platform != "win32":
            if len(os.fsencode(base)) + SOCKET_TAIL > SOCKET_LIMIT:
                continue
            about = os.statvfs(base)
            if name == MEMORY and about.f_bavail * about.f_frsize < MEMORY_BYTES:
                continue
            if sys.platform == "linux" and about.f_flag & os.ST_NOEXEC:
                continue
        yield base


def _is_ours(path: Path) -> bool:
    # Others may make directories of this name beside ours: whose they are decides, and a symbolic link is never ours.
    status = path.lstat()
    return stat.S_ISDIR(status.st_mode) and (sys.platform == "win32" or status.st_uid == os.geteuid())


def _is_abandoned(path: Path) -> bool:
    try:
        lock = os.open(path / "lock", os.O_RDWR)
    except FileNotFoundError:
        return time.time() - path.lstat().st_mtime > UNLOCKED_SECONDS
    try:
        return _try_lock(lock)
    finally:
        os.close(lock)


def _try_lock(lock: int) -> bool:
    """Take the lock, which lasts until every process that has the file open has closed it or ended."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415  Windows only

            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415  not on Windows

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _destroy(path: Path) -> None:
    # A server whose guardian was killed ends itself within a minute of losing its directory. Where /proc shows that the
    # process is still that server, we need not wait for it.
    with contextlib.suppress(OSError, ValueError):
        process = int((path / "pid").read_text(encoding="ascii"))
        if Path(f"/proc/{process}/cwd").readlink() == path / "data":
            os.kill(process, getattr(signal, "SIGQUIT", signal.SIGTERM))
    guardian.remove(path)
