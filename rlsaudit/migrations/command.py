"""A command of the user's: split into words, run with a time limit, and ended together with whatever it has started."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rlsaudit.connect import mask, secrets_in
from rlsaudit.connect.program import detached
from rlsaudit.errors import AuditError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = 600.0
_GRACE = 5.0
_LINES = 15
_TAIL = 16_384
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "cmd", "cmd.exe", "pwsh", "powershell"})
# Words that a shell would act on; a program that is handed them fails with a message that tells nobody why.
_OF_SHELL = re.compile(r"(?:&&?|\|\|?|;|\d?>{1,2}(?:&\d)?|<)$")
_EXPANDED = re.compile(r"\$[\w{(]|`")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_SECRET_NAME = re.compile(r"(?i)password|passwd|secret|token|credential|api_?key|private_?key")
_SHORTEST_SECRET = 6
_IN_URL = re.compile(r"(://[^\s:/@]*:)[^\s@/]+@")


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, word by word, and for how long at most. No shell is between."""

    words: tuple[str, ...]
    seconds: float = SECONDS

    @property
    def shown(self) -> str:
        """What to call it in a report: the program alone, for its arguments may hold anything."""
        return Path(self.words[0]).name


def command_of(text: str, seconds: float = SECONDS) -> Command:
    """Returns the command that a text is, split as a shell would.

    Raises:
        UsageError: it is empty, a quote is not closed, or it needs a shell.
    """
    if seconds <= 0:
        raise UsageError(f"A command cannot be done within {seconds:g} seconds.", hint="Give --apply-seconds a number.")
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        hint = "Put the whole command between quotes of one kind, and its arguments between those of the other."
        raise UsageError(f"The command of --apply cannot be understood: {error}.", hint=hint) from None
    if not words:
        raise UsageError(
            "The command of --apply is empty.", hint="Give what applies the migrations: 'npm run migrate'."
        )
    shell = Path(words[0]).name.lower() in _SHELLS
    if not shell and (
        _ASSIGNMENT.match(words[0]) or any(_OF_SHELL.match(one) or _EXPANDED.search(one) for one in words)
    ):
        raise UsageError(
            "The command of --apply is written for a shell, and none is between.",
            hint="""Name the shell: --apply "sh -c 'cd backend && npm run migrate'".""",
        )
    return Command(words, seconds)


def execute(command: Command, directory: Path, environment: Mapping[str, str]) -> None:
    """Runs a command to its end; on the way out, whatever the reason, nothing of it goes on running.

    Args:
        command: What to run.
        directory: Where.
        environment: All that it gets of ours.

    Raises:
        AuditError: it failed or took too long. With its last words, without credentials that are known here.
        UsageError: there is no such program.
    """
    program = _program(command.words[0], directory, environment)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(  # noqa: S603 — the user's own command, no shell
                [program, *command.words[1:]],
                cwd=directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                **detached(),
            )
        except OSError as error:
            hint = "Try it without rlsaudit, in the same directory."
            raise UsageError(f"{command.shown} cannot be run: {error.strerror}.", hint=hint) from None
        try:
            code = process.wait(command.seconds)
        except subprocess.TimeoutExpired:
            raise AuditError(
                f"{command.shown} took longer than {command.seconds:g} s, so nothing was audited.",
                hint="Does it wait for an answer? Nobody gives one. --apply-seconds allows it more time.",
                details=_last_words(out, err, environment),
            ) from None
        finally:
            _end(process)
        if code != 0:
            ended = f"exit code {code}" if code > 0 else f"signal {-code}"
            raise AuditError(
                f"{command.shown} failed ({ended}), so nothing was audited.",
                hint="It has to apply all migrations to an empty database that it finds by DATABASE_URL or PGHOST, "
                "PGPORT, PGUSER, PGPASSWORD and PGDATABASE, as an owner that is no superuser.",
                details=_last_words(out, err, environment),
            )


def _program(word: str, directory: Path, environment: Mapping[str, str]) -> str:
    """The file to run: a path is relative to where it is run, a name is looked up on the PATH."""
    named = os.path.dirname(word) != ""  # noqa: PTH120 — whether there is a slash; `./x` is no name, Path says it is
    found = shutil.which(str(directory / word)) if named else shutil.which(word, path=environment.get("PATH"))
    if found is None:
        where = f"in {directory}" if named else "on the PATH"
        hint = "Install it first. What is not committed is not in the tree of a base: name that by an absolute path."
        raise UsageError(f"There is no program {word} {where}.", hint=hint)
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the command and what it has started, politely at first."""
    if sys.platform == "win32":
        if process.poll() is None:
            process.kill()
            process.wait()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
        # What it left running would go on in a database that is being audited.
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(out: IO[bytes], err: IO[bytes], environment: Mapping[str, str]) -> tuple[str, ...]:
    """The last lines of standard error; of standard output where that is empty, as some tools have it."""
    secrets = _secrets({**os.environ, **environment})
    for stream in (err, out):
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - _TAIL))
        text = stream.read().decode("utf-8", "replace")
        if size > _TAIL:
            text = text.partition("\n")[2]  # a line that was cut could hold the half of a credential
        lines = [line for line in mask(text, secrets).splitlines() if line.strip()]
        if lines:
            return tuple(_IN_URL.sub(r"\1***@", line) for line in lines[-_LINES:])
    return ()


def _secrets(environment: Mapping[str, str]) -> frozenset[str]:
    """What of the environment is or may be a credential."""
    found: set[str] = set()
    for name, value in environment.items():
        if "://" in value or name == "DATABASE_URL":
            found |= secrets_in(value)
        elif _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET:
            found.add(value)
    return frozenset(found)
