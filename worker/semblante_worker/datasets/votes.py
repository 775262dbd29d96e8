"""Annotators' votes in a manifest: their columns, their shares, and the label that they elect."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from semblante.emotions import EMOTIONS
from semblante_worker.datasets.layout import Knows

OTHER_VOTES = ("contempt", "unknown", "nf")
"""FERPlus' columns of votes for none of the seven emotions, in lower case; NF is not a face."""

NO_MAJORITY = "no majority"
"""The label of a picture of which annotators say too many different things."""


class WrongCellError(Exception):
    """What is wrong with a row."""


class _Column(NamedTuple):
    """A column of votes for `label`; one that `is_sure` must hold nothing but numbers."""

    name: str
    label: str
    is_sure: bool


@dataclass(frozen=True)
class VoteColumns:
    """The columns of a table that hold votes.

    `others` are those of FERPlus for no class; they count only where a table has no labels.
    """

    columns: tuple[_Column, ...]
    others: tuple[_Column, ...]
    knows: Knows

    @property
    def can_elect(self) -> bool:
        """Whether they can stand for a table's labels."""
        return any(column.is_sure for column in self.columns)

    def shares(self, row: Mapping[str, str]) -> dict[str, float]:
        """Return the votes of a row by label; raises `WrongCellError`."""
        return _shares(self.columns, row)

    def elect(self, row: Mapping[str, str], shares: Mapping[str, float]) -> str:
        """Return the label with most votes; `shares` are those of the row.

        With FERPlus' columns it needs more than half of all votes, as there; the label of another
        picture is `NO_MAJORITY`, or that of no class.

        Raises:
            WrongCellError: without them, when no label has more votes than each other.
        """
        found = _by_class(shares, self.knows)
        if not self.others:
            best = _most_voted(found)
            if best is None:
                raise WrongCellError("it has neither a label nor a majority of votes")
            return best
        found |= _shares(self.others, row)
        best = _most_voted(found)
        return best if best and found[best] > sum(found.values()) / 2 else NO_MAJORITY


def vote_columns(columns: Iterable[str], knows: Knows) -> VoteColumns:
    """Return those of a manifest's columns that hold votes; `knows` knows the classes."""
    names = tuple(columns)
    return VoteColumns(
        tuple(found for name in names if (found := _column(name, knows))),
        tuple(
            _Column(name, name, is_sure=True)
            for name in names
            if name.lower() in OTHER_VOTES and not knows(name)
        ),
        knows,
    )


def _column(name: str, knows: Knows) -> _Column | None:
    if knows(name) and not name.isdecimal():
        return _Column(name, name, is_sure=True)
    if name[:1] == "p" and (label := name[1:]):
        return _Column(name, label, is_sure=label.isdecimal() or knows(label))
    return None


def _shares(columns: Iterable[_Column], row: Mapping[str, str]) -> dict[str, float]:
    return {
        column.label: share
        for column in columns
        if (share := _share(row[column.name], column)) is not None
    }


def _share(text: str, column: _Column) -> float | None:
    """Return the share in a cell; None for no number in a column that may be of something else."""
    if not text and not column.is_sure:
        return None
    try:
        share = float(text or 0)
    except ValueError:
        if not column.is_sure:
            return None
        raise WrongCellError(f"{column.name} is no number: {text!r}") from None
    if math.isfinite(share) and share >= 0:
        return share
    if not column.is_sure:
        return None
    raise WrongCellError(f"{column.name} is no share: {text!r}")


def _by_class(shares: Mapping[str, float], knows: Knows) -> dict[str, float]:
    """Return the votes for known classes, those of all of a class's columns together."""
    known: dict[str, float] = {}
    for name, share in shares.items():
        label = _class_of(name, knows)
        if knows(label):
            known[label] = known.get(label, 0.0) + share
    return known


def _class_of(label: str, knows: Knows) -> str:
    """Return the class that a vote is for; numbers that `knows` lacks are RAF-DB's folders'."""
    if knows(label):
        return label
    is_number = label.isdecimal() and 1 <= int(label) <= len(EMOTIONS)
    return EMOTIONS[int(label) - 1].id if is_number else label


def _most_voted(votes: Mapping[str, float]) -> str | None:
    best = max(votes.values(), default=0.0)
    winners = [label for label, share in votes.items() if share == best]
    return winners[0] if best > 0 and len(winners) == 1 else None
