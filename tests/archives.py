"""Archives that tests make with the standard library's writers, and the reads they cost."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping

from semblante.archive import BytesSource, Kind, Limits, Member, list_members, read_members
from semblante.errors import ImageError

LIMITS = Limits(max_entries=1000, max_unpacked_bytes=10**9, max_image_bytes=10**7)


class CountingSource(BytesSource):
    """A source that remembers its reads as (start, length)."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.reads: list[tuple[int, int]] = []

    def read(self, start: int, length: int) -> bytes:
        """Remember the read and do it."""
        self.reads.append((start, length))
        return super().read(start, length)


def zip_of(
    files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED, comment: bytes = b""
) -> bytes:
    """Return a zip of `files` as `zipfile` writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
        archive.comment = comment
    return buffer.getvalue()


def tar_of(files: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar of `files` as `tarfile` writes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in files.items():
            information = tarfile.TarInfo(name)
            information.size = len(data)
            archive.addfile(information, io.BytesIO(data))
    return buffer.getvalue()


def listed(data: bytes, kind: Kind = "zip", limits: Limits = LIMITS) -> list[Member]:
    """Return the images of `data`."""
    return list(list_members(BytesSource(data), kind, "upload", limits))


def contents(data: bytes, kind: Kind = "zip", limits: Limits = LIMITS) -> dict[str, bytes | str]:
    """Return every image of `data` by its name: its bytes, or the code of what is wrong."""
    members = listed(data, kind, limits)
    outcomes = read_members(BytesSource(data), members, limits.max_image_bytes)
    return {
        member.path: outcome.code if isinstance(outcome, ImageError) else outcome
        for member, outcome in outcomes
    }
