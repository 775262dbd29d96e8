"""Manifests: a CSV with one picture per row.

Columns `path` and `label` are needed. `usage` or `split` names the part (train where it is
missing), `source` where the picture comes from, and `p<label>` (`p1` ... `p7`, `phappiness`) or a
class's name the share of annotators who voted for it; shares need not add up to one. A row without
a label is of the class with most votes. Other columns are ignored. A picture has one row: a second
could put it into another part, or give it another label.
"""

from __future__ import annotations

import math
import posixpath
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from semblante.csv_table import Table, bad_table, require_columns
from semblante.emotions import EMOTIONS
from semblante.errors import Refused
from semblante.message import Message
from semblante_worker.datasets.entry import SPLIT_NAMES, Entry, Split
from semblante_worker.datasets.layout import Knows

PARTS = ("usage", "split")
"""Columns that name the part; the first that says something counts."""


def read_manifest(
    table: Table, name: str, knows: Knows, has_picture: Callable[[str], bool] | None
) -> tuple[Entry, ...]:
    """Return the rows of a manifest, in their order; `name` is its file's, for messages.

    Votes decide among the labels that `knows` knows. With `has_picture`, rows of pictures that do
    not exist are refused.

    Raises:
        Refused: `bad_table`; the message names the line. `empty_dataset`, when there is no row.
    """
    require_columns(table, name, "path", "label")
    votes = [vote for column in table.columns if (vote := _vote(column, knows))]
    entries = []
    lines: dict[str, int] = {}
    for line, row in table.rows:
        try:
            entry = _entry(row, votes, knows, has_picture, f"{name}, line {line}", line)
            _refuse_repeat(lines.setdefault(posixpath.normpath(entry.path), line), entry)
            entries.append(entry)
        except _WrongCellError as error:
            raise bad_table(name, line, Message(str(error))) from None
    if not entries:
        raise Refused("empty_dataset", f"{name} lists no image.")
    return tuple(entries)


class _Vote(NamedTuple):
    """A column of votes for `label`; one that `is_sure` must hold nothing but numbers."""

    column: str
    label: str
    is_sure: bool


class _WrongCellError(Exception):
    """What is wrong with a row."""


def _vote(column: str, knows: Knows) -> _Vote | None:
    if column in ("path", "label", "source", *PARTS):
        return None
    if knows(column) and not column.isdecimal():
        return _Vote(column, column, is_sure=True)
    if column[:1] == "p" and (label := column[1:]):
        return _Vote(column, label, is_sure=label.isdecimal() or knows(label))
    return None


def _entry(
    row: Mapping[str, str],
    votes: list[_Vote],
    knows: Knows,
    has_picture: Callable[[str], bool] | None,
    place: str,
    line: int,
) -> Entry:
    written = row["path"].strip()
    if not written:
        raise _WrongCellError("the path is empty")
    path = str(PurePosixPath(written))  # archives know no "./"
    if has_picture is not None and not has_picture(path):
        raise _WrongCellError(f"there is no image {path!r}")
    split = _split(row)
    shares = {
        vote.label: share for vote in votes if (share := _share(row[vote.column], vote)) is not None
    }
    label = row["label"].strip() or _majority(shares, knows)
    has_shares = sum(shares.values()) > 0
    source = row.get("source", "").strip()
    return Entry(path, split, label, source, shares if has_shares else None, place, line)


def _refuse_repeat(first_line: int, entry: Entry) -> None:
    if first_line != entry.line:
        raise _WrongCellError(
            f"{entry.path} stands on line {first_line}, too; list each image once, with its votes "
            "in columns p<label>"
        )


def _split(row: Mapping[str, str]) -> Split:
    for column in PARTS:
        part = row.get(column, "").strip()
        if part and part.lower() not in SPLIT_NAMES:
            raise _WrongCellError(f"{column} {part!r} is none of {', '.join(SPLIT_NAMES)}")
        if part:
            return SPLIT_NAMES[part.lower()]
    return "train"


def _share(text: str, vote: _Vote) -> float | None:
    """Return the share in a cell; None for no number in a column that may be of something else."""
    if not text and not vote.is_sure:
        return None
    try:
        share = float(text or 0)
    except ValueError:
        if not vote.is_sure:
            return None
        raise _WrongCellError(f"{vote.column} is no number: {text!r}") from None
    if math.isfinite(share) and share >= 0:
        return share
    if not vote.is_sure:
        return None
    raise _WrongCellError(f"{vote.column} is no share: {text!r}")


def _majority(shares: Mapping[str, float], knows: Knows) -> str:
    known: dict[str, float] = {}
    for name, share in shares.items():
        label = _class_of(name, knows)
        if knows(label):
            known[label] = known.get(label, 0.0) + share
    best = max(known.values(), default=0.0)
    winners = [label for label, share in known.items() if share == best]
    if best <= 0 or len(winners) > 1:
        raise _WrongCellError("it has neither a label nor a majority of votes")
    return winners[0]


def _class_of(label: str, knows: Knows) -> str:
    """Return the class that a vote is for; numbers that `knows` lacks are RAF-DB's folders'."""
    if knows(label):
        return label
    is_number = label.isdecimal() and 1 <= int(label) <= len(EMOTIONS)
    return EMOTIONS[int(label) - 1].id if is_number else label
