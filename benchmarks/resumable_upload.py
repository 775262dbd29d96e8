"""A large upload while the web is killed with -9: the bytes must be equal, and the web stays small.

    .venv/bin/python benchmarks/resumable_upload.py --gib 20 --kills 5

Sends a file of random and empty stretches by tus to `semblante web`. With SEMBLANTE_STORAGE_URL and
SEMBLANTE_S3_* set, the bytes go to an S3 server.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import tempfile
import time
from pathlib import Path
from threading import Thread

import httpx
import psutil

from semblante import uploads
from semblante.services import open_services
from semblante.settings import GIB, MIB, Settings
from semblante.stack.stack import Stack, embedded_stack
from semblante.tus_upload import upload_file

PROBE_SECONDS = 0.1


class Watch(Thread):
    """Notes the most memory of the web's processes until `ended` is set."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(daemon=True)
        self._stack = stack
        self.ended = False
        self.most = 0

    def run(self) -> None:
        """Look ten times a second."""
        while not self.ended:
            try:
                pid = self._stack.supervisor.pid("web")
                if pid is None:  # between its end and its next start
                    continue
                web = psutil.Process(pid)
                for process in (web, *web.children()):
                    self.most = max(self.most, process.memory_info().rss)
            except psutil.Error:
                pass
            finally:
                time.sleep(PROBE_SECONDS)


def make_file(path: Path, size: int) -> None:
    """Write 1 MiB of random bytes at every 16 MiB, and leave the rest empty (sparse)."""
    with path.open("wb") as file:
        for start in range(0, size, 16 * MIB):
            file.seek(start)
            file.write(os.urandom(min(MIB, size - start)))
        file.truncate(size)


def main() -> None:
    """Upload, kill on the way, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=1.0)
    parser.add_argument("--kills", type=int, default=2)
    options = parser.parse_args()
    size = int(options.gib * GIB)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.bin"
        make_file(path, size)
        settings = Settings(data=Path(folder) / "data", port=0)
        with embedded_stack(settings, web=True, predict_worker=False) as stack:
            watch = Watch(stack)
            watch.start()
            kills = [size * number // (options.kills + 1) for number in range(1, options.kills + 1)]

            def on_progress(sent: int, _total: int) -> None:
                if kills and sent >= kills[0]:
                    kills.pop(0)
                    pid = stack.supervisor.pid("web")
                    if pid is not None:
                        os.kill(pid, signal.SIGKILL)

            started = time.perf_counter()
            with (
                httpx.Client(base_url=f"{stack.url}/api/v1/", timeout=120) as http,
                path.open("rb") as file,
            ):
                upload_id = upload_file(http, file, size, path.name, on_progress)
            seconds = time.perf_counter() - started
            watch.ended = True
            services = open_services(stack.settings)
            with services.database.reading() as session:
                key = uploads.get(session, upload_id).storage_key
            stored = hashlib.sha256()
            for block in services.storage.blocks(key):
                stored.update(block)
            with path.open("rb") as file:
                same = stored.digest() == hashlib.file_digest(file, "sha256").digest()
    print(f"{options.gib} GiB in {seconds:.0f} s, {size / MIB / seconds:.0f} MiB/s")
    print(f"web killed {options.kills} times; the bytes are {'equal' if same else 'DIFFERENT'}")
    print(f"most memory of a web process: {watch.most / MIB:.0f} MiB")


if __name__ == "__main__":
    main()
