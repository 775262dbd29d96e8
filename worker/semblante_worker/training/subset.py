"""A smaller copy of a data set: the same layout, at most so many pictures of each label."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from pathlib import Path

from semblante.archive.names import is_unsafe
from semblante.errors import Conflict, ImageError, Refused
from semblante_worker.datasets.dataset import Dataset
from semblante_worker.datasets.entry import Entry
from semblante_worker.datasets.manifest import MANIFEST


def pick(dataset: Dataset, per_class: int, seed: int) -> list[Entry]:
    """Return at most `per_class` pictures of each part and label, chosen by `seed`."""

    def key(entry: Entry) -> bytes:
        text = f"{seed}/{entry.path}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=16).digest()

    taken: Counter[tuple[str, str]] = Counter()
    chosen = []
    for entry in sorted(dataset.entries, key=key):
        group = (entry.split, entry.label)
        if taken[group] < per_class:
            taken[group] += 1
            chosen.append(entry)
    return sorted(chosen, key=lambda entry: entry.path)


def copy_subset(dataset: Dataset, folder: Path, per_class: int, seed: int) -> dict[str, int]:
    """Copy pictures, byte for byte, into the new `folder`; return how many of each part.

    Raises:
        Conflict: `run_exists`, when the folder exists.
        Refused: `bad_table`, when a manifest's picture leads out of the folder; or the code of
            what makes a picture unreadable.
    """
    if folder.exists():
        raise Conflict("run_exists", f"{folder} exists: name another folder.")
    chosen = pick(dataset, per_class, seed)
    for entry in chosen:
        if is_unsafe(entry.path):
            raise Refused("bad_table", f"{entry.place}: {entry.path} leads out of its folder.")
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.write_bytes(dataset.store.read(entry.path))
        except ImageError as error:
            raise Refused(error.code, f"{dataset.origin}: {entry.path}: {error.message}") from error
    if dataset.layout == "manifest":
        _write_manifest(folder / MANIFEST, chosen)
    return dict(Counter(entry.split for entry in chosen))


def _write_manifest(path: Path, entries: list[Entry]) -> None:
    shares = list(dict.fromkeys(name for entry in entries for name in entry.shares or ()))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "source", "usage", "label", *(f"p{name}" for name in shares)])
        for entry in entries:
            votes = [(entry.shares or {}).get(name, "") for name in shares]
            writer.writerow([entry.path, entry.source, entry.split, entry.label, *votes])
