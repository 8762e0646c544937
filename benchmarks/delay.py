"""A proxy in front of a server that holds every byte back for a while, each way, and counts how often it turned round.

A message that was sent is on its way while the next one is: what is held back is the line, and not the traffic on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict, make_conninfo

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 1 << 16


@dataclass(slots=True)
class Line:
    """What went over the line: `turns` are round trips on the wire, those of connecting among them."""

    conninfo: str
    turns: int = 0
    sent: int = 0
    received: int = 0
    longest: int = 0
    """The most bytes that the client sent before it waited."""

    def clear(self) -> None:
        """Counts from here on."""
        self.turns = self.sent = self.received = self.longest = 0


class _Proxy:
    def __init__(self, conninfo: str, seconds: float) -> None:
        target = conninfo_to_dict(conninfo)
        self._host, self._port = str(target["host"]), str(target.get("port") or "5432")
        self._seconds = seconds
        self.line = Line(conninfo)
        self._asking = False
        self._asked = 0

    def to_server(self, data: bytes) -> None:
        if not self._asking:
            self._asking, self._asked = True, 0
            self.line.turns += 1
        self._asked += len(data)
        self.line.sent += len(data)
        self.line.longest = max(self.line.longest, self._asked)

    def to_client(self, data: bytes) -> None:
        self._asking = False
        self.line.received += len(data)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._host.startswith("/"):
            there = await asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._port}")
        else:
            there = await asyncio.open_connection(self._host, int(self._port))
        await asyncio.gather(self._carry(reader, there[1], asking=True), self._carry(there[0], writer, asking=False))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, asking: bool) -> None:
        loop = asyncio.get_running_loop()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def arrive() -> None:
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(due - loop.time())
                if not data:
                    break
                writer.write(data)
                await writer.drain()
            writer.close()

        arriving = loop.create_task(arrive())
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(_CHUNK):
                self.to_server(data) if asking else self.to_client(data)
                under_way.put_nowait((loop.time() + self._seconds, data))
        under_way.put_nowait((loop.time() + self._seconds, b""))
        with contextlib.suppress(ConnectionError):
            await arriving


@contextlib.contextmanager
def delayed(conninfo: str, seconds: float) -> Iterator[Line]:
    """Gives the way through the proxy to the server of a conninfo, for as long as the block lasts."""
    proxy = _Proxy(conninfo, seconds)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(proxy.serve, "127.0.0.1", 0))
    host, port = server.sockets[0].getsockname()
    proxy.line.conninfo = make_conninfo(conninfo, host=host, hostaddr="", port=port)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield proxy.line
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
