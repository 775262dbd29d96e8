"""Resumable uploads: the protocol tus 1.0.0 under `/api/v1/uploads`.

Every address of the protocol is one small function; see `tus.py` for its headers and `receive.py`
for the bytes.
"""

from __future__ import annotations

import io
from contextlib import suppress

from apiflask import APIBlueprint
from flask import Response, request, url_for
from sqlalchemy import select

from semblante import uploads, usage
from semblante.errors import Conflict, NotFound, Refused, TooLarge
from semblante.tables import Job, Upload
from semblante_web import tus
from semblante_web.access import identity, record
from semblante_web.current import services
from semblante_web.openapi_problems import problems
from semblante_web.quotas import check_quota
from semblante_web.receive import receive, received
from semblante_web.refusals import UnsupportedMediaType, UnsupportedVersion

blueprint = APIBlueprint("uploads", __name__, url_prefix="/api/v1/uploads", tag="Uploads")


@blueprint.before_request
def _check_version() -> None:
    version = request.headers.get("Tus-Resumable")
    if request.method != "OPTIONS" and version != tus.VERSION:
        raise UnsupportedVersion(
            "unsupported_tus_version",
            "Send the header Tus-Resumable: %(version)s.",
            {"Tus-Version": tus.VERSION},
            version=tus.VERSION,
        )


@blueprint.after_request
def _say_version(response: Response) -> Response:
    response.headers["Tus-Resumable"] = tus.VERSION
    return response


@blueprint.route("", methods=["OPTIONS"])
@blueprint.route("/<upload_id>", methods=["OPTIONS"])
def tell_capabilities(upload_id: str = "") -> Response:  # noqa: ARG001 (from the address)
    """Tell what the server can."""
    return Response(status=204, headers=tus.capabilities(services().settings))


@blueprint.post("")
@blueprint.doc(
    operation_id="createUpload",
    responses={201: "Created; `Location` is the upload's address."}
    | problems(
        "invalid_request",
        "too_large_upload",
        "unsupported_tus_version",
        "upload_offset",
        "checksum_mismatch",
        "quota_exceeded",
    ),
)
def create_upload() -> Response:
    """Begin an upload.

    Headers: `Upload-Length` (bytes), `Upload-Metadata` with `filename`. A body of the type
    `application/offset+octet-stream` is taken as the first bytes.
    """
    settings = services().settings
    if "Upload-Defer-Length" in request.headers:
        raise Refused("invalid_request", "Upload-Length must be known from the start.")
    size = tus.parse_number("Upload-Length", request.headers.get("Upload-Length"))
    if size > settings.max_upload_bytes:
        raise TooLarge(
            "too_large_upload",
            "An upload may have %(most)s bytes.",
            most=settings.max_upload_bytes,
        )
    metadata = tus.parse_metadata(request.headers.get("Upload-Metadata", ""))
    checksum = tus.parse_checksum(request.headers.get("Upload-Checksum"))
    with services().database.writing() as session:
        check_quota(session, settings, identity(), size)
        usage.add(session, identity().owner, size_bytes=size)
        upload = uploads.begin(session, metadata.get("filename", ""), size, identity().owner)
    body = request.stream if request.content_type == tus.CONTENT_TYPE else io.BytesIO()
    end = receive(services(), upload, 0, body, checksum)
    headers = {
        "Location": url_for("uploads.tell_offset", upload_id=upload.id),
        "Upload-Offset": str(end),
        **tus.expires(upload, settings),
    }
    return Response(status=201, headers=headers)


@blueprint.route("/<upload_id>", methods=["HEAD"])
def tell_offset(upload_id: str) -> Response:
    """Tell how many bytes have arrived."""
    upload = _find(upload_id)
    offset = received(services(), upload)
    if offset == upload.size_bytes and upload.completed_at is None:
        with suppress(Conflict):  # the web ended before it could say so, or is about to say so
            receive(services(), upload, offset, io.BytesIO())
    headers = {
        "Upload-Offset": str(offset),
        "Upload-Length": str(upload.size_bytes),
        "Cache-Control": "no-store",
        **tus.expires(upload, services().settings),
    }
    return Response(status=200, headers=headers)


@blueprint.patch("/<upload_id>")
@blueprint.doc(
    operation_id="appendToUpload",
    responses={204: "Stored; `Upload-Offset` is where to go on."}
    | problems(
        "wrong_content_type",
        "upload_not_found",
        "upload_offset",
        "too_large_upload",
        "unsupported_tus_version",
        "checksum_mismatch",
    ),
)
def append_bytes(upload_id: str) -> Response:
    """Send bytes from `Upload-Offset` on.

    The body has the type `application/offset+octet-stream`. `Upload-Checksum` (sha1 or sha256) is
    verified. What arrives before a broken connection stays.
    """
    if request.content_type != tus.CONTENT_TYPE:
        raise UnsupportedMediaType(
            "wrong_content_type",
            "Content-Type must be %(content_type)s.",
            content_type=tus.CONTENT_TYPE,
        )
    offset = tus.parse_number("Upload-Offset", request.headers.get("Upload-Offset"))
    checksum = tus.parse_checksum(request.headers.get("Upload-Checksum"))
    upload = _find(upload_id)
    end = receive(services(), upload, offset, request.stream, checksum)
    headers = {"Upload-Offset": str(end), **tus.expires(upload, services().settings)}
    return Response(status=204, headers=headers)


@blueprint.delete("/<upload_id>")
@blueprint.doc(
    operation_id="deleteUpload",
    responses={204: "Removed."}
    | problems("upload_not_found", "illegal_transition", "unsupported_tus_version"),
)
def delete_upload(upload_id: str) -> Response:
    """Remove an upload that no job uses."""
    with services().database.writing() as session:
        upload = uploads.get(session, upload_id)
        if session.scalar(select(Job.id).where(Job.upload_id == upload_id).limit(1)):
            raise Conflict("illegal_transition", "A job uses this upload; delete the job instead.")
        session.delete(upload)
        record(session, "delete_upload", upload_id)
    services().storage.delete(upload.storage_key)
    return Response(status=204)


def _find(upload_id: str) -> Upload:
    with services().database.reading() as session:
        upload = uploads.get(session, upload_id)
    if tus.is_expired(upload, services().settings):
        raise NotFound("upload_not_found", "The upload was not finished in time.")
    return upload
