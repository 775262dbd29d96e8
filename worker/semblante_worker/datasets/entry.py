"""A picture of a data set, and the names of the data set's parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Split = Literal["train", "val", "test"]

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "publictest": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
    "privatetest": "test",
}
"""Folders and values of a manifest's `usage` or `split`, in lower case. FER2013's PublicTest
belongs to the pictures that models are made from, as its challenge gave it out; PrivateTest judges
them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture: `label` as the data set writes it, `source` empty where it names none.

    `shares` are the shares of annotators' votes by label, or None where one label is all there is.
    `place` says where the label stands (a folder, a line), for messages; `line` is a manifest's.
    """

    path: str
    split: Split
    label: str
    source: str = ""
    shares: Mapping[str, float] | None = None
    place: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
