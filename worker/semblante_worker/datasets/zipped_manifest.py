"""The manifest at the top of a zip."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

from semblante.csv_table import bad_table
from semblante.message import Message
from semblante_worker.datasets.manifest import MANIFEST

MANIFEST_BYTES = 256 * 1024**2


def zipped_manifest(path: Path) -> io.StringIO | None:
    """Return the text of the manifest in the zip `path`, None when there is none.

    Python's own reader, because `semblante.archive` lists nothing but images.

    Raises:
        Refused: `bad_table`.
    """
    if not zipfile.is_zipfile(path):
        return None
    name = f"{path}/{MANIFEST}"
    try:
        with zipfile.ZipFile(path) as archive:
            if MANIFEST not in archive.NameToInfo:
                return None
            with archive.open(MANIFEST) as file:
                data = file.read(MANIFEST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError) as error:
        raise bad_table(
            name, 1, Message("it cannot be unpacked: %(reason)s", reason=error)
        ) from error
    if len(data) > MANIFEST_BYTES:
        raise bad_table(
            name,
            1,
            Message("it has more than %(manifest_bytes)s bytes", manifest_bytes=MANIFEST_BYTES),
        )
    try:
        return io.StringIO(data.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise bad_table(
            name, line, Message("it is not UTF-8; save the table as CSV UTF-8")
        ) from error
