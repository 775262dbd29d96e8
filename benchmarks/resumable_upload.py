"""A large upload while web and client are killed with -9: equal bytes, and a web that stays small.

    .venv/bin/python benchmarks/resumable_upload.py --gib 20 --kills 4

Sends a file of random and empty stretches by tus to `semblante web`; the web is killed first, then
the client, by turns. With SEMBLANTE_STORAGE_URL and
SEMBLANTE_S3_* set, the bytes go to an S3 server.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
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
from semblante.storage import Storage, open_storage
from semblante.tus_upload import upload_file
from semblante.upload_note import UploadNote

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


def send(url: str, path: Path) -> None:
    """Be the client: send the file, or go on with it, and print the upload's id."""
    size = path.stat().st_size
    with httpx.Client(base_url=f"{url}/api/v1/", timeout=120) as http, path.open("rb") as file:
        print(upload_file(http, file, size, path.name, note=UploadNote(url, path)))


def upload(stack: Stack, path: Path, kills: int) -> str:
    """Have a client process send `path`; kill the web and the client by turns; return the id."""
    storage = open_storage(stack.settings)
    size = path.stat().st_size
    command = [sys.executable, __file__, "--send", stack.url, str(path)]
    client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for number in range(1, kills + 1):
        while stored_bytes(storage) < size * number // (kills + 1):
            if client.poll() is not None:
                raise RuntimeError("the client gave up")
            time.sleep(PROBE_SECONDS)
        if number % 2:
            pid = stack.supervisor.pid("web")
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        else:
            client.kill()
            client.communicate()
            client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    answer, _ = client.communicate()
    return answer.strip()


def stored_bytes(storage: Storage) -> int:
    """Return how many bytes of the one upload have arrived."""
    return sum(storage.size(found.key) for found in storage.keys("uploads"))


def main() -> None:
    """Upload, kill on the way, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=1.0)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--send", nargs=2, metavar=("URL", "PATH"), help="be the client")
    options = parser.parse_args()
    if options.send:
        send(options.send[0], Path(options.send[1]))
        return
    size = int(options.gib * GIB)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = f"{folder}/state"
        path = Path(folder) / "archive.bin"
        make_file(path, size)
        settings = Settings(data=Path(folder) / "data", port=0)
        with embedded_stack(settings, web=True, predict_worker=False) as stack:
            watch = Watch(stack)
            watch.start()
            started = time.perf_counter()
            upload_id = upload(stack, path, options.kills)
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
    print(f"killed {options.kills} times; the bytes are {'equal' if same else 'DIFFERENT'}")
    print(f"most memory of a web process: {watch.most / MIB:.0f} MiB")


if __name__ == "__main__":
    main()
