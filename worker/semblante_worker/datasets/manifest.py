"""Manifests: a CSV with one picture per row.

Columns `path` and `label` are needed. `usage` or `split` names the part (train where it is
missing), `source` where the picture comes from, and `p<label>` (`p1` ... `p7`, `phappiness`) or a
class's name the share of annotators who voted for it; shares need not add up to one. A row without
a label is of the class with most votes (see `votes.py`), so that a table with such columns needs no
`label`. Other columns are ignored. A picture has one row: a second could put it into another part,
or give it another label.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from semblante.csv_table import Table, bad_table, require_columns
from semblante.errors import Refused
from semblante.message import Message
from semblante_worker.datasets.entry import SPLIT_NAMES, Entry, Split
from semblante_worker.datasets.layout import Knows
from semblante_worker.datasets.votes import VoteColumns, WrongCellError, vote_columns

PARTS = ("usage", "split")
"""Columns that name the part; the first that says something counts."""

NO_VOTES = ("path", "label", "source", *PARTS)


def read_manifest(
    table: Table, name: str, knows: Knows, has_picture: Callable[[str], bool] | None
) -> tuple[Entry, ...]:
    """Return the rows of a manifest, in their order; `name` is its file's, for messages.

    Votes decide among the labels that `knows` knows. With `has_picture`, rows of pictures that do
    not exist are refused.

    Raises:
        Refused: `bad_table`; the message names the line. `empty_dataset`, when there is no row.
    """
    votes = vote_columns((c for c in table.columns if c not in NO_VOTES), knows)
    require_columns(table, name, "path", *(() if votes.can_elect else ("label",)))
    entries = []
    lines: dict[str, int] = {}
    for line, row in table.rows:
        try:
            entry = _entry(row, votes, has_picture, f"{name}, line {line}", line)
            _refuse_repeat(lines.setdefault(posixpath.normpath(entry.path), line), entry)
            entries.append(entry)
        except WrongCellError as error:
            raise bad_table(name, line, Message(str(error))) from None
    if not entries:
        raise Refused("empty_dataset", f"{name} lists no image.")
    return tuple(entries)


def _entry(
    row: Mapping[str, str],
    votes: VoteColumns,
    has_picture: Callable[[str], bool] | None,
    place: str,
    line: int,
) -> Entry:
    written = row["path"].strip()
    if not written:
        raise WrongCellError("the path is empty")
    path = str(PurePosixPath(written))  # archives know no "./"
    if has_picture is not None and not has_picture(path):
        raise WrongCellError(f"there is no image {path!r}")
    split = _split(row)
    shares = votes.shares(row)
    label = row.get("label", "").strip() or votes.elect(row, shares)
    has_shares = sum(shares.values()) > 0
    source = row.get("source", "").strip()
    return Entry(path, split, label, source, shares if has_shares else None, place, line)


def _refuse_repeat(first_line: int, entry: Entry) -> None:
    if first_line != entry.line:
        raise WrongCellError(
            f"{entry.path} stands on line {first_line}, too; list each image once, with its votes "
            "in columns p<label>"
        )


def _split(row: Mapping[str, str]) -> Split:
    for column in PARTS:
        part = row.get(column, "").strip()
        if part and part.lower() not in SPLIT_NAMES:
            raise WrongCellError(f"{column} {part!r} is none of {', '.join(SPLIT_NAMES)}")
        if part:
            return SPLIT_NAMES[part.lower()]
    return "train"
