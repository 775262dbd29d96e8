"""The local storage: whole files or none, ranges, and no way out of its folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semblante.errors import NotFound
from semblante.storage import LocalStorage, StoredSource, open_storage


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    storage = open_storage((tmp_path / "with space").as_uri())
    assert isinstance(storage, LocalStorage)
    return storage


def test_ranges_are_short_only_at_the_end(storage: LocalStorage) -> None:
    assert storage.write("a/b", [b"hel", b"lo"]) == 5
    assert storage.read("a/b", 1, 3) == b"ell"
    assert storage.read("a/b", 3, 99) == b"lo"
    assert storage.read("a/b", 9, 1) == b""
    assert b"".join(storage.blocks("a/b")) == b"hello"
    source = StoredSource(storage, "a/b")
    assert (source.size, source.read(0, 2)) == (5, b"he")


def test_a_broken_stream_leaves_nothing(storage: LocalStorage) -> None:
    def breaks() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        storage.write("a", breaks())
    assert list(storage.folder.iterdir()) == []


def test_append_goes_on_where_it_is_told(storage: LocalStorage) -> None:
    assert storage.append("a", 0, [b"hello"]) == 5
    assert storage.append("a", 5, [b" world"]) == 11
    assert storage.append("a", 3, [b"p"]) == 4
    assert storage.read("a", 0, 99) == b"help"


def test_an_adopted_file_is_read_in_place_and_never_deleted(
    storage: LocalStorage, tmp_path: Path
) -> None:
    original = tmp_path / "archive.zip"
    original.write_bytes(b"data")
    storage.adopt("uploads/1", original)
    assert storage.read("uploads/1", 0, 4) == b"data"
    storage.delete("uploads/1")
    assert original.read_bytes() == b"data"
    with pytest.raises(NotFound):
        storage.size("uploads/1")


def test_a_folder_of_keys_goes_at_once(storage: LocalStorage) -> None:
    storage.write("results/1/a", [b"x"])
    storage.delete("results/1")
    storage.delete("results/1")
    with pytest.raises(NotFound):
        storage.read("results/1/a", 0, 1)


@given(st.sampled_from(["", "/etc/passwd", "../x", "a/../../x", ".", "a/./../x/.."]))
def test_keys_stay_below_the_folder(key: str) -> None:
    with pytest.raises(ValueError, match="not a storage key"):
        LocalStorage(Path("folder")).size(key)


def test_other_schemes_are_refused() -> None:
    with pytest.raises(ValueError, match="file:///"):
        open_storage("ftp://host/x")
