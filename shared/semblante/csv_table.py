"""Tables as CSV: rows with their line numbers, and errors that name file and line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from semblante.errors import Refused
from semblante.message import Message

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Row = tuple[int, dict[str, str]]


class _Reader(Protocol):
    """What `csv.reader` returns."""

    @property
    def line_num(self) -> int: ...

    def __iter__(self) -> Iterator[list[str]]: ...


class Table(NamedTuple):
    """The columns of a table, and its rows: line number and cells by column, read as one goes."""

    columns: tuple[str, ...]
    rows: Iterator[Row]


@contextmanager
def opened_table(path: Path) -> Iterator[Table]:
    """Open the table in the UTF-8 file `path`; see `read_table`.

    Raises:
        Refused: `bad_table`, also when there is no such file; reading rows may raise it, too.
    """
    try:
        file = path.open("r", encoding="utf-8-sig", newline="")
    except OSError as error:
        raise bad_table(
            str(path), 1, Message("%(reason)s", reason=error.strerror or error)
        ) from error
    with file:
        yield read_table(file, str(path))


def read_table(lines: Iterable[str], name: str) -> Table:
    """Read the header of a table; `name` is that of its file, for messages.

    Raises:
        Refused: `bad_table`, when there is none; iterating the rows may raise it, too: for bytes
            that are not UTF-8, and for rows longer or shorter than the header.
    """
    reader = csv.reader(lines, strict=True)
    header = next(_guarded(reader, name), None)
    if not header or not any(cell.strip() for cell in header):
        raise bad_table(name, 1, Message("it has no header"))
    columns = tuple(cell.strip() for cell in header)
    return Table(columns, _rows(reader, columns, name))


def require_columns(table: Table, name: str, *columns: str) -> None:
    """Check that the table has all these columns.

    Raises:
        Refused: `bad_table`, which names those that are missing and those that are there.
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        there = ", ".join(table.columns)
        raise bad_table(
            name,
            1,
            Message(
                "there is no column %(missing)s; there is: %(there)s",
                missing=", ".join(missing),
                there=there,
            ),
        )


def guard_formula(cell: str) -> str:
    """Prefix a cell that a spreadsheet would run as a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def without_guard(cell: str) -> str:
    """Return a cell of ours as it was before `guard_formula`."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA_STARTS) else cell


def bad_table(name: str, line: int, reason: Message) -> Refused:
    """Return the error for a table that cannot be used."""
    return Refused(
        "bad_table", "%(name)s, line %(line)s: %(reason)s.", name=name, line=line, reason=reason
    )


def _rows(reader: _Reader, columns: tuple[str, ...], name: str) -> Iterator[Row]:
    for cells in _guarded(reader, name):
        if not cells:  # an empty line
            continue
        line = reader.line_num
        if len(cells) != len(columns):
            raise bad_table(
                name,
                line,
                Message(
                    "it has %(cells)s cells, the header %(columns)s",
                    cells=len(cells),
                    columns=len(columns),
                ),
            )
        yield line, dict(zip(columns, cells, strict=True))


def _guarded(reader: _Reader, name: str) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise bad_table(name, reader.line_num, Message("%(reason)s", reason=error)) from error
    except UnicodeDecodeError as error:
        line = reader.line_num + 1
        raise bad_table(
            name, line, Message("it is not UTF-8; save the table as CSV UTF-8")
        ) from error
