"""Bundles that somebody hands in: a folder or a zip of one, read file by file, nothing unpacked."""

from __future__ import annotations

import hashlib
import lzma
import struct
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semblante.bundles import CARD, CARD_BYTES, Model, corrupt, parse_card, reason_of, verified
from semblante.message import Message

BLOCK_BYTES = 1024**2
FILE_BYTES = 4 * 1024**3
"""Most bytes of one file in a zipped bundle: a bound on what a hostile zip can unpack."""

_DAMAGE = (
    EOFError,
    OSError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


class BundleSource(ABC):
    """The files of a bundle under `place`, a name for messages.

    Making one reads the card; it raises BundleError (`corrupt_bundle`) when there is no good one.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self.card = b"".join(self._blocks(CARD, CARD_BYTES))
        """The bytes of `card.json`."""
        parsed = parse_card(self.card, place / CARD)
        self.model = Model(parsed, hashlib.sha256(self.card).hexdigest())

    @property
    def card_path(self) -> Path:
        """Where the card lies, for messages."""
        return self._place / CARD

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file that the card names, and compare their hash at the end.

        Raises:
            BundleError: `corrupt_bundle`; the message names the file and what is wrong with it.
        """
        sha256 = self.model.card.files[name].sha256
        return verified(self._blocks(name, FILE_BYTES), sha256, self._place / name)

    @abstractmethod
    def _blocks(self, name: str, limit: int) -> Iterator[bytes]:
        """Yield the bytes of a file; raises BundleError when they cannot be had or are too many."""


class _Folder(BundleSource):
    def _blocks(self, name: str, limit: int) -> Iterator[bytes]:
        path = self._place / name
        try:
            with path.open("rb") as file:
                while block := file.read(BLOCK_BYTES):
                    if file.tell() > limit:
                        raise corrupt(
                            path, Message("it has more than %(limit)s bytes", limit=limit)
                        )
                    yield block
        except OSError as error:
            raise corrupt(path, reason_of(error)) from error


class _Zip(BundleSource):
    """A bundle that lies at the top of a zip, or in the one folder at its top."""

    def __init__(self, archive: zipfile.ZipFile, source: Path) -> None:
        self._archive = archive
        self._source = source
        cards = [n for n in archive.namelist() if n == CARD or n.endswith(f"/{CARD}")]
        if len(cards) != 1 or cards[0].count("/") > 1:
            raise corrupt(source, Message("it does not hold one %(card)s at its top", card=CARD))
        self._prefix = cards[0].removesuffix(CARD)
        super().__init__(source / self._prefix)

    def _blocks(self, name: str, limit: int) -> Iterator[bytes]:
        with _explained(self._source):  # zipfile never gives more bytes than the directory says
            if self._archive.getinfo(self._prefix + name).file_size > limit:
                raise corrupt(
                    self._place / name,
                    Message("it unpacks to more than %(limit)s bytes", limit=limit),
                )
            with self._archive.open(self._prefix + name) as member:
                while block := member.read(BLOCK_BYTES):
                    yield block


@contextmanager
def open_source(folder_or_zip: Path) -> Iterator[BundleSource]:
    """Open a bundle to be read.

    Raises:
        BundleError: `corrupt_bundle`, when there is no bundle, or its card is not understood.
    """
    if folder_or_zip.is_dir():
        yield _Folder(folder_or_zip)
        return
    with _explained(folder_or_zip):
        archive = zipfile.ZipFile(folder_or_zip)
    with archive:
        yield _Zip(archive, folder_or_zip)


@contextmanager
def _explained(source: Path) -> Iterator[None]:
    """Turn what reading a damaged zip raises into a BundleError."""
    try:
        yield
    except KeyError as error:
        raise corrupt(
            source, Message("a file that the card names is missing: %(file)s", file=error.args[0])
        ) from error
    except _DAMAGE as error:
        raise corrupt(
            source, Message("it is no folder and no readable zip: %(reason)s", reason=error)
        ) from error
    except RuntimeError as error:  # encrypted, or (NotImplementedError) an unknown compression
        raise corrupt(source, Message("it cannot be unpacked: %(reason)s", reason=error)) from error
