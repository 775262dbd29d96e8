"""Where part and class stand in the paths of a data set: pure functions of path names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from semblante_worker.datasets.entry import SPLIT_NAMES, Split

Knows = Callable[[str], bool]
"""Whether a name is one of a class."""


@dataclass(frozen=True)
class Arrangement:
    """The class's folder is at `depth` in every path; that of the part, if any, is above it."""

    has_parts: bool
    depth: int

    def split_of(self, path: str) -> Split | None:
        """Return the part that `path` lies in: train where there are no parts, None outside."""
        if not self.has_parts:
            return "train"
        folders = path.split("/")[:-1]
        if len(folders) < self.depth:
            return None
        return SPLIT_NAMES.get(folders[self.depth - 1].lower())

    def folder_of(self, path: str) -> str | None:
        """Return the class's folder above `path`, None where there is none."""
        folders = path.split("/")[:-1]
        return "/".join(folders[: self.depth + 1]) if len(folders) > self.depth else None


def arrange(paths: Iterable[str], knows: Knows) -> Arrangement:
    """Find out how `paths` (with `/`) are arranged, at the top or below common folders.

    Folders of parts hold class folders (`train/<class>/...`). Without parts, classes are at the
    top. Either may be below the folders that hold all and whose names are of no class and no part.
    """
    divided = [path.split("/") for path in paths]
    depth = 0
    while _is_wrapped(divided, depth, knows):
        depth += 1
    for place in (0, 1, depth):
        if any(len(one) >= place + 3 and one[place].lower() in SPLIT_NAMES for one in divided):
            return Arrangement(has_parts=True, depth=place + 1)
    return Arrangement(has_parts=False, depth=depth)


def _is_wrapped(divided: Sequence[Sequence[str]], depth: int, knows: Knows) -> bool:
    """Whether all lies below one folder at `depth`, no class and no part, in further folders."""
    names = {one[depth] for one in divided if len(one) > depth + 1}
    if len(names) != 1:
        return False
    [name] = names
    is_wrapper = not knows(name) and name.lower() not in SPLIT_NAMES
    return is_wrapper and any(len(one) >= depth + 3 for one in divided)
