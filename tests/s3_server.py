"""SeaweedFS, the S3 server of the production stack, from its package on PyPI."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from semblante.stack.component import Component
from semblante.stack.supervisor import Supervisor

ACCESS_KEY, SECRET_KEY = "semblante", "a-secret-of-tests"  # pragma: allowlist secret
# Named, since each of them also opens its gRPC port: the HTTP port plus 10,000, unless told.
PORTS = ("master.port", "volume.port", "filer.port", "s3.port")


@dataclass(frozen=True)
class S3Server:
    """A running server and its credentials."""

    endpoint: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY

    def setting(self, place: str) -> dict[str, Any]:
        """Return the settings of a storage in `place`, a bucket or one and a prefix."""
        return {
            "storage_url": f"s3://{place}",
            "s3_endpoint": self.endpoint,
            "s3_access_key": self.access_key,
            "s3_secret_key": self.secret_key,
        }


@contextmanager
def run_s3_server(folder: Path) -> Iterator[S3Server]:
    """Run a server whose data lie in `folder`, on free ports of the loopback address."""
    ports = _free_ports(2 * len(PORTS))
    chosen = dict(zip((*PORTS, *(f"{name}.grpc" for name in PORTS)), ports, strict=True))
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    command = (
        str(Path(sys.executable).with_name("weed")),
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-filer",
        "-s3",
        f"-s3.config={folder / 's3.json'}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=100",
        *(f"-{name}={port}" for name, port in chosen.items()),
    )
    endpoint = f"http://127.0.0.1:{chosen['s3.port']}"
    component = Component(
        name="s3", command=command, ready=lambda: _answers(endpoint), grace_seconds=1
    )
    with Supervisor(folder / "logs", [[component]]):
        yield S3Server(endpoint)


def _answers(endpoint: str) -> bool:
    with suppress(OSError, HTTPException):
        try:
            urlopen(f"{endpoint}/status", timeout=2).close()
        except HTTPError as error:
            error.close()
            return error.code < 500
        return True
    return False


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
