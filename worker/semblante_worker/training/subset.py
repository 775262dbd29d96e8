"""A smaller copy of a data set: the same layout, at most so many pictures of each label."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from semblante.archive.names import is_unsafe
from semblante.errors import Conflict, ImageError, Refused
from semblante.replace import replaced_file
from semblante.zip_stream import zip_blocks
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


def copy_subset(dataset: Dataset, output: Path, per_class: int, seed: int) -> dict[str, int]:
    """Copy pictures, byte for byte, to a new folder or .zip; return how many of each part.

    Raises:
        Conflict: `run_exists`, when `output` exists.
        Refused: `bad_table`, when a manifest's picture leads out of the folder; or the code of
            what makes a picture unreadable.
    """
    if output.exists():
        raise Conflict("run_exists", f"{output} exists: name another folder or .zip.")
    chosen = pick(dataset, per_class, seed)
    files = _files(dataset, chosen)
    if output.suffix.lower() == ".zip":
        output.parent.mkdir(parents=True, exist_ok=True)
        with replaced_file(output) as file:
            file.writelines(zip_blocks((_in_utf8(name), [data]) for name, data in files))
    else:
        for name, data in files:
            target = output / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    return dict(Counter(entry.split for entry in chosen))


def _files(dataset: Dataset, chosen: list[Entry]) -> Iterator[tuple[str, bytes]]:
    """Yield the path in the copy, and the bytes, of each picture and of the manifest."""
    for entry in chosen:
        yield entry.path, _bytes_of(dataset, entry)
    if dataset.layout == "manifest":
        yield MANIFEST, _manifest(chosen)


def _in_utf8(name: str) -> str:
    """Return a file's name as a zip can hold it."""
    return name.encode("utf-8", "replace").decode()


def _bytes_of(dataset: Dataset, entry: Entry) -> bytes:
    if is_unsafe(entry.path):
        raise Refused("bad_table", f"{entry.place}: {entry.path} leads out of its folder.")
    try:
        return dataset.store.read(entry.path)
    except ImageError as error:
        raise Refused(error.code, f"{dataset.origin}: {entry.path}: {error.message}") from error


def _manifest(entries: list[Entry]) -> bytes:
    shares = list(dict.fromkeys(name for entry in entries for name in entry.shares or ()))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["path", "source", "usage", "label", *(f"p{name}" for name in shares)])
    for entry in entries:
        votes = [(entry.shares or {}).get(name, "") for name in shares]
        writer.writerow([entry.path, entry.source, entry.split, entry.label, *votes])
    return text.getvalue().encode()
