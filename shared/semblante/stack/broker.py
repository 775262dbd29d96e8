"""The embedded broker: a Valkey server of our own, reachable through a private unix socket only."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, RedisError  # noqa: A004
from redis.retry import Retry

from semblante.errors import Unavailable
from semblante.stack.component import Component
from semblante.stack.server import find_server
from semblante.stack.socket_path import choose_socket_path

STALE_SECONDS = 10.0
REPLY_SECONDS = 2.0
BLOCK_BYTES = 1024 * 1024

CONFIGURATION = """\
# Written by Semblante before every start of the broker; changes are lost.
port 0
unixsocket {socket}
unixsocketperm 700
dir {folder}
daemonize no
loglevel notice
logfile ""
databases 1
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
"""


class Broker:
    """Valkey (or Redis) whose files and settings lie in one folder."""

    def __init__(self, folder: Path) -> None:
        """Choose the socket for `folder` (made, mode 0700, when it is missing).

        Raises:
            Unavailable: `component_failed`, when there is no place for the socket.
        """
        self.folder = folder.absolute()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket = choose_socket_path(self.folder)

    @property
    def url(self) -> str:
        """The URL for Celery, as its broker and as its result backend."""
        return f"redis+socket://{quote(str(self.socket))}?virtual_host=0"

    def component(self) -> Component:
        """Describe the program to the supervisor.

        Raises:
            Unavailable: `component_missing`, when no server program is installed.
        """
        command = (str(find_server()), str(self.folder / "valkey.conf"))
        return Component(name="broker", command=command, ready=self.answers, prepare=self.prepare)

    def prepare(self) -> None:
        """Shut down a server left by a killed stack, mend its log, and write the configuration.

        Only the holder of the data folder's lock may call this.

        Raises:
            Unavailable: `component_failed`, when the old server does not end within 10 s.
        """
        self._stop_stale()
        for log in self.folder.glob("appendonlydir/*.aof"):
            _cut_zeros(log)
        text = CONFIGURATION.format(socket=_quoted(self.socket), folder=_quoted(self.folder))
        (self.folder / "valkey.conf").write_bytes(os.fsencode(text))

    def leave(self) -> None:
        """Remove the socket's private folder, when there is one and the server has ended."""
        if self.socket.parent != self.folder:
            with suppress(OSError):
                self.socket.parent.rmdir()

    def answers(self) -> bool:
        """Whether the server answers PING (and has loaded its file)."""
        with self._client() as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False

    def _stop_stale(self) -> None:
        deadline = time.monotonic() + STALE_SECONDS
        while self._is_there():
            if time.monotonic() >= deadline:
                raise Unavailable(
                    "component_failed", f"An old broker at {self.socket} does not end; end it."
                )
            with self._client() as client, suppress(RedisError):
                client.shutdown()
            time.sleep(0.05)

    def _is_there(self) -> bool:
        """Whether a server holds the socket, be it busy or stuck."""
        with self._client() as client:
            try:
                client.ping()
            except BusyLoadingError:
                return True
            except ConnectionError:
                return False
            except RedisError:
                return True
        return True

    def _client(self) -> Redis:
        return Redis(
            unix_socket_path=str(self.socket),
            socket_timeout=REPLY_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )


def _cut_zeros(log: Path) -> None:
    """Cut the zeros off that a power cut leaves at the end of a file that was growing.

    The server passes over a command that is cut short, but does not start with them in its log.
    """
    with log.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - BLOCK_BYTES)
            file.seek(start)
            kept = len(file.read(end - start).rstrip(b"\0"))
            end = start + kept
            if kept:
                break
        file.truncate(end)


def _quoted(path: Path) -> str:
    """Quote `path` for the configuration file, whose strings know backslash escapes."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
