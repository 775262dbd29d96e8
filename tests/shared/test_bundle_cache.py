"""The cache of models: whole copies only, however many processes use it and whatever breaks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bundle_factory import write_bundle
from semblante.bundle_cache import BundleCache
from semblante.bundle_source import open_source
from semblante.bundle_store import store_bundle
from semblante.bundles import shipped_bundle
from semblante.errors import Unavailable
from semblante.file_lock import file_lock
from semblante.local_storage import LocalStorage

MUCH = 10**9


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "storage")


def put(storage: LocalStorage, folder: Path, weights: bytes = b"weights", **changes: str) -> str:
    with open_source(write_bundle(folder, weights, **changes)) as source:
        store_bundle(storage, source)
        return source.model.digest


def copies(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def use(cache: BundleCache, digest: str) -> bytes:
    with cache.hold(digest) as bundle:
        assert bundle.digest == digest
        return bundle.read("model.safetensors")


def test_a_copy_is_made_once_and_needs_no_storage_then(
    storage: LocalStorage, tmp_path: Path
) -> None:
    digest = put(storage, tmp_path / "source")
    cache = BundleCache(storage, tmp_path / "cache", MUCH)
    assert use(cache, digest) == b"weights"
    storage.delete("models")
    assert use(cache, digest) == b"weights"
    assert copies(tmp_path / "cache") == {digest}


def test_a_shipped_model_is_used_where_it_lies(storage: LocalStorage, tmp_path: Path) -> None:
    cache = BundleCache(storage, tmp_path / "cache", MUCH)
    with cache.hold(shipped_bundle("resnet18-raf7").digest) as bundle:
        assert bundle == shipped_bundle("resnet18-raf7")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("damage", ["weights", "card", "missing", "partial"])
def test_a_damaged_copy_is_fetched_anew(storage: LocalStorage, tmp_path: Path, damage: str) -> None:
    digest = put(storage, tmp_path / "source")
    cache = BundleCache(storage, tmp_path / "cache", MUCH)
    use(cache, digest)
    copy = tmp_path / "cache" / digest
    if damage == "weights":
        (copy / "model.safetensors").write_bytes(b"damage!")
    elif damage == "card":
        text = (copy / "card.json").read_text().replace('"version": "1"', '"version": "2"')
        (copy / "card.json").write_text(text)
    elif damage == "missing":
        (copy / "model.safetensors").unlink()
    else:  # a fetch that was killed
        copy.rename(copy.with_name(digest + ".partial"))
    assert use(cache, digest) == b"weights"
    assert copies(tmp_path / "cache") == {digest}


@pytest.mark.parametrize(
    ("key", "content", "message"),
    [
        ("card.json", None, "The storage has no models/"),
        ("card.json", b"{}", "card.json: its sha256 is not the one of the model"),
        ("model.safetensors", None, "The storage has no models/"),
        ("model.safetensors", b"damage!", "model.safetensors: its sha256 is not the one in"),
    ],
)
def test_what_the_storage_lacks_is_an_error_that_can_pass(
    storage: LocalStorage, tmp_path: Path, key: str, content: bytes | None, message: str
) -> None:
    digest = put(storage, tmp_path / "source")
    path = f"models/{digest}/{key}"
    storage.delete(path) if content is None else storage.write(path, [content])
    cache = BundleCache(storage, tmp_path / "cache", MUCH)
    with pytest.raises(Unavailable, match=message) as caught:
        use(cache, digest)
    assert caught.value.code == "model_unavailable"
    with open_source(tmp_path / "source") as source:
        store_bundle(storage, source)
    assert use(cache, digest) == b"weights"


def test_the_least_recently_used_makes_room(storage: LocalStorage, tmp_path: Path) -> None:
    digests = [put(storage, tmp_path / str(n), bytes(100_000), version=str(n)) for n in range(4)]
    cache = BundleCache(storage, tmp_path / "cache", 250_000)
    for age, digest in enumerate(digests[:2]):
        use(cache, digest)
        os.utime(tmp_path / "cache" / f"{digest}.lock", (1000 + age, 1000 + age))
    use(cache, digests[0])
    use(cache, digests[2])
    assert copies(tmp_path / "cache") == {digests[0], digests[2]}


def test_a_copy_in_use_stays(storage: LocalStorage, tmp_path: Path) -> None:
    digests = [put(storage, tmp_path / str(n), bytes(100_000), version=str(n)) for n in range(2)]
    cache = BundleCache(storage, tmp_path / "cache", 150_000)
    with cache.hold(digests[0]) as bundle:
        use(cache, digests[1])
        assert bundle.read("model.safetensors") == bytes(100_000)
    assert copies(tmp_path / "cache") == set(digests)


def test_one_larger_than_the_cache_is_used_all_the_same(
    storage: LocalStorage, tmp_path: Path
) -> None:
    digest = put(storage, tmp_path / "source")
    assert use(BundleCache(storage, tmp_path / "cache", 1), digest) == b"weights"


USE_OFTEN = """
import sys
from pathlib import Path
from semblante.bundle_cache import BundleCache
from semblante.local_storage import LocalStorage

storage, folder, *digests = sys.argv[1:]
cache = BundleCache(LocalStorage(Path(storage)), Path(folder), 150_000)
for digest in digests * 20:
    with cache.hold(digest) as bundle:
        assert bundle.read("model.safetensors") == bytes(100_000)
"""


def test_several_processes_at_once(storage: LocalStorage, tmp_path: Path) -> None:
    """Room for one, two models, four processes: every use finds a whole copy."""
    digests = [put(storage, tmp_path / str(n), bytes(100_000), version=str(n)) for n in range(2)]
    arguments = [str(storage.folder), str(tmp_path / "cache"), *digests]
    users = [subprocess.Popen([sys.executable, "-c", USE_OFTEN, *arguments]) for _ in range(4)]
    assert [user.wait(60) for user in users] == [0, 0, 0, 0]
    assert copies(tmp_path / "cache") <= set(digests)


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom semblante.file_lock import file_lock\n"
        "with file_lock(Path(sys.argv[1]), 'exclusive'):\n    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "lock"], check=False, timeout=60)
    with file_lock(tmp_path / "lock", "shared", wait=False):
        with file_lock(tmp_path / "lock", "shared", wait=False):
            pass
        with (
            pytest.raises(BlockingIOError),
            file_lock(tmp_path / "lock", "exclusive", wait=False),
        ):
            pass
