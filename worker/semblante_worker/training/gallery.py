"""A page to look at a data set: counts, and a 5x5 grid of pictures of each class."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from semblante.errors import ImageError
from semblante.picture import open_picture
from semblante.replace import replaced_file
from semblante_worker.datasets.dataset import Dataset
from semblante_worker.datasets.entry import Entry
from semblante_worker.datasets.picture_store import MOST_PIXELS
from semblante_worker.training.readable import Unreadable
from semblante_worker.training.subset import pick

PICTURES = 25
SIDE = 96
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --bar: #3b7dd8; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse }
th, td { padding: .3rem .8rem; border-bottom: 1px solid var(--line); text-align: right }
th:first-child { text-align: left }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(26rem, 1fr)); gap: 2rem }
.grid { display: grid; grid-template-columns: repeat(5, 1fr); gap: 2px; max-width: 31rem }
.grid img { width: 100%; aspect-ratio: 1; object-fit: cover; display: block; background: #8883 }
h2 small { font-weight: normal; opacity: .7 }
"""


def write_gallery(dataset: Dataset, path: Path, seed: int) -> list[Unreadable]:
    """Write the page as one HTML file; return those of its pictures that cannot be read."""
    groups: dict[str, list[Entry]] = {}
    counts = dataset.counts()
    shown = "train" if "train" in counts else next(iter(counts))
    for entry in pick(dataset, PICTURES, seed):
        if entry.split == shown:
            groups.setdefault(entry.label, []).append(entry)
    bad: list[Unreadable] = []
    sections = [
        _section(dataset, label, groups[label], counts[shown][label], bad)
        for label in sorted(groups, key=str.casefold)
    ]
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(dataset.origin.name)}</title><style>{_STYLE}</style>"
        f"<h1>{html.escape(dataset.origin.name)}</h1>{_table(dataset)}"
        f"<main>{''.join(sections)}</main></html>\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced_file(path) as file:
        file.write(page.encode("utf-8", "replace"))
    return bad


def _table(dataset: Dataset) -> str:
    counts = dataset.counts()
    labels = sorted({label for part in counts.values() for label in part}, key=str.casefold)
    rows = [_row("th", ["class", *counts])]
    rows += [
        _row("td", [label, *(f"{part.get(label, 0):,}" for part in counts.values())])
        for label in labels
    ]
    rows.append(_row("td", ["all", *(f"{sum(part.values()):,}" for part in counts.values())]))
    return f"<table>{''.join(rows)}</table>"


def _row(tag: str, cells: Sequence[str]) -> str:
    first, *rest = (html.escape(cell) for cell in cells)
    others = "".join(f"<{tag}>{cell}</{tag}>" for cell in rest)
    return f'<tr><th scope="row">{first}</th>{others}</tr>'


def _section(
    dataset: Dataset, label: str, entries: Sequence[Entry], count: int, bad: list[Unreadable]
) -> str:
    pictures = "".join(_pictures(dataset, entries, bad))
    title = f"{html.escape(label)} <small>{count:,} {entries[0].split} images</small>"
    return f'<section><h2>{title}</h2><div class="grid">{pictures}</div></section>'


def _pictures(dataset: Dataset, entries: Sequence[Entry], bad: list[Unreadable]) -> Iterator[str]:
    for entry in entries:
        try:
            image = open_picture(dataset.store.read(entry.path), MOST_PIXELS)
        except ImageError as error:
            bad.append(Unreadable(entry.path, error.code, error.message))
            continue
        name = html.escape(entry.path, quote=True)
        yield f'<img src="{_data_uri(image)}" alt="{name}" title="{name}">'


def _data_uri(image: Image.Image) -> str:
    small = image.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
