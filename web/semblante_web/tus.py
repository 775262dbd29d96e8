"""tus 1.0.0's headers: https://tus.io/protocols/resumable-upload, read and written."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import NamedTuple

from semblante.errors import Refused
from semblante.settings import Settings
from semblante.tables import Upload

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
CHECKSUMS = ("sha1", "sha256")
CONTENT_TYPE = "application/offset+octet-stream"


class Checksum(NamedTuple):
    """What the bytes of one request must hash to."""

    algorithm: str
    digest: bytes

    def matches(self, hasher: hashlib._Hash) -> bool:
        """Whether `hasher` (of `algorithm`) has seen the bytes that were sent."""
        return hasher.digest() == self.digest


def parse_number(name: str, text: str | None) -> int:
    """Return a header's number of bytes, not negative.

    Raises:
        Refused: `invalid_request`, when it is missing or no number.
    """
    # isdigit() alone takes other scripts' digits; 18 digits are less than 2**63.
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Refused("invalid_request", "%(name)s must be a number of bytes.", name=name)
    return int(text)


def parse_metadata(text: str) -> dict[str, str]:
    """Return the pairs of Upload-Metadata: keys, and base64 of UTF-8 values.

    Raises:
        Refused: `invalid_request`, when a value is no base64 or a key comes twice.
    """
    pairs: dict[str, str] = {}
    for pair in filter(None, (part.strip(" ") for part in text.split(","))):
        key, _, value = pair.partition(" ")
        if key in pairs:
            raise Refused("invalid_request", "Upload-Metadata has %(key)s twice.", key=key)
        pairs[key] = _decode("Upload-Metadata", value).decode("utf-8", "replace")
    return pairs


def parse_checksum(text: str | None) -> Checksum | None:
    """Return what Upload-Checksum (`sha1 <base64>`) says; None without one.

    Raises:
        Refused: `invalid_request`, for another algorithm or no base64.
    """
    if text is None:
        return None
    algorithm, _, value = text.partition(" ")
    if algorithm not in CHECKSUMS:
        raise Refused(
            "invalid_request", "Upload-Checksum may use %(known)s.", known=" or ".join(CHECKSUMS)
        )
    return Checksum(algorithm, _decode("Upload-Checksum", value))


def capabilities(settings: Settings) -> dict[str, str]:
    """Return the headers by which OPTIONS tells what this server can."""
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(settings.max_upload_bytes),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
    }


def expires(upload: Upload, settings: Settings) -> dict[str, str]:
    """Return the header that says until when an unfinished upload may go on."""
    if upload.completed_at is not None:
        return {}
    moment = upload.created_at + timedelta(hours=settings.upload_expiry_hours)
    return {"Upload-Expires": format_datetime(moment.astimezone(UTC), usegmt=True)}


def is_expired(upload: Upload, settings: Settings) -> bool:
    """Whether an unfinished upload's time is over, removed already or not."""
    age = datetime.now(UTC) - upload.created_at
    return upload.completed_at is None and age > timedelta(hours=settings.upload_expiry_hours)


def _decode(name: str, value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(
            "invalid_request", "%(name)s has a value that is no base64.", name=name
        ) from error
