"""Finding pictures that cannot be decoded before a run depends on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from semblante.errors import ImageError
from semblante.picture import open_picture
from semblante_worker.datasets.entry import Entry
from semblante_worker.datasets.picture_store import MOST_PIXELS, PictureStore
from semblante_worker.decode import usable_cores


@dataclass(frozen=True)
class Unreadable:
    """A picture that is left out, with the stable code of why."""

    path: str
    code: str
    reason: str


def find_unreadable(
    store: PictureStore, entries: Sequence[Entry], tell: Callable[[int], None] = lambda _done: None
) -> list[Unreadable]:
    """Decode every picture once, in threads; return those that fail, in their order."""

    def check(entry: Entry) -> Unreadable | None:
        try:
            open_picture(store.read(entry.path), MOST_PIXELS)
        except ImageError as error:
            return Unreadable(entry.path, error.code, error.message)
        return None

    found = []
    with ThreadPoolExecutor(usable_cores(), thread_name_prefix="check") as executor:
        for done, result in enumerate(executor.map(check, entries), start=1):
            if result is not None:
                found.append(result)
            tell(done)
    return found
