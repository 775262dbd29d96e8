"""Sixty and more attack requests against a web with a running job of another owner: all refused.

Refused means the status that is named, no server error, no secret in the answer, and a database,
storage and job that are the same afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from file_server import Answer, FileServer, file_server
from keyed import client_of, make_key
from semblante import jobs, uploads
from semblante.errors import ERROR_CODES
from semblante.services import Services
from semblante.tables import ApiKey, Job, Table

SECRET = b"-- inner secret --"
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
HERE = {"Origin": "http://localhost"}


@dataclass(frozen=True)
class Attack:
    """A request; `{job}`, `{upload}` and `{port}` in its texts are filled in."""

    method: str
    path: str
    status: tuple[int, ...]
    headers: dict[str, str] = field(default_factory=dict)
    json: Any = None
    data: Any = None
    sender: str = "mallory"
    """`mallory` has a key of her own, `reader` one that only reads, `browser` is ana's browser,
    `nobody` has nothing."""


def idor() -> Iterator[tuple[str, Attack]]:
    """A key of another owner asks for, changes and uses what is ana's."""
    job, upload = "/api/v1/jobs/{job}", "/api/v1/uploads/{upload}"
    for name in ("", "/results.csv", "/results.jsonl", "/errors.csv", "/summary", "/images"):
        yield f"look{name}", Attack("GET", job + name, (404,))
    yield "look at one image", Attack("GET", job + "/images/0", (404,))
    yield "look at a thumbnail", Attack("GET", job + "/images/0/thumbnail", (404,))
    yield "look at the page", Attack("GET", "/jobs/{job}", (404,))
    yield "look at the live part", Attack("GET", "/jobs/{job}/live", (404,))
    for name in ("cancel", "pause", "resume", "retry"):
        yield name, Attack("POST", f"{job}/{name}", (404,))
        yield f"{name} by the page", Attack("POST", "/jobs/{job}/" + name, (404,), HERE)
    yield "delete", Attack("DELETE", job, (404,))
    yield "delete by the page", Attack("POST", "/jobs/{job}/delete", (404,), HERE)
    yield "ask for an upload", Attack("HEAD", upload, (404,), TUS)
    yield "add to an upload", Attack("PATCH", upload, (404,), PIECE, data=b"x")
    yield "delete an upload", Attack("DELETE", upload, (404,), TUS)
    body = {"upload_id": "{upload}"}
    yield "use an upload", Attack("POST", "/api/v1/jobs", (404,), json=body)


def scope() -> Iterator[tuple[str, Attack]]:
    """A key does more than its scope allows."""
    body = {"model": "resnet18-raf7"}
    yield "default model", Attack("PUT", "/api/v1/models/default", (403,), json=body)
    yield "audit", Attack("GET", "/api/v1/audit", (403,))
    yield "audit page", Attack("GET", "/audit", (403,))
    made = {**TUS, "Upload-Length": "1"}
    yield "upload", Attack("POST", "/api/v1/uploads", (403,), made, sender="reader")
    yield "submit", Attack("POST", "/submit", (403,), sender="reader")
    yield "predict", Attack("POST", "/api/v1/predict", (403,), sender="reader")


def unknown() -> Iterator[tuple[str, Attack]]:
    """Somebody without a key, or with what looks like one."""
    yield "no key", Attack("GET", "/api/v1/jobs", (401,), sender="nobody")
    yield "no key for a change", Attack("POST", "/submit", (401,), sender="nobody")
    for text in (
        "Bearer semblante_" + "A" * 43,
        "Bearer ' OR '1'='1",
        "Bearer " + "a" * 8000,
        "Bearer \xff\xfe",
        "Basic YW5hOmFuYQ==",
        "Bearer ana",
    ):
        header = {"Authorization": text}
        yield text[:30], Attack("GET", "/api/v1/jobs", (401,), header, sender="nobody")
    cookie = {"Cookie": "semblante=eyJrZXkiOiIiLCJtYXJrIjoiIn0.Zm9v.YmFy"}
    yield "forged cookie", Attack("GET", "/api/v1/jobs", (401,), cookie, sender="nobody")


