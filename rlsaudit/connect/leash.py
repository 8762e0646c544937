"""The process that starts a program for us and outlives us just long enough to end it.

Run as `python -I -S leash.py PROGRAM ARGUMENT…`, so nothing but the standard library here. Standard input is a pipe
that only the parent holds. When it closes, for whatever reason, the program is interrupted as by Ctrl-C, on which
`pg_dump` cancels the query that the server runs for it, and killed where that does not end it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

GRACE_SECONDS = 2
DOES_NOT_RUN = 126
"""The exit code for a program that cannot be started, as shells have it; the last line of what is said tells why."""
_SIGNALLED = 128
"""To which shells add the number of the signal that ended a program."""


def main(command: list[str]) -> int:
    """Run the program until it or the parent ends; returns its exit code."""
    # No SIG_IGN: it would be handed down to the program. The pipe alone decides when it is over.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: None)
    try:
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  the parent's own command, no shell
    except OSError as error:
        sys.stderr.write(f"{error.strerror}\n")
        return DOES_NOT_RUN
    threading.Thread(target=end_with_parent, args=(program,), daemon=True).start()
    code = program.wait()
    return code if code >= 0 else _SIGNALLED - code


def end_with_parent(program: subprocess.Popen[bytes]) -> None:
    """Wait for the pipe to close, and end the program."""
    # Not by Python's buffered input, whose lock a thread that still waits would hold when we end.
    while os.read(sys.stdin.fileno(), 1):
        pass
    program.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
    try:
        program.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        program.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
