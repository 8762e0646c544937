"""The process that starts the server and outlives us just long enough to end it.

Run as `python -I -S guardian.py`, so nothing but the standard library here. Standard input is a pipe that only the
parent holds: it gives the directory to take away, then the server to start, a line of JSON each. When it closes, for
whatever reason, the server ends and the directory goes with it. There is no other way in which a server ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

STOP_SECONDS = 10
REMOVE_SECONDS = 10


def main() -> None:
    """Start what the parent says and wait for its end."""
    # No SIG_IGN: it would be handed down to the server. The pipe alone decides when it is over.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: None)
    line = sys.stdin.buffer.readline()
    if not line:
        return
    directory = Path(json.loads(line)["directory"])
    try:
        line = sys.stdin.buffer.readline()
        if line:
            serve(directory, json.loads(line))
    finally:
        remove(directory)


def serve(directory: Path, order: dict[str, Any]) -> None:
    """Run the server until the parent is gone; a server that ends by itself leaves the file `ended`."""
    with (directory / "log").open("ab") as log:
        try:
            server = subprocess.Popen(  # noqa: S603  the parent's own command, no shell
                order["command"],
                env=order["environment"],
                cwd=order["cwd"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **order["account"],
                **order["detach"],
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            log.write(f"{error}\n".encode())
            (directory / "ended").touch()
            sys.stdin.buffer.read()
            return
    (directory / "pid").write_text(str(server.pid), encoding="ascii")
    ended = threading.Thread(target=report_end, args=(server, directory, order["stop"]), daemon=True)
    ended.start()
    sys.stdin.buffer.read()
    if order["stop"] is None:
        stop(server, ended)
    else:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(order["stop"], timeout=STOP_SECONDS, check=False, capture_output=True)  # noqa: S603  as above


def report_end(server: subprocess.Popen[bytes], directory: Path, stop_command: list[str] | None) -> None:
    """Tell the parent that the server has ended; `server` may only be what started it, and then it may succeed."""
    status = server.wait()
    if stop_command is None or status != 0:
        with contextlib.suppress(OSError):
            (directory / "ended").touch()


def stop(server: subprocess.Popen[bytes], ended: threading.Thread) -> None:
    """End the server at once: its data is not wanted any more."""
    if server.poll() is None:
        server.send_signal(getattr(signal, "SIGQUIT", signal.SIGTERM))
    ended.join(STOP_SECONDS)
    if ended.is_alive():
        server.kill()
        ended.join()


def remove(directory: Path) -> None:
    """Take the directory away; a process of the server that is still ending may write into it, so more than once."""
    deadline = time.monotonic() + REMOVE_SECONDS
    while True:
        shutil.rmtree(directory, ignore_errors=True)
        if not os.path.lexists(directory) or time.monotonic() > deadline:
            return
        time.sleep(0.02)


if __name__ == "__main__":
    main()