def csrf() -> Iterator[tuple[str, Attack]]:
    """Another site's page uses the browser in which ana has logged in."""
    cancel = "/api/v1/jobs/{job}/cancel"
    for name, headers in (
        ("foreign origin", {"Origin": "http://attacker.net"}),
        ("origin null", {"Origin": "null"}),
        ("other port", {"Origin": "http://localhost:81"}),
        ("longer name", {"Origin": "http://localhost.attacker.net"}),
        ("name as user", {"Origin": "http://localhost@attacker.net"}),
        ("cross-site", {"Sec-Fetch-Site": "cross-site"}),
        ("same-site", {**HERE, "Sec-Fetch-Site": "same-site"}),
        ("no origin", {}),
    ):
        yield name, Attack("POST", cancel, (403,), headers, sender="browser")
    form = {"Content-Type": "text/plain", "Origin": "http://attacker.net"}
    body = b'{"upload_id":"{upload}"}'
    yield "form as json", Attack("POST", "/api/v1/jobs", (403,), form, data=body, sender="browser")
    away = {"Origin": "http://attacker.net"}
    yield "logout", Attack("POST", "/logout", (403,), away, sender="browser")


def header() -> Iterator[tuple[str, Attack]]:
    """Headers that deceive the web or split its answers."""
    for host in ("attacker.net", "localhost.attacker.net", "localhost@attacker.net", "a b", ""):
        yield f"host {host}", Attack("GET", "/api/v1/jobs", (400,), {"Host": host})
    forwarded = {"Host": "attacker.net", "X-Forwarded-Host": "localhost"}
    yield "forwarded host", Attack("GET", "/", (400,), forwarded)
    override = {"X-HTTP-Method-Override": "DELETE"}
    yield "method override", Attack("POST", "/api/v1/jobs/{job}", (405, 404), override)
    for length in ("-1", "1e9", "9" * 30, "²"):
        made = {**TUS, "Upload-Length": length}
        yield f"length {length[:5]}", Attack("POST", "/api/v1/uploads", (400,), made)
    made = {**TUS, "Upload-Length": "1", "Upload-Metadata": "filename %%%"}
    yield "metadata", Attack("POST", "/api/v1/uploads", (400,), made)
    key = {"Idempotency-Key": "k" * 5000}
    body = {"upload_id": "x"}
    yield "long key", Attack("POST", "/api/v1/jobs", (400,), key, json=body)


def ssrf() -> Iterator[tuple[str, Attack]]:
    """URLs by which the server would reach where its sender cannot."""
    for url in (
        "http://127.0.0.1:{port}/secret.zip",
        "http://localhost:{port}/secret.zip",
        "http://2130706433:{port}/secret.zip",
        "http://0x7f000001:{port}/secret.zip",
        "http://0177.0.0.1:{port}/secret.zip",
        "http://127.1:{port}/secret.zip",
        "http://0:{port}/secret.zip",
        "http://[::1]:{port}/secret.zip",
        "http://[::ffff:127.0.0.1]:{port}/secret.zip",
        "http://[64:ff9b::7f00:1]:{port}/secret.zip",
        "http://[2002:7f00:1::]:{port}/secret.zip",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://user@127.0.0.1:{port}/secret.zip",
        "http://127.0.0.1:22/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/_GET",
        "http://example.org@127.0.0.1:{port}/secret.zip",
        "http://127.0.0.1:{port}/secret.zip\r\nHost: x",
    ):
        yield f"job {url}", Attack("POST", "/api/v1/jobs", (400,), json={"url": url})
    url = "http://127.0.0.1:{port}/secret.zip"
    yield "predict", Attack("POST", "/api/v1/predict", (400,), json={"url": url})


def traversal() -> Iterator[tuple[str, Attack]]:
    """Paths that climb out of where they begin."""
    climb = "../../../../../../etc/passwd"
    quoted = "..%2f" * 6 + "etc%2fpasswd"
    for path in (
        f"/static/{climb}",
        f"/static/{quoted}",
        "/static/..%5c..%5capp.py",
        "/static//etc/passwd",
        f"/api/v1/jobs/{quoted}",
        f"/api/v1/jobs/{{job}}/{quoted}",
        f"/api/v1/models/{quoted}",
        "/api/v1/jobs/%00",
        "/api/v1/jobs/.",
    ):
        yield path, Attack("GET", path, (404, 308, 400))
    yield "upload", Attack("HEAD", f"/api/v1/uploads/{quoted}", (404,), TUS)


