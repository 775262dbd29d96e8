"""What the files of a data set are to those who read them, wherever they lie.

Reading is safe in several threads and in forked processes: every read has its own position.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from semblante.archive import Limits
from semblante.errors import IMAGE_ERROR_CODES, ImageError

MOST_PIXELS = 100_000_000
GENEROUS = Limits(20_000_000, 2**50, 2**26)
"""For one's own data sets, which may be larger than what strangers may upload."""

Content = bytes | ImageError
"""The bytes of an image, or why it has none."""


class PictureStore(Protocol):
    """Pictures by their path within the data set, with `/` between folders."""

    @property
    def pictures(self) -> tuple[str, ...]:
        """The paths of all images that were listed, sorted."""

    @property
    def folders(self) -> tuple[str, ...]:
        """The paths of all folders that are known, empty ones too."""

    def has(self, path: str) -> bool:
        """Whether there is such a file."""

    def read(self, path: str) -> bytes:
        """Return the bytes of an image.

        Raises:
            ImageError: They cannot be read.
        """

    def read_many(self, paths: Iterable[str]) -> Iterator[Content]:
        """Yield the bytes of each image, or why it has none, in the order asked for."""


def unreadable(code: str) -> ImageError:
    """Return the error of an image that has no bytes, with the usual words."""
    return ImageError(code, IMAGE_ERROR_CODES[code])
