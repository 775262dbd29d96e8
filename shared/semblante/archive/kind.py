"""Tells what an upload is by its bytes; names are not trusted."""

from __future__ import annotations

from typing import Literal

from semblante.archive.directory import is_zip
from semblante.archive.gzipped import gzip_head
from semblante.archive.magic import looks_like_image
from semblante.archive.source import Source
from semblante.archive.tar_header import BLOCK, is_header
from semblante.errors import ArchiveError

Kind = Literal["zip", "tar", "tar.gz", "image"]

_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_GZIP_START = b"\x1f\x8b"


def detect_kind(source: Source) -> Kind:
    """Return what the upload is; a zip also when a program that unpacks it stands before it.

    Raises:
        ArchiveError: `not_an_archive`.
    """
    head = source.read(0, BLOCK)
    if looks_like_image(head):
        return "image"
    if head.startswith(_ZIP_STARTS):
        return "zip"
    if head.startswith(_GZIP_START) and _begins_tar(gzip_head(source, BLOCK)):
        return "tar.gz"
    if _begins_tar(head):
        return "tar"
    if is_zip(source):
        return "zip"
    raise ArchiveError(
        "not_an_archive", "The upload is no zip, tar or tar.gz, and no image that is read."
    )


def _begins_tar(head: bytes) -> bool:
    # An empty tar is nothing but zeros, which says too little to tell.
    return any(head) and is_header(head)
