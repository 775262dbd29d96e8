"""The tus protocol against the application, with interruptions, checksums and rivals."""

from __future__ import annotations

import base64
import hashlib
import io
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from factory import submit
from semblante import uploads
from semblante.errors import Conflict
from semblante.migrations import upgrade
from semblante.services import Services, open_services
from semblante.settings import Settings
from semblante_web.app import create_app
from semblante_web.receive import receive

BYTES = {"Content-Type": "application/offset+octet-stream"}
TUS = {"Tus-Resumable": "1.0.0"}


def create(client: FlaskClient, size: int, **headers: str) -> TestResponse:
    return client.post("/api/v1/uploads", headers={**TUS, "Upload-Length": str(size), **headers})


def patch(client: FlaskClient, address: str, offset: int, data: Any, **more: str) -> TestResponse:
    headers = {**TUS, **BYTES, "Upload-Offset": str(offset), **more}
    return client.patch(address, data=data, headers=headers)


def offset(client: FlaskClient, address: str) -> int:
    answer = client.head(address, headers=TUS)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return int(answer.headers["Upload-Offset"])


def test_options(client: FlaskClient) -> None:
    answer = client.options("/api/v1/uploads")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
    assert answer.headers["Tus-Max-Size"] == "214748364800"
    assert answer.headers["Tus-Extension"] == (
        "creation,creation-with-upload,termination,checksum,expiration"
    )


def test_an_upload_in_two_parts(client: FlaskClient, services: Services) -> None:
    name = base64.b64encode("niñas.zip".encode()).decode()
    made = create(client, 10, **{"Upload-Metadata": f"filename {name}"})
    assert made.status_code == 201
    assert made.headers["Tus-Resumable"] == "1.0.0"
    assert made.headers["Upload-Expires"].endswith(" GMT")
    address = made.headers["Location"]
    assert offset(client, address) == 0
    assert patch(client, address, 0, b"01234").headers["Upload-Offset"] == "5"
    assert offset(client, address) == 5
    last = patch(client, address, 5, b"56789")
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, "10")
    assert "Upload-Expires" not in last.headers
    with services.database.reading() as session:
        upload = uploads.get(session, address.rsplit("/", 1)[1])
    assert upload.filename == "niñas.zip"
    assert upload.completed_at is not None
    assert services.storage.read(upload.storage_key, 0, 20) == b"0123456789"


def test_creation_with_upload(client: FlaskClient) -> None:
    headers = {**TUS, **BYTES, "Upload-Length": "6"}
    made = client.post("/api/v1/uploads", headers=headers, data=b"abcd")
    assert (made.status_code, made.headers["Upload-Offset"]) == (201, "4")
    assert offset(client, made.headers["Location"]) == 4


@pytest.mark.parametrize("version", [None, "0.2.2"])
def test_other_versions(client: FlaskClient, version: str | None) -> None:
    headers = {"Upload-Length": "1"} | ({"Tus-Resumable": version} if version else {})
    answer = client.post("/api/v1/uploads", headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (412, "unsupported_tus_version")
    assert answer.headers["Tus-Version"] == "1.0.0"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"Upload-Length": "-1"}, 400, "invalid_request"),
        ({"Upload-Length": "1", "Upload-Defer-Length": "1"}, 400, "invalid_request"),
        ({"Upload-Length": "1", "Upload-Metadata": "filename !"}, 400, "invalid_request"),
        ({"Upload-Length": "214748364801"}, 413, "too_large_upload"),
    ],
)
def test_bad_creations(
    client: FlaskClient, headers: dict[str, str], status: int, code: str
) -> None:
    answer = client.post("/api/v1/uploads", headers=TUS | headers)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_bad_parts(client: FlaskClient) -> None:
    address = create(client, 4).headers["Location"]
    assert patch(client, address, 2, b"ab").get_json()["code"] == "upload_offset"
    assert patch(client, address, 0, b"abcde").get_json()["code"] == "too_large_upload"
    assert offset(client, address) == 0
    plain = client.patch(address, data=b"ab", headers={**TUS, "Upload-Offset": "0"})
    assert plain.status_code == 415
    assert patch(client, "/api/v1/uploads/none", 0, b"a").get_json()["code"] == "upload_not_found"
    assert patch(client, address, 0, b"abcd").status_code == 204
    assert patch(client, address, 0, b"abcd").get_json()["code"] == "upload_offset"


