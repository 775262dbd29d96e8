"""A zip of stored members as a stream of blocks, the same bytes on every run."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator

from semblante.sink import Sink

BLOCK_BYTES = 1024 * 1024
TIMESTAMP = (1980, 1, 1, 0, 0, 0)
"""The same for all members: the time a file was copied must not change the archive."""


def zip_blocks(members: Iterable[tuple[str, Iterable[bytes]]]) -> Iterator[bytes]:
    """Yield the zip of `members` (name with folders, blocks of content) in the given order.

    At most about 1 MiB is in memory.
    """
    sink = Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members:
            member = zipfile.ZipInfo(name, TIMESTAMP)
            member.external_attr = 0o644 << 16
            with archive.open(member, "w", force_zip64=True) as target:
                for block in content:
                    target.write(block)
                    yield from sink.drain(BLOCK_BYTES)
    yield from sink.drain(1)
