"""What ends a container with us, whatever ends us: the container reads from a connection that only we hold.

Docker closes a container's standard input when the process that is attached to it goes, after `kill -9` as well. The
container's first process waits for that, and with it go all others; `auto_remove` takes away the rest. It is the
guardian of `rlsaudit.engine.guardian` once more, and needs no second container that is given Docker's socket.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTACH_SECONDS = 60

# The line says that we are there: without it we were killed before we could attach. In the background bash gives
# /dev/null as standard input, hence the 3. When the first process of a container ends, the kernel kills the others.
_SCRIPT = """
exec 3<&0
read -r -t {attach_seconds} -u 3 _ || exit 1
docker-entrypoint.sh "$@" 3<&- &
cat <&3 >/dev/null &
wait -n
"""


def options(attach_seconds: int = ATTACH_SECONDS) -> dict[str, Any]:
    """How to create a container of Postgres's image; the command is handed on to the image's own entry point."""
    return {
        "entrypoint": ["bash", "-c", _SCRIPT.format(attach_seconds=attach_seconds), "rlsaudit"],
        "stdin_open": True,
        "auto_remove": True,
    }


@contextlib.contextmanager
def held(container: Any) -> Iterator[None]:  # noqa: ANN401  docker is optional, so are its types
    """Let a started container with these `options` run until the context ends, or this process does."""
    stream = container.attach_socket(params={"stdin": 1, "stream": 1})
    connection = getattr(stream, "_sock", stream)  # what is read from, around what can be written to
    try:
        connection.sendall(b"\n")
        yield
    finally:
        for each in (getattr(stream, "_response", None), stream, connection):
            if each is not None:
                each.close()
