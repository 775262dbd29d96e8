"""The index of an upload: which images it holds, where their bytes lie, and those bytes.

Knows no database and no queue. An upload is a `Source` of ranged reads; `detect_kind` tells what
it is, `list_members` streams its images with flat memory, `read_members` brings their bytes.
"""

from __future__ import annotations

from semblante.archive.gzipped import unpack_gzip
from semblante.archive.kind import Kind, detect_kind
from semblante.archive.member import Limits, Listing, LocatedMember, Member, Method
from semblante.archive.reading import read_members
from semblante.archive.single import list_image
from semblante.archive.source import BufferedSource, BytesSource, Source
from semblante.archive.tar_listing import list_tar
from semblante.archive.zip_header import LOCAL_HEADER_BYTES
from semblante.archive.zip_listing import list_zip

__all__ = [
    "LOCAL_HEADER_BYTES",
    "BufferedSource",
    "BytesSource",
    "Kind",
    "Limits",
    "Listing",
    "LocatedMember",
    "Member",
    "Method",
    "Source",
    "detect_kind",
    "list_members",
    "read_members",
    "unpack_gzip",
]


def list_members(source: Source, kind: Kind, filename: str, limits: Limits) -> Listing:
    """Return the images of the upload in `source`, named `filename` by who sent it.

    A "tar.gz" must be unpacked with `unpack_gzip` first, and listed as "tar".

    Raises:
        ArchiveError: `corrupt_archive` or `too_many_entries`; iterating the listing may raise
            them and `too_large_unpacked`.
        ValueError: the kind is "tar.gz".
    """
    if kind == "zip":
        return list_zip(source, limits)
    if kind == "tar":
        return list_tar(source, limits)
    if kind == "image":
        return list_image(source, filename, limits)
    raise ValueError("A tar.gz cannot be read in ranges: unpack_gzip makes a tar of it.")
