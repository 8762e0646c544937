"""The command line: one module a command. Errors become a message, a hint and an exit code here, and nowhere else."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from rlsaudit.cli.exits import COULD_NOT_AUDIT

_INTERRUPTED = "rlsaudit: interrupted. Nothing was changed, and nothing was reported.\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits: the entry point of `rlsaudit`.

    Exit codes are the contract's: whatever keeps an audit from taking place is 2, an interruption and a fault of our
    own included.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal of another encoding gets escapes, not a crash.
            stream.reconfigure(errors="backslashreplace")
    try:
        # In here, since modules take a while to load and an interruption meanwhile is one like any other.
        from rlsaudit.cli.app import run  # noqa: PLC0415

        code = run(sys.argv[1:] if arguments is None else list(arguments))
    except BrokenPipeError:
        # Whoever read our output has gone (`rlsaudit audit … | head`), and does not want to hear about it.
        code = COULD_NOT_AUDIT
        _abandon_output()
    except KeyboardInterrupt:
        code = COULD_NOT_AUDIT
        sys.stderr.write(_INTERRUPTED)
    except Exception as error:  # noqa: BLE001 — the last resort: no traceback, and no exit code that means another thing
        from rlsaudit.cli.failures import describe  # noqa: PLC0415

        code = COULD_NOT_AUDIT
        sys.stderr.write(f"{describe(error)}\n")
        _abandon_output()
    sys.exit(code)


def _abandon_output() -> None:
    """Keeps what could not be written from being tried again when Python exits, which would change the exit code."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
