"""A small HTTP server that speaks the API as documented, and can break off where a test says."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

CREATED = "2026-01-02T03:04:05Z"
STATES = ("validating", "in_progress", "completed")


def job_json(job_id: str, state: str = "validating", **changes: Any) -> dict[str, Any]:
    """Return a job as the API shows it."""
    done = state == "completed"
    counts = {"total": 2, "ok": 2 * done, "no_face": 0, "failed": 0, "skipped": 1, "faces": 2}
    times = {f"{name}_at": None for name in (*STATES, "finalizing", "failed", "cancelling")}
    return {
        "id": job_id,
        "state": state,
        "paused": False,
        "outcome": "ok" if done else None,
        "model": "resnet18-raf7@0123456789ab",
        "detect": "off",
        "detectors": [],
        "upload_id": "018f0000-0000-7000-8000-00000000000a",
        "filename": "faces.zip",
        "size_bytes": 10,
        "counts": counts,
        "emotions": {"happiness": 2 * done, "neutral": 0},
        "progress": float(done),
        "images_per_second": None,
        "eta_seconds": None,
        "created_at": CREATED,
        **times,
        "cancelled_at": None,
        "expired_at": None,
        "error": None,
        "metadata": {},
        **changes,
    }


@dataclass
class StandIn:
    """What the server has received, and how it is to misbehave."""

    url: str = ""
    uploads: dict[str, bytearray] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    filenames: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The answers to successive requests for a job; the last one stays."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    break_patches: list[int] = field(default_factory=list)
    """For each of the next PATCH requests: read that many bytes and hang up."""
    failing_patches: int = 0
    """So many PATCH requests are answered 503."""
    away: bool = False
    """Answer as a proxy does that finds no server behind it."""
    key: str | None = None
    csv: bytes = b"image_path\r\na.jpg\r\n"
    rows: bytes = b""
    """Those of results.jsonl."""
    refused_name: str | None = None
    """A file of this name is too large."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    @property
    def state(self) -> StandIn:
        return self.server.state

    def log_message(self, *_args: Any) -> None:
        """Print nothing."""

    def _answer(self, status: int, body: Any = None, **headers: str) -> None:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
        data = data.encode() if isinstance(data, str) else data
        self.send_response(status)
        if self.path.startswith("/api/v1/uploads") and not self.state.away:
            self.send_header("Tus-Resumable", "1.0.0")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _problem(self, status: int, code: str) -> None:
        body = {"type": "about:blank", "status": status, "code": code, "detail": f"It is {code}."}
        self._answer(status, body, Content_Type="application/problem+json")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _route(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix("/api/v1/")
        self.state.requests.append((self.command, path))
        if self.state.away:
            self._body()
            self._unknown([], {})
            return
        if self.state.key and self.headers.get("Authorization") != f"Bearer {self.state.key}":
            self._body()
            self._problem(401, "unauthorized")
            return
        first, *rest = path.split("/")
        getattr(self, f"_{first}", self._unknown)(rest, parse_qs(parts.query))

    # The names are http.server's.
    do_GET = do_POST = do_HEAD = do_PATCH = do_DELETE = _route

    def _unknown(self, _rest: list[str], _query: dict[str, list[str]]) -> None:
        self._answer(404, b"<html>nothing here</html>")

    def _uploads(self, rest: list[str], _query: dict[str, list[str]]) -> None:
        state = self.state
        assert self.headers["Tus-Resumable"] == "1.0.0"
        name = self.headers.get("Upload-Metadata", "").removeprefix("filename ")
        if not rest and b64decode(name).decode() == state.refused_name:
            self._problem(413, "too_large_upload")
        elif not rest:
            upload_id = f"u{len(state.uploads) + 1}"
            state.uploads[upload_id] = bytearray()
            state.lengths[upload_id] = int(self.headers["Upload-Length"])
            state.filenames[upload_id] = b64decode(name).decode()
            self._answer(201, Location=f"/api/v1/uploads/{upload_id}")
        elif rest[0] not in state.uploads:
            self._body()
            self._problem(404, "upload_not_found")
        else:
            self._upload(rest[0])

    def _upload(self, upload_id: str) -> None:
        state = self.state
        received = state.uploads[upload_id]
        if self.command == "DELETE":
            del state.uploads[upload_id]
            self._answer(204)
        elif self.command == "HEAD":
            length = str(state.lengths[upload_id])
            self._answer(200, Upload_Offset=str(len(received)), Upload_Length=length)
        elif state.break_patches:
            received += self.rfile.read(state.break_patches.pop(0))
            self.close_connection = True  # hang up without an answer
        elif state.failing_patches:
            state.failing_patches -= 1
            self._body()
            self._problem(503, "broker_unavailable")
        elif int(self.headers["Upload-Offset"]) != len(received):
            self._body()
            self._problem(409, "upload_offset")
        else:
            received += self._body()
            self._answer(204, Upload_Offset=str(len(received)))

    def _jobs(self, rest: list[str], query: dict[str, list[str]]) -> None:
        state = self.state
        if not rest and self.command == "POST":
            state.bodies.append(json.loads(self._body()))
            job_id = f"j{len(state.jobs) + 1}"
            state.jobs[job_id] = [job_json(job_id, name) for name in STATES]
            self._answer(201, state.jobs[job_id][0], Location=f"/api/v1/jobs/{job_id}")
        elif not rest:
            ids = sorted(state.jobs)
            page = ids[ids.index(query["after"][0]) + 1 :] if "after" in query else ids
            following = page[0] if len(page) > 1 else None
            items = [state.jobs[name][0] for name in page[:1]]
            self._answer(200, {"items": items, "next": following})
        elif rest[0] not in state.jobs:
            self._problem(404, "job_not_found")
        elif rest[1:] == ["results.csv"]:
            self._answer(200, state.csv + query.get("lang", [""])[0].encode())
        elif rest[1:] == ["results.jsonl"]:
            self._answer(200, state.rows)
        elif rest[1:] == ["errors.csv"] and not query:
            self._answer(200, b"image_path,error_code")
        elif len(rest) == 2:
            self._body()
            self._action(rest[0], rest[1])
        elif self.command == "DELETE":
            del state.jobs[rest[0]]
            self._answer(204)
        else:
            answers = state.jobs[rest[0]]
            self._answer(200, answers.pop(0) if len(answers) > 1 else answers[0])

    def _action(self, job_id: str, action: str) -> None:
        if action == "retry":
            self._problem(409, "nothing_to_retry")
        else:
            self._answer(200, job_json(job_id, "cancelled" if action == "cancel" else "validating"))

    def _predict(self, _rest: list[str], _query: dict[str, list[str]]) -> None:
        self.state.bodies.append(self._body())
        face = {
            "emotion": "happiness",
            "confidence": 0.75,
            "probabilities": {"happiness": 0.75, "neutral": 0.25},
            "box": None,
            "face_confidence": None,
        }
        self._answer(
            200, {"model": "m@1", "detector": None, "faces": [face], "width": 4, "height": 3}
        )

    def _models(self, _rest: list[str], _query: dict[str, list[str]]) -> None:
        self._answer(200, {"items": [{"name": "resnet18-raf7"}]})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    state: StandIn

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: a client that hangs up is part of some tests."""


@contextmanager
def stand_in_server() -> Iterator[StandIn]:
    """Run the server on a free port."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.state = StandIn(url=f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.state
        finally:
            server.shutdown()
            thread.join()
