"""Whose processes the server's are. Postgres refuses to run as root, so root gives them to somebody without rights."""

from __future__ import annotations

import os
import random
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlsaudit.errors import EngineError

# Between the dynamic users of systemd and `nobody`: reserved by no one, and inside the 65536 ids that containers have.
SPARE_IDS = range(65520, 65534)


@dataclass(frozen=True, slots=True)
class Account:
    """A user and group by number."""

    uid: int
    gid: int

    def popen(self) -> dict[str, Any]:
        """The arguments that make `subprocess` run a program as this account, and in no other group."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def is_root() -> bool:
    """Whether Postgres would refuse to run as who we are."""
    return sys.platform != "win32" and os.geteuid() == 0


def account_for_server() -> Account | None:
    """Who runs the server; None for ourselves.

    For root it is an id that belongs to no one at all. There may be other processes of `nobody`, and whoever shares the
    id of a server may read its files, connect to it and kill it, whatever passwords it asks for.
    """
    if not is_root():
        return None
    taken = _ids_in_use()
    spare = [number for number in SPARE_IDS if number not in taken]
    if not spare or not _ids_are_ours(spare[0], spare[-1]):
        return account_for_initdb()
    number = random.choice(spare)  # noqa: S311  only to keep two servers apart
    return Account(number, number)


def account_for_initdb() -> Account | None:
    """Who runs `initdb`; None for ourselves. It looks itself up in /etc/passwd, so it needs an account that is there.

    Raises:
        EngineError: we are nobody that it would find, or root and there is no unprivileged account.
    """
    if sys.platform == "win32":
        return None
    import pwd  # noqa: PLC0415  does not exist on Windows

    if not is_root():
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise EngineError(
                f"Postgres cannot be set up by a user whom the system does not know: {os.geteuid()} has no name.",
                hint="Give the user a name in /etc/passwd, or, in a container, leave out --user or give --user 0.",
            ) from None
        return None
    for name in ("nobody", "postgres"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid)
    message = "Postgres refuses to run as root, and there is no account without rights to give it to."
    raise EngineError(message, hint="Run rlsaudit as an ordinary user, or create the account `nobody`.")


def everybody_can_reach(path: Path) -> bool:
    """Whether any account may read the path and pass all directories above it."""
    path = path.resolve()
    if not path.stat().st_mode & stat.S_IROTH:
        return False
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in (path, *path.parents) if parent.is_dir())


def _ids_in_use() -> set[int]:
    used = set()
    if sys.platform != "win32":
        import pwd  # noqa: PLC0415  does not exist on Windows

        used = {entry.pw_uid for entry in pwd.getpwall()}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            used.add(process.stat().st_uid)
        except OSError:  # ended meanwhile
            continue
    return used


def _ids_are_ours(lowest: int, highest: int) -> bool:
    """Whether this user namespace has the ids; outside Linux there is none."""
    try:
        lines = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
    except OSError:
        return True
    spans = [(int(start), int(start) + int(count)) for start, _, count in (line.split() for line in lines)]
    return any(start <= lowest and highest < end for start, end in spans)
