"""Identifiers of uploads and jobs: UUID version 7 (RFC 9562), which sort by time of creation."""

from __future__ import annotations

import uuid_utils

ID_PATTERN = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


def new_id() -> str:
    """Return a fresh UUIDv7 as a 36-character string."""
    return str(uuid_utils.uuid7())
