"""Manifests: a CSV with one picture per row.

Columns `path` and `label` are needed. `usage` names the part (train where it is missing), `source`
where the picture comes from, and `p<label>` (`p1` ... `p7`, `phappiness`) the share of annotators
who voted for a label; shares need not add up to one. Other columns are ignored.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Mapping
from pathlib import Path

from semblante.errors import TrainingError
from semblante_worker.training.entry import SPLIT_NAMES, Entry

MANIFEST = "manifest.csv"


def read_manifest(text: str, origin: Path, pictures: Collection[str]) -> tuple[Entry, ...]:
    """Return the rows of a manifest, in their order; `pictures` are the paths that exist.

    Raises:
        TrainingError: `invalid_dataset`; the message names the line.
    """
    rows = csv.DictReader(io.StringIO(text))
    header = set(rows.fieldnames or ())
    for column in ("path", "label"):
        if column not in header:
            raise _invalid(origin, 1, f"the column {column!r} is missing")
    known = set(pictures)
    shares = {n: n[1:] for n in rows.fieldnames or () if n[:1] == "p" and n not in ("p", "path")}
    entries = [_entry(row, shares, known, origin, rows.line_num) for row in rows]
    if not entries:
        raise _invalid(origin, 1, "there are no rows")
    return tuple(entries)


def _entry(
    row: Mapping[str, str | None],
    columns: Mapping[str, str],
    known: Collection[str],
    origin: Path,
    line: int,
) -> Entry:
    path, label = (row.get(name) or "" for name in ("path", "label"))
    usage = (row.get("usage") or "train").strip()
    if path not in known:
        raise _invalid(origin, line, f"there is no image {path!r}")
    if not label.strip():
        raise _invalid(origin, line, "the label is empty")
    if usage.lower() not in SPLIT_NAMES:
        raise _invalid(origin, line, f"usage {usage!r} is none of {', '.join(SPLIT_NAMES)}")
    shares: dict[str, float] = {}
    for column, name in columns.items():
        share = _number(row.get(column) or "0")
        if share is None:
            raise _invalid(origin, line, f"{column} is no share")
        shares[name] = share
    has_shares = sum(shares.values()) > 0
    source = (row.get("source") or "").strip()
    return Entry(
        path, SPLIT_NAMES[usage.lower()], label.strip(), source, shares if has_shares else None
    )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _invalid(origin: Path, line: int, what: str) -> TrainingError:
    return TrainingError("invalid_dataset", f"{origin}: {MANIFEST}, line {line}: {what}.")
