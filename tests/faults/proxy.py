"""A TCP proxy before one service, whose connections a test can cut, and which it can close."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

BLOCK_BYTES = 65536
Address = Path | tuple[str, int]
"""A unix socket, or a host and a port."""


class Proxy:
    """Passes bytes on between `port` and a service, until it is told not to."""

    def __init__(self, target: Address) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._refuses = False
        self._server: asyncio.Server | None = None
        self._thread = Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self.port = 0

    def cut(self) -> None:
        """End every connection at once, as a firewall or a broken switch does."""
        self._call(self._cut())

    @contextmanager
    def closed(self) -> Iterator[None]:
        """End every connection, and let nobody connect within the block."""
        self._refuses = True
        self.cut()
        try:
            yield
        finally:
            self._refuses = False

    def start(self) -> None:
        """Listen on a free port of the loopback address."""
        self._thread.start()
        self._call(self._listen())

    def stop(self) -> None:
        """End the connections and the thread."""
        self._refuses = True
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._cut()
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0.01)

    async def _cut(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if not self._refuses:
                await self._join(reader, writer)
        except OSError:
            pass  # the service is away
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(self._target, Path):
            far_reader, far_writer = await asyncio.open_unix_connection(self._target)
        else:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._open.add(far_writer)
        ways = [
            asyncio.ensure_future(_pass_on(reader, far_writer)),
            asyncio.ensure_future(_pass_on(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open.discard(far_writer)
            far_writer.transport.abort()
            writer.transport.abort()
            await asyncio.wait(ways)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await reader.read(BLOCK_BYTES):
            writer.write(block)
            await writer.drain()
        await writer.drain()


@contextmanager
def running(target: Address) -> Iterator[Proxy]:
    """Run a proxy before `target`."""
    proxy = Proxy(target)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
