"""Where the classes stand in the paths of a data set: pure functions of path names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from semblante.errors import Refused

Split = Literal["test", "val", "train"]
SPLITS: tuple[Split, ...] = ("test", "val", "train")
"""In the order in which a split is looked for when none is asked for."""

_FOLDERS: dict[str, Split] = {
    "test": "test",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "train": "train",
}


@dataclass(frozen=True)
class Layout:
    """The images of one split.

    `folders` has the class folder's name by the number of the path; `prefix` is the folder that
    holds the class folders ("" or with a slash behind it); `outside` counts paths of the split
    that lie in no class folder.
    """

    split: Split | None
    prefix: str
    folders: dict[int, str]
    outside: int


def arrange(
    paths: Sequence[str], split: Split | None, knows: Callable[[str], bool], name: str
) -> Layout:
    """Find the class folders among `paths` (with `/`), at the top or below one folder.

    With split folders (`train/<class>/...`) the one asked for is taken, or the first of test, val
    and train that is there. Without them the folders at the top are classes. `knows` tells a
    class's name, `name` is the data set's, for messages.

    Raises:
        Refused: `empty_dataset`, when no image lies in a class folder of the split.
    """
    divided = [path.split("/") for path in paths]
    found = _find_splits(divided)
    if found is None:
        if split is not None:
            raise Refused(
                "empty_dataset",
                f"{name} has no folder {split!r} with class folders; leave --split out.",
            )
        depth, chosen, prefix = _class_depth(divided, knows), None, ""
        if depth == 1:
            prefix = f"{divided[0][0]}/"
    else:
        depth, folders_of = found
        chosen = split or next(one for one in SPLITS if one in folders_of)
        if chosen not in folders_of:
            raise Refused(
                "empty_dataset",
                f"{name} has no images of the split {chosen!r}; it has: {', '.join(folders_of)}.",
            )
        prefix = folders_of[chosen]
        depth += 1
    inside = [number for number, path in enumerate(paths) if path.startswith(prefix)]
    folders = {
        number: divided[number][depth] for number in inside if len(divided[number]) > depth + 1
    }
    if not folders:
        raise Refused(
            "empty_dataset",
            f"{name} has no image in a class folder; it needs <class>/image.jpg, "
            "or train, val or test with such folders.",
        )
    return Layout(chosen, prefix, folders, len(inside) - len(folders))


def _find_splits(divided: Sequence[Sequence[str]]) -> tuple[int, dict[Split, str]] | None:
    """Return at which depth split folders are, and the prefix of each, if there are any."""
    for depth in (0, 1):
        folders: dict[Split, str] = {}
        for parts in divided:
            if len(parts) >= depth + 3 and (split := _FOLDERS.get(parts[depth].casefold())):
                folders.setdefault(split, "/".join(parts[: depth + 1]) + "/")
        if folders:
            return depth, folders
    return None


def _class_depth(divided: Sequence[Sequence[str]], knows: Callable[[str], bool]) -> int:
    """Return 1 when all lies below one folder that is no class, else 0."""
    tops = {parts[0] for parts in divided}
    is_wrapped = len(tops) == 1 and not knows(next(iter(tops)))
    return 1 if is_wrapped and any(len(parts) >= 3 for parts in divided) else 0
