"""Serves the metrics of one worker's children over HTTP, from a process of its own.

The children write into files of one folder, each into those of its slot, which its successor goes
on with. No thread of the worker's parent serves them: a fork beside a thread may hang the child.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from semblante.settings import Settings
from semblante.stack.launch import die_with_parent

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def served_metrics(settings: Settings, name: str) -> Iterator[None]:
    """Serve the metrics of the worker called `name` on `metrics_port`, unless that is 0.

    The block must be entered before `semblante_worker.metrics` is imported.
    """
    if not settings.metrics_port:
        yield
        return
    folder = settings.data / "run" / "metrics" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    os.environ[FOLDER_VARIABLE] = str(folder.absolute())
    _write_by_slot()
    command = [sys.executable, "-P", "-m", __name__]
    command += [settings.metrics_host, str(settings.metrics_port), str(os.getpid())]
    with subprocess.Popen(command) as server:
        try:
            yield
        finally:
            server.terminate()


def _write_by_slot() -> None:
    """Name files by the child's slot in the pool: pids would leave one more for each child."""
    from billiard.process import current_process
    from prometheus_client import values

    def slot() -> str:
        return str(getattr(current_process(), "index", "parent"))

    values.ValueClass = values.MultiProcessValue(slot)  # type: ignore[no-untyped-call]


def main(host: str, port: str, parent: str) -> None:
    """Serve the files of the folder that the environment names until the parent ends."""
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.multiprocess import MultiProcessCollector

    from semblante_worker.gpu_memory import gpu_memory

    die_with_parent(int(parent))
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    gpus = gpu_memory()
    if gpus is not None:
        registry.register(gpus)
    _server, thread = start_http_server(int(port), host, registry)
    thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
