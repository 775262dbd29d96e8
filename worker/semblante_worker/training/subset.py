"""A smaller copy of a data set: the same layout, at most so many pictures of each label."""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from semblante.archive.names import is_unsafe
from semblante.errors import Conflict, ImageError, Refused
from semblante.replace import replaced_file
from semblante.storage_keys import PARTIAL
from semblante.zip_stream import zip_blocks
from semblante_worker.datasets.dataset import Dataset
from semblante_worker.datasets.entry import Entry
from semblante_worker.datasets.manifest_file import MANIFEST, ManifestFile


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
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.suffix.lower() == ".zip":
        with replaced_file(output) as file:
            file.writelines(zip_blocks((_in_utf8(name), [data]) for name, data in files))
    else:
        _write_folder(output, files)
    return dict(Counter(entry.split for entry in chosen))


def _write_folder(output: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write the files into a new folder, which gets its name when it is whole."""
    with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=output.parent) as temporary:
        folder = Path(temporary) / "copy"  # with the usual permissions, unlike the one around it
        folder.mkdir()
        for name, data in files:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        folder.rename(output)


def _files(dataset: Dataset, chosen: list[Entry]) -> Iterator[tuple[str, bytes]]:
    """Yield the path in the copy, and the bytes, of each picture and of the manifest."""
    for entry in chosen:
        yield entry.path, _bytes_of(dataset, entry)
    if dataset.manifest is not None:
        yield MANIFEST, _rows(dataset.manifest, chosen)


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


def _rows(manifest: ManifestFile, chosen: list[Entry]) -> bytes:
    """Return the chosen rows as they are: a recipe may know columns that are nothing to us."""
    paths = {entry.line: entry.path for entry in chosen}
    text = io.StringIO(newline="")
    with manifest.open() as table:
        writer = csv.DictWriter(text, tuple(dict.fromkeys(table.columns)))
        writer.writeheader()
        for line, row in table.rows:
            if line in paths:
                writer.writerow(row | {"path": paths[line]})
    return text.getvalue().encode()
