"""The listing of an upload that is one image."""

from __future__ import annotations

from semblante.archive.member import Limits, Listing, Member, Method, Tally
from semblante.archive.names import storable
from semblante.archive.source import Source


def list_image(source: Source, filename: str, limits: Limits) -> Listing:
    """Return the one image in `source`, under the base name of `filename`."""
    base_name = filename.replace("\\", "/").rstrip("/").rpartition("/")[2]
    name = storable(base_name, limits.max_name_characters) or "image"
    error = "too_large" if source.size > limits.max_image_bytes else None
    member = Member(name, 0, source.size, source.size, None, None, Method.PLAIN, error)
    return Listing(iter((member,)), Tally(limits, source.size))