def test_checksums(client: FlaskClient) -> None:
    address = create(client, 8).headers["Location"]
    good = base64.b64encode(hashlib.sha256(b"abcd").digest()).decode()
    wrong = patch(client, address, 0, b"abcx", **{"Upload-Checksum": f"sha256 {good}"})
    assert (wrong.status_code, wrong.get_json()["code"]) == (460, "checksum_mismatch")
    assert wrong.status == "460 Checksum Mismatch"
    assert offset(client, address) == 0
    right = patch(client, address, 0, b"abcd", **{"Upload-Checksum": f"sha256 {good}"})
    assert (right.status_code, right.headers["Upload-Offset"]) == (204, "4")
    unknown = patch(client, address, 4, b"abcd", **{"Upload-Checksum": "md5 AAAA"})
    assert (unknown.status_code, unknown.get_json()["code"]) == (400, "invalid_request")


class BrokenStream(io.BytesIO):
    """A connection that breaks after some bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if block := super().read(size):
            return block
        raise ConnectionResetError


def test_what_arrived_before_a_break_stays(client: FlaskClient, services: Services) -> None:
    address = create(client, 10).headers["Location"]
    with services.database.reading() as session:
        upload = uploads.get(session, address.rsplit("/", 1)[1])
    assert receive(services, upload, 0, BrokenStream(b"abcd"), None) == 4
    assert offset(client, address) == 4
    assert patch(client, address, 4, b"efghij").status_code == 204
    assert services.storage.read(upload.storage_key, 0, 99) == b"abcdefghij"


class RivalStream(io.BytesIO):
    """While it is read, another request sends bytes of the same upload."""

    def __init__(self, services: Services, upload: Any) -> None:
        super().__init__(b"ab")
        self._rival = (services, upload)
        self.refusal: str | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            receive(*self._rival, 0, io.BytesIO(b"xy"), None)
        except Conflict as error:
            self.refusal = error.code
        return super().read(size)


def test_two_senders_do_not_mix(client: FlaskClient, services: Services) -> None:
    address = create(client, 2).headers["Location"]
    with services.database.reading() as session:
        upload = uploads.get(session, address.rsplit("/", 1)[1])
    stream = RivalStream(services, upload)
    assert receive(services, upload, 0, stream, None) == 2
    assert stream.refusal == "upload_offset"
    assert services.storage.read(upload.storage_key, 0, 9) == b"ab"


def test_deletion(client: FlaskClient, services: Services) -> None:
    address = create(client, 3).headers["Location"]
    assert client.delete(address, headers=TUS).status_code == 204
    assert client.head(address, headers=TUS).status_code == 404
    used = submit(services, b"abc")
    answer = client.delete(f"/api/v1/uploads/{used.upload_id}", headers=TUS)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "illegal_transition")


def test_expiry(services: Services) -> None:
    brief = services.settings.model_copy(update={"upload_expiry_hours": 1e-9})
    hasty = Services(brief, services.database, services.storage, services.queue)
    client = create_app(brief, hasty).test_client()
    address = create(client, 3).headers["Location"]
    assert client.head(address, headers=TUS).status_code == 404


@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200), max_size=6))
@settings(max_examples=20, deadline=None)
def test_any_cut_gives_the_same_bytes(data: bytes, cuts: list[int]) -> None:
    """However the bytes are cut, and however often a part is sent twice."""
    with tempfile.TemporaryDirectory() as folder:
        chosen = Settings(data=Path(folder), broker_url="redis://localhost:1/0")
        upgrade(chosen.database)
        services = open_services(chosen)
        client = create_app(chosen, services).test_client()
        address = create(client, len(data)).headers["Location"]
        places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
        for start, end in pairwise(places):
            assert patch(client, address, start, data[start:end]).status_code == 204
            assert offset(client, address) == end
            assert patch(client, address, start, data[start:end]).status_code == 409
        key = uploads.storage_key(address.rsplit("/", 1)[1])
        assert services.storage.read(key, 0, 999) == data
        services.queue.app.close()
        services.database.dispose()
