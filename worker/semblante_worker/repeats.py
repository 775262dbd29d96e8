"""Which images of a chunk repeat another one of the job, byte for byte: they are labelled once."""

from __future__ import annotations

from collections.abc import Container


class Repeats:
    """Tells the first of several equal images from the others; decoding threads ask side by side.

    Which of them is first may differ from run to run: their rows do not.
    """

    def __init__(self, known: Container[bytes] = ()) -> None:
        """Prepare for one chunk; `known` has the sha256 of images whose rows are there already."""
        self._known = known
        self._first: dict[bytes, int] = {}

    def is_first(self, index: int, sha256: bytes) -> bool:
        """Whether this image has to be worked on: no other one has these bytes."""
        return sha256 not in self._known and self._first.setdefault(sha256, index) == index