def injection() -> Iterator[tuple[str, Attack]]:
    """Values that would be code somewhere behind."""
    for query in (
        "state=completed' OR '1'='1",
        "after=' UNION SELECT digest FROM api_keys --",
        "limit=1;DROP TABLE jobs",
        "limit=99999999999999999999",
        "owner=ana",
    ):
        yield query, Attack("GET", f"/api/v1/jobs?{query}", (400, 200))
    model = {"upload_id": "x", "model": "../../etc/passwd"}
    yield "model", Attack("POST", "/api/v1/jobs", (404,), json=model)
    template = {"upload_id": "{{7*7}}", "lang": "{{config}}"}
    yield "template", Attack("POST", "/api/v1/jobs", (400,), json=template)
    owner = {"upload_id": "x", "owner": "ana"}
    yield "owner in the body", Attack("POST", "/api/v1/jobs", (400,), json=owner)
    deep: Any = b"[" * 100_000
    kind = {"Content-Type": "application/json"}
    large = b'{"upload_id": "' + b"x" * 2_000_000 + b'"}'
    yield "large json", Attack("POST", "/api/v1/jobs", (413,), kind, data=large)
    yield "deep json", Attack("POST", "/api/v1/jobs", (400,), kind, data=deep)
    script = "/jobs/<script>alert(1)"
    yield "script", Attack("GET", script, (404,), {"Accept": "text/html"})


Kind = Callable[[], Iterator[tuple[str, Attack]]]
KINDS: tuple[Kind, ...] = (idor, scope, unknown, csrf, header, ssrf, traversal, injection)


@pytest.fixture
def server() -> Iterator[FileServer]:
    """Run a server that only this machine should reach."""
    with file_server() as server:
        server.answers["/secret.zip"] = Answer(SECRET, headers={"Content-Type": "application/zip"})
        yield server


@pytest.fixture
def job(services: Services, finished_job: Job) -> Job:
    """Return ana's completed job."""
    with services.database.writing() as session:
        job = jobs.get(session, finished_job.id)
        job.owner = uploads.get(session, job.upload_id).owner = "ana"
    return job


def senders(services: Services) -> dict[str, FlaskClient]:
    tokens = {
        "mallory": make_key(services, "mallory"),
        "reader": make_key(services, "reader", "read"),
        "ana": make_key(services, "ana"),
    }
    clients = {name: client_of(services, token) for name, token in tokens.items()}
    clients["nobody"] = client_of(services, None)
    clients["browser"] = client_of(services, None)
    clients["browser"].post("/login", data={"key": tokens["ana"]}, headers=HERE)
    return clients


def state(services: Services) -> dict[str, Any]:
    """Return how many rows there are, the job's state, and the stored files."""
    tables = [table for name, table in Table.metadata.tables.items() if name != "audit"]
    with services.database.reading() as session:
        rows = {
            table.name: session.scalar(select(func.count()).select_from(table)) for table in tables
        }
        states = [(job.state, job.paused) for job in session.scalars(select(Job))]
    folder = services.settings.data / "storage"
    files = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {"rows": rows, "states": states, "files": files}


def filled(value: Any, names: dict[str, str]) -> Any:
    """Put the names' values into all texts of `value`."""
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace("{" + name + "}", text)
    return value


def test_there_are_enough() -> None:
    assert sum(len(list(kind())) for kind in KINDS) >= 60


def test_the_owner_is_let_in(services: Services, job: Job) -> None:
    """What the attacks are refused works for whom it belongs to: they fail for the right reason."""
    clients = senders(services)
    for path in (f"/api/v1/jobs/{job.id}", f"/jobs/{job.id}", f"/api/v1/jobs/{job.id}/results.csv"):
        assert clients["ana"].get(path, buffered=True).status_code == 200
    again = clients["browser"].post(f"/api/v1/jobs/{job.id}/retry", headers=HERE)
    assert again.status_code == 200


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_refused(services: Services, job: Job, server: FileServer, kind: Kind) -> None:
    clients = senders(services)
    names = {"job": job.id, "upload": job.upload_id, "port": str(server.port)}
    before = state(services)
    for name, attack in kind():
        answer = send(clients[attack.sender], attack, names)
        assert answer.status_code in attack.status, name
        if answer.mimetype == "application/problem+json" and answer.data:
            assert answer.get_json()["code"] in ERROR_CODES, name
        elif answer.status_code == 200:
            assert answer.get_json()["items"] == [], name
        assert state(services) == before, name
        assert server.requests == [], name
        assert [text for text in secrets_of(services) if text in answer.data] == [], name


def send(client: FlaskClient, attack: Attack, names: dict[str, str]) -> TestResponse:
    return client.open(
        filled(attack.path, names),
        method=attack.method,
        headers=filled(attack.headers, names),
        json=filled(attack.json, names),
        data=attack.data,
        buffered=True,
    )


def secrets_of(services: Services) -> list[bytes]:
    """Return what no refusal may hold: keys' hashes, ana's file, files of the machine, scripts."""
    with services.database.reading() as session:
        digests = [key.digest.encode() for key in session.scalars(select(ApiKey))]
    return [*digests, SECRET, b"faces.zip", b"root:x:0:0", b"<script>alert"]
