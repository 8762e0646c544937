"""The command line as users have it: a process of its own, with an environment that is known."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECONDS = 120


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    def refused(self, *words: str) -> None:
        """It could not audit: code 2, no report, what is wrong and what to do, and neither a traceback nor a fault."""
        assert self.code == 2, (self.code, self.err)
        assert self.out == ""
        assert "Traceback" not in self.err
        assert "fault of its own" not in self.err
        lines = self.err.strip().splitlines()
        assert len(lines) >= 2, self.err
        assert lines[0].startswith("rlsaudit: ")
        for word in words:
            assert word in self.err


def environment(**added: str) -> dict[str, str]:
    """This process's, without what would name a database or change the output."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PG") and name not in {"DATABASE_URL", "NO_COLOR", "FORCE_COLOR", "COLUMNS"}
    }
    return kept | added


def start(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    out: IO[str] | int = subprocess.PIPE,
) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 — our own command line
        [sys.executable, "-m", "rlsaudit", *arguments],
        env=dict(env) if env is not None else environment(),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def rlsaudit(*arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Answer:
    with start(*arguments, env=env, cwd=cwd) as process:
        out, err = process.communicate(timeout=SECONDS)
        return Answer(process.returncode, out, err)
