"""Both storages alike: whole files or none, ranges, uploads in pieces, and no way out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_server import S3Server
from semblante.errors import Conflict, NotFound, Refused, TooLarge, Unavailable
from semblante.local_storage import LocalStorage
from semblante.s3_storage import S3Storage
from semblante.s3_upload import FIRST_PART_BYTES, PARTS_OF_ONE_SIZE, load_tail, part_bytes
from semblante.settings import GIB, MIB, Settings
from semblante.storage import Storage, StoredSource, open_storage

LARGE = os.urandom(2 * FIRST_PART_BYTES + 12345)


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "local":
        url: dict[str, Any] = {"storage_url": (tmp_path / "with space").as_uri()}
    else:
        server: S3Server = request.getfixturevalue("s3_server")
        url = server.setting(f"storage-tests/with space/{uuid4()}")
    storage = open_storage(Settings(data=tmp_path, **url))
    storage.prepare()
    storage.prepare()
    return storage


def pieces(data: bytes, size: int = MIB) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def content(storage: Storage, key: str) -> bytes:
    return b"".join(storage.blocks(key))


def keys(storage: Storage, folder: str) -> set[str]:
    return {found.key for found in storage.keys(folder)}


def test_ranges_are_short_only_at_the_end(storage: Storage) -> None:
    assert storage.write("a/b", [b"hel", b"lo"]) == 5
    assert storage.read("a/b", 1, 3) == b"ell"
    assert storage.read("a/b", 3, 99) == b"lo"
    assert storage.read("a/b", 9, 1) == b""
    assert storage.read("a/b", 0, 0) == b""
    assert content(storage, "a/b") == b"hello"
    source = StoredSource(storage, "a/b")
    assert (source.size, source.read(0, 2)) == (5, b"he")


def test_many_parts_make_one_object(storage: Storage) -> None:
    assert storage.write("large", pieces(LARGE)) == len(LARGE)
    assert content(storage, "large") == LARGE
    assert storage.read("large", FIRST_PART_BYTES - 2, 4) == LARGE[FIRST_PART_BYTES - 2 :][:4]


def test_nothing_is_a_file_too(storage: Storage) -> None:
    assert storage.write("empty", []) == 0
    assert content(storage, "empty") == b""


@pytest.mark.parametrize("size", [4, FIRST_PART_BYTES + 1])
def test_a_broken_stream_leaves_nothing(storage: Storage, size: int) -> None:
    def breaks() -> Iterator[bytes]:
        yield bytes(size)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        storage.write("folder/a", breaks())
    assert keys(storage, "folder") == set()


@pytest.mark.parametrize(
    "ask",
    [
        lambda storage: storage.size("no"),
        lambda storage: storage.read("no", 0, 1),
        lambda storage: next(storage.blocks("no")),
    ],
)
def test_what_is_missing_is_named(storage: Storage, ask: Callable[[Storage], object]) -> None:
    with pytest.raises(NotFound, match="The storage has no no"):
        ask(storage)


@pytest.mark.parametrize("piece", [3 * MIB + 1, FIRST_PART_BYTES, len(LARGE)])
def test_an_upload_in_pieces(storage: Storage, piece: int) -> None:
    assert storage.append("uploads/1", 0, ()) == storage.size("uploads/1") == 0
    offset = 0
    for data in pieces(LARGE, piece):
        offset = storage.append("uploads/1", offset, pieces(data))
        assert storage.size("uploads/1") == offset
    storage.seal("uploads/1")
    storage.seal("uploads/1")
    assert storage.size("uploads/1") == len(LARGE)
    assert content(storage, "uploads/1") == LARGE
    storage.delete("uploads/1")
    assert keys(storage, "uploads") == set()


@pytest.fixture
def s3(s3_server: S3Server) -> S3Storage:
    storage = open_storage(Settings(**s3_server.setting(f"storage-tests/{uuid4()}")))
    assert isinstance(storage, S3Storage)
    storage.prepare()
    return storage


@pytest.mark.parametrize("size", [2 * FIRST_PART_BYTES, len(LARGE)])
def test_an_upload_whose_web_died_before_the_tail_went_is_sealed(s3: S3Storage, size: int) -> None:
    s3.append("uploads/1", 0, pieces(LARGE[:size]))
    upload, tail = load_tail(s3._client, s3._bucket, s3._name("uploads/1"))
    upload.complete(tail)  # here it died, or here the answer was lost
    assert s3.size("uploads/1") == size
    assert s3.append("uploads/1", size, ()) == size
    s3.seal("uploads/1")
    s3.seal("uploads/1")
    assert content(s3, "uploads/1") == LARGE[:size]
    assert [found.key for found in s3.keys("uploads")] == ["uploads/1"], "and no tail"


def test_an_older_object_is_never_taken_for_the_upload(s3: S3Storage) -> None:
    s3.write("uploads/1", pieces(bytes(len(LARGE))))
    s3.append("uploads/1", 0, pieces(LARGE))
    s3.seal("uploads/1")
    assert content(s3, "uploads/1") == LARGE


def test_an_upload_that_the_server_dropped_is_not_sealed(s3: S3Storage) -> None:
    s3.append("uploads/1", 0, pieces(LARGE))
    load_tail(s3._client, s3._bucket, s3._name("uploads/1"))[0].abort()
    with pytest.raises(Unavailable, match="NoSuchUpload"):
        s3.seal("uploads/1")


def test_an_empty_upload(storage: Storage) -> None:
    storage.append("uploads/1", 0, ())
    storage.seal("uploads/1")
    assert content(storage, "uploads/1") == b""


def test_an_offset_leaves_no_gap(storage: Storage) -> None:
    storage.append("a", 0, [b"hello"])
    for offset in (4, 6):
        with pytest.raises(Conflict) as error:
            storage.append("a", offset, [b"x"])
        assert error.value.code == "upload_offset"
    assert storage.size("a") == 5


@pytest.mark.parametrize("begun", [5, FIRST_PART_BYTES + 5])
def test_what_is_refused_is_taken_back(storage: Storage, begun: int) -> None:
    def refused() -> Iterator[bytes]:
        yield from pieces(bytes(2 * FIRST_PART_BYTES))
        raise TooLarge("too_large_upload", "no")

    storage.append("a", 0, pieces(LARGE[:begun]))
    with pytest.raises(TooLarge):
        storage.append("a", begun, refused())
    assert storage.size("a") == begun
    storage.append("a", begun, [LARGE[begun : begun + 100]])
    storage.seal("a")
    assert content(storage, "a") == LARGE[: begun + 100]


def test_an_abandoned_upload_is_found_and_deleted(storage: Storage) -> None:
    storage.append("uploads/1", 0, pieces(LARGE))
    assert keys(storage, "uploads") == {"uploads/1"}
    storage.delete("uploads/1")
    assert keys(storage, "uploads") == set()
    with pytest.raises(NotFound):
        storage.size("uploads/1")


def test_an_adopted_file_is_never_deleted(storage: Storage, tmp_path: Path) -> None:
    original = tmp_path / "archive.zip"
    original.write_bytes(b"data")
    storage.adopt("uploads/1", original)
    assert storage.read("uploads/1", 0, 4) == b"data"
    storage.delete("uploads/1")
    assert original.read_bytes() == b"data"
    with pytest.raises(NotFound):
        storage.size("uploads/1")


def test_a_folder_of_keys_goes_at_once(storage: Storage) -> None:
    for key in ("results/1/a", "results/1/b/c", "results/11/a"):
        storage.write(key, [b"x"])
    assert keys(storage, "results") == {"results/1/a", "results/1/b/c", "results/11/a"}
    storage.delete("results/1")
    storage.delete("results/1")
    [left] = storage.keys("results")
    assert left.key == "results/11/a"
    assert abs(datetime.now(UTC) - left.modified_at) < timedelta(minutes=1)


def test_folders_may_vanish_while_keys_are_listed(storage: Storage) -> None:
    for number in range(30):
        storage.write(f"results/{number}/a/b", [b"x"])
    found = storage.keys("results")
    next(found)
    storage.delete("results")
    assert len(list(found)) < 30


def test_links_are_keys_wherever_they_point(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "storage")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    for name in ("folder", "folder/file", "nowhere"):
        storage.adopt(f"uploads/{name.replace('/', ' ')}", tmp_path / name)
    os.mkfifo(tmp_path / "storage" / "uploads" / "pipe")
    assert keys(storage, "uploads") == {
        "uploads/folder",
        "uploads/folder file",
        "uploads/nowhere",
    }


def test_a_bucket_without_a_prefix(s3_server: S3Server) -> None:
    storage = open_storage(Settings(**s3_server.setting("bare-bucket")))
    storage.prepare()
    storage.write("results/1/a", [b"x"])
    assert keys(storage, "results") == {"results/1/a"}
    assert content(storage, "results/1/a") == b"x"


def test_parts_grow_so_that_300_gb_fit() -> None:
    assert [part_bytes(number) // MIB for number in (1, 2500, 2501, 10_000)] == [8, 8, 16, 64]
    assert sum(map(part_bytes, range(1, 4 * PARTS_OF_ONE_SIZE + 1))) > 290 * GIB


@given(st.sampled_from(["", "/etc/passwd", "../x", "a/../../x", ".", "a/./../x/.."]))
def test_keys_stay_below_the_folder(key: str) -> None:
    with pytest.raises(ValueError, match="not a storage key"):
        LocalStorage(Path("folder")).size(key)


@pytest.mark.parametrize("url", ["ftp://host/x", "s3:///x", "bucket"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(Refused, match="s3://bucket"):
        open_storage(Settings(storage_url=url))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"s3_secret_key": "wrong"}, "refuses"),  # pragma: allowlist secret
        ({"s3_endpoint": "http://127.0.0.1:1"}, "does not answer"),
    ],
)
def test_a_storage_that_is_away_is_unavailable(
    s3_server: S3Server, change: dict[str, str], message: str
) -> None:
    storage = open_storage(Settings(**{**s3_server.setting("test-away"), **change}))
    with pytest.raises(Unavailable, match=message) as error:
        storage.write("a", [b"x"])
    assert error.value.code == "storage_unavailable"
