"""Our end of the guardian, the process that starts the server and ends it when we are gone."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from rlsaudit.connect.program import detached
from rlsaudit.engine import guardian
from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from rlsaudit.engine.account import Account
    from rlsaudit.engine.directory import RunDirectory

STOP_SECONDS = 30
POLL_SECONDS = 0.005
_KILLED = "Try again; if it happens again, something on this machine kills it."


class Keeper:
    """As long as its pipe is open, the server may live."""

    def __init__(self, place: RunDirectory) -> None:
        self._place = place
        self._process = subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-I", "-S", guardian.__file__],
            stdin=subprocess.PIPE,
            # A pipe of ours that it kept open would keep whoever reads our output waiting.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=place.path.anchor,
            pass_fds=() if sys.platform == "win32" else (place.lock,),
            **detached(),
        )
        self._say({"directory": str(place.path)})

    def serve(
        self, command: list[str], environment: dict[str, str], account: Account | None, stop: list[str] | None
    ) -> None:
        """Have the server started."""
        self._say(
            {
                "command": command,
                "environment": environment,
                "cwd": str(self._place.path / "data"),
                "account": account.popen() if account else {},
                "detach": detached(),
                "stop": stop,
            }
        )

    def server_ended(self) -> bool:
        """Whether the server, or the guardian itself, has ended without being told."""
        return (self._place.path / "ended").exists() or self._process.poll() is not None

    def close(self) -> None:
        """End the server and wait until it and its directory are gone."""
        if self._process.stdin:
            with contextlib.suppress(OSError):  # it is dead, and what we said last was never read
                self._process.stdin.close()
        deadline = time.monotonic() + STOP_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self._process.kill()
        self._process.wait()

    def _say(self, what: dict[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101  it was opened as a pipe
        try:
            self._process.stdin.write(json.dumps(what).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            message = "The process that watches over the server has ended."
            raise EngineError(message, hint=_KILLED) from error
