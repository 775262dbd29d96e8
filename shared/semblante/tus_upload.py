"""Sending a file by tus 1.0.0, the protocol of resumable uploads: a broken connection costs little.

Specification: https://tus.io/protocols/resumable-upload (core, creation, termination).
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

import httpx

from semblante.errors import SemblanteError, Unavailable
from semblante.http_problem import check_response, unreachable
from semblante.upload_note import UploadNote

Progress = Callable[[int, int], None]
"""Called with (bytes received by the server, bytes of the whole)."""

BLOCK_BYTES = 8 * 1024 * 1024
VERSION = {"Tus-Resumable": "1.0.0"}
PATIENCE_SECONDS = 120.0
"""A web that is started again, on a cold disk or by an orchestrator, may be away that long."""
FIRST_PAUSE_SECONDS = 0.25
LAST_PAUSE_SECONDS = 4.0
OFFSET_DIFFERS = 409
GONE = frozenset({404, 410})
SERVER_ERRORS = 500
LOST = frozenset({"upload_not_found", "upload_incomplete", "too_large_upload"})
"""What ends an upload for good; after any other error the same upload can be gone on with."""


def upload_file(
    http: httpx.Client,
    file: BinaryIO,
    size: int,
    filename: str,
    on_progress: Progress | None = None,
    block_bytes: int = BLOCK_BYTES,
    patience_seconds: float = PATIENCE_SECONDS,
    note: UploadNote | None = None,
) -> str:
    """Send `size` bytes of a seekable `file`; return the upload's id.

    After an error the server is asked how much it has, and the rest is sent, with growing pauses
    until it took nothing for `patience_seconds`.

    With `note`, an upload that an earlier call began is gone on with, however that call ended:
    killed, interrupted, or without a server. Both are forgotten when the server has lost or refused
    it. Without `note`, nobody could go on: an upload that is given up is removed from the server.

    Raises:
        Unavailable: `server_unavailable`, when the server stays away.
        SemblanteError: What the server refuses, `too_large_upload` for example.
    """
    upload_id = note.read() if note is not None else None
    offset = _left_off(http, upload_id, size) if upload_id is not None else None
    if upload_id is None or offset is None:
        upload_id, offset = _create(http, filename, size), 0
        if note is not None:
            note.write(upload_id)
    try:
        _send(
            http,
            f"uploads/{upload_id}",
            file,
            size,
            offset,
            on_progress or (lambda _sent, _total: None),
            block_bytes,
            patience_seconds,
        )
    except (httpx.TransportError, _TryAgain) as error:
        _leave(http, upload_id, note, lost=False)
        raise _give_up(http, error) from error
    except BaseException as error:
        lost = isinstance(error, SemblanteError) and error.code in LOST
        _leave(http, upload_id, note, lost=lost)
        raise
    return upload_id


def _leave(http: httpx.Client, upload_id: str, note: UploadNote | None, *, lost: bool) -> None:
    """Leave an upload that was not sent completely: for a later call, or removed."""
    if note is not None and not lost:
        return
    if note is not None:
        note.forget()
    with suppress(httpx.HTTPError):  # a server that is away removes it itself, some hours later
        http.delete(f"uploads/{upload_id}", headers=VERSION, timeout=5.0)


def _create(http: httpx.Client, filename: str, size: int) -> str:
    name = base64.b64encode(filename.encode("utf-8", "replace")).decode()
    headers = {**VERSION, "Upload-Length": str(size), "Upload-Metadata": f"filename {name}"}
    try:
        response = http.post("uploads", headers=headers)
    except httpx.TransportError as error:
        raise unreachable(error, str(http.base_url)) from error
    check_response(response)
    return str(response.headers["Location"].rstrip("/").rpartition("/")[2])


def _left_off(http: httpx.Client, upload_id: str, size: int) -> int | None:
    """Ask how far an earlier upload of the file came; None when the server has it no more.

    0 when the server cannot say it now: the answer to the first block will.
    """
    try:
        response = http.head(f"uploads/{upload_id}", headers=VERSION)
    except httpx.TransportError as error:
        raise unreachable(error, str(http.base_url)) from error
    if not response.is_success:
        return None if _is_gone(response) else 0
    if response.headers["Upload-Length"] != str(size):
        return None
    return int(response.headers["Upload-Offset"])


def _is_gone(response: httpx.Response) -> bool:
    """Whether the server itself knows no such upload; a proxy before it may say 404, too."""
    return response.status_code in GONE and "Tus-Resumable" in response.headers


def _send(
    http: httpx.Client,
    address: str,
    file: BinaryIO,
    size: int,
    offset: int,
    report: Progress,
    block_bytes: int,
    patience_seconds: float,
) -> None:
    pause, given_up_at = FIRST_PAUSE_SECONDS, time.monotonic() + patience_seconds
    report(offset, size)
    while offset < size:
        file.seek(offset)
        try:
            received = _patch(http, address, offset, file.read(min(block_bytes, size - offset)))
        except (httpx.TransportError, _TryAgain):
            if time.monotonic() >= given_up_at:
                raise
            time.sleep(pause)
            pause = min(2 * pause, LAST_PAUSE_SECONDS)
            received = _received(http, address, offset)
        if received > offset:
            pause, given_up_at = FIRST_PAUSE_SECONDS, time.monotonic() + patience_seconds
        offset = received
        report(offset, size)


class _TryAgain(Exception):
    """The server did not take a block, and asking it where it stands may help."""

    def __init__(self, error: SemblanteError) -> None:
        super().__init__(error.message)
        self.error = error


def _give_up(http: httpx.Client, error: httpx.TransportError | _TryAgain) -> SemblanteError:
    if isinstance(error, _TryAgain):
        return error.error
    return unreachable(error, str(http.base_url))


def _patch(http: httpx.Client, address: str, offset: int, block: bytes) -> int:
    """Send one block; return the offset behind it. An empty block means that the file shrank."""
    if not block:
        raise Unavailable("upload_incomplete", "The file became shorter while it was sent.")
    headers = {
        **VERSION,
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
    }
    response = http.patch(address, content=block, headers=headers)
    try:
        check_response(response)
    except SemblanteError as error:
        if response.status_code == OFFSET_DIFFERS or response.status_code >= SERVER_ERRORS:
            raise _TryAgain(error) from error
        raise
    return int(response.headers["Upload-Offset"])


def _received(http: httpx.Client, address: str, offset: int) -> int:
    """Ask how many bytes the server has; `offset`, the last known number, when it does not say."""
    try:
        response = http.head(address, headers=VERSION)
    except httpx.TransportError:
        return offset
    if response.is_success:
        return int(response.headers["Upload-Offset"])
    if _is_gone(response):
        raise Unavailable("upload_not_found", "The server has lost the upload.")
    return offset
