"""Thumbnails are kept within their bytes, the least recently used go, and no deleted job's stay."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from semblante.thumbnail_cache import LOOKS_PER_FILL, ThumbnailCache

SIZE = 100
ROOM = 10


def all_known(ids: Collection[str]) -> set[str]:
    return set(ids)


def files(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*/*")}


def age(folder: Path, index: int, seconds: int) -> None:
    path = folder / "job" / f"{index}.webp"
    os.utime(path, (seconds, seconds))


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path / "thumbnails", 1000)
    assert cache.find("job", 3) is None
    cache.keep("job", 3, b"picture", all_known)
    assert ThumbnailCache(tmp_path / "thumbnails", 1000).find("job", 3) == b"picture"
    cache.forget("job")
    cache.forget("job")
    assert cache.find("job", 3) is None


def test_the_least_recently_used_make_room(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path, SIZE * ROOM)
    for index in range(ROOM // 2):
        cache.keep("job", index, bytes(SIZE), all_known)
        age(tmp_path, index, 1000 + index)
    assert cache.find("job", 0) is not None  # now it is the youngest
    for index in range(ROOM // 2, 2 * ROOM):
        cache.keep("job", index, bytes(SIZE), all_known)
        age(tmp_path, index, 1000 + index)
    kept = files(tmp_path)
    assert len(kept) <= ROOM + ROOM // LOOKS_PER_FILL + 1
    assert {"0", str(2 * ROOM - 1)} <= kept
    assert "1" not in kept


def test_jobs_that_are_no_more_are_forgotten(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path, SIZE)
    cache.keep("gone", 0, bytes(SIZE // 10), all_known)
    cache.keep("job", 0, bytes(SIZE // 2), lambda ids: {"job"} & set(ids))
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["job"]


def test_nothing_is_kept_where_nothing_may_be(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path / "none", 0)
    cache.keep("job", 0, b"picture", all_known)
    assert not (tmp_path / "none").exists()
