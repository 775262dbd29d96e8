"""`semblante web`: gunicorn with threads, started from settings."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click
from gunicorn.app.base import BaseApplication
from gunicorn.http import parser

from semblante.binding import check_binding
from semblante.logs import configure_logs
from semblante.settings import Settings, settings_with
from semblante.stack.launch import die_with_parent
from semblante.telemetry import check_telemetry, start_telemetry
from semblante_web.job_waiting import end_waits
from semblante_web.memory import give_large_blocks_back

GRACE_SECONDS = 8
"""Less than the stack's own patience; a broken upload goes on after the next start."""

KEEP_SECONDS = 75
"""Longer than any page or client waits between two requests: one that comes as its connection is
closed fails."""

MOST_LINE_BYTES = 8190
"""Of a request's address, gunicorn's most: a folder's name takes nine for each Chinese letter."""

MOST_UNREAD_BYTES = 64 * 1024 * 1024
"""Of a refused body, read after the answer, in 5 s at most. A connection with more left is closed
without a word, so that the client's next request on it fails; gunicorn's own 64 KiB is less than
most images have."""


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn, configured by `settings` alone: no file, no environment, no arguments."""

    def __init__(self, settings: Settings, processes: int) -> None:
        self._settings = settings
        self._processes = processes
        super().__init__()

    def load_config(self) -> None:
        """Set what `settings` says."""
        host = self._settings.host
        values: dict[str, Any] = {
            "bind": f"[{host}]:{self._settings.port}"
            if ":" in host
            else f"{host}:{self._settings.port}",
            "workers": self._processes,
            "worker_class": "gthread",
            "threads": self._settings.web_threads,
            "graceful_timeout": GRACE_SECONDS,
            "limit_request_line": MOST_LINE_BYTES,
            "keepalive": KEEP_SECONDS,
            "control_socket_disable": True,
            "proc_name": "semblante web",
            "loglevel": self._settings.log_level.lower(),
            "post_fork": _after_fork,
            "post_worker_init": _after_start,
        }
        for name, value in values.items():
            self.cfg.set(name, value)
        parser._DRAIN_MAX_BYTES = MOST_UNREAD_BYTES  # a test says when it has another name

    def load(self) -> Any:
        """Build the application, in each process after the fork."""
        from semblante_web.app import create_app

        if self._settings.telemetry:
            start_telemetry("semblante-web")
        return create_app(self._settings)


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--data", type=click.Path(path_type=Path), help="Data folder.")
@click.option("--processes", type=click.IntRange(1), default=1, show_default=True)
def web(host: str | None, port: int | None, data: Path | None, processes: int) -> None:
    """Serve the pages and the HTTP API."""
    settings = settings_with(host=host, port=port, data=data)
    check_binding(settings)
    check_telemetry(settings)
    configure_logs(settings)
    Server(settings, processes).run()


def _after_fork(_arbiter: object, _worker: object) -> None:
    die_with_parent()
    give_large_blocks_back()


def _after_start(_worker: object) -> None:
    """Have SIGTERM answer the requests that wait for a job; gunicorn then waits for nobody."""
    stop = signal.getsignal(signal.SIGTERM)

    def end(number: int, frame: Any) -> None:
        end_waits()
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, end)
