"""Importing and removing models: all or nothing."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from bundle_factory import write_bundle
from semblante.bundle_import import import_bundle, remove_bundle
from semblante.bundles import PACKAGE_MODELS, find_bundle, read_bundle
from semblante.errors import BundleError, Conflict, NotFound


def zip_folder(folder: Path, target: Path, prefix: str = "", method: int = 8) -> Path:
    with zipfile.ZipFile(target, "w", method) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, prefix + path.name)
    return target


def entries(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "models").iterdir())


def test_a_folder_is_copied_under_its_reference(tmp_path: Path) -> None:
    source = write_bundle(tmp_path / "source")
    (source / "notes.txt").write_text("not of the bundle")

    bundle = import_bundle(tmp_path / "data", source)

    assert bundle.folder == tmp_path / "data" / "models" / bundle.reference
    assert sorted(p.name for p in bundle.folder.iterdir()) == ["card.json", "model.safetensors"]
    assert bundle.digest == read_bundle(source, verify=True).digest
    assert find_bundle(tmp_path / "data", "mine") == bundle
    assert not bundle.is_packaged


@pytest.mark.parametrize("prefix", ["", "mine-1/"])
@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_zip_is_unpacked(tmp_path: Path, prefix: str, method: int) -> None:
    source = write_bundle(tmp_path / "source")
    packed = zip_folder(source, tmp_path / "mine.zip", prefix, method)
    bundle = import_bundle(tmp_path / "data", packed)
    assert bundle.read("model.safetensors") == b"weights"
    assert entries(tmp_path / "data") == [bundle.reference]


def test_importing_again_changes_nothing(tmp_path: Path) -> None:
    source = write_bundle(tmp_path / "source")
    first = import_bundle(tmp_path / "data", source)
    before = first.path("model.safetensors").stat()

    again = import_bundle(tmp_path / "data", zip_folder(source, tmp_path / "mine.zip"))

    assert again == first
    after = again.path("model.safetensors").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert entries(tmp_path / "data") == [first.reference]


def test_importing_again_repairs_a_damaged_copy(tmp_path: Path) -> None:
    source = write_bundle(tmp_path / "source")
    bundle = import_bundle(tmp_path / "data", source)
    bundle.path("model.safetensors").write_bytes(b"damage")

    assert import_bundle(tmp_path / "data", source).read("model.safetensors") == b"weights"
    assert entries(tmp_path / "data") == [bundle.reference]


@pytest.mark.parametrize("damage", ["hash", "missing", "card"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_damaged_bundle_leaves_nothing_behind(tmp_path: Path, damage: str, zipped: bool) -> None:
    source = write_bundle(tmp_path / "source")
    if damage == "hash":
        (source / "model.safetensors").write_bytes(b"other")
    elif damage == "missing":
        (source / "model.safetensors").unlink()
    else:
        (source / "card.json").write_text("{")
    packed = zip_folder(source, tmp_path / "mine.zip") if zipped else source

    with pytest.raises(BundleError, match="card.json" if damage == "card" else "safetensors"):
        import_bundle(tmp_path / "data", packed)
    assert entries(tmp_path / "data") == []


def test_every_cut_and_flipped_zip_is_refused_or_right(tmp_path: Path) -> None:
    whole = zip_folder(write_bundle(tmp_path / "source"), tmp_path / "mine.zip").read_bytes()
    flipped = [whole[:i] + bytes([whole[i] ^ 0x41]) + whole[i + 1 :] for i in range(len(whole))]
    damaged = tmp_path / "damaged.zip"
    refused = 0
    for data in [whole[: len(whole) // 2], b"", *flipped[::7]]:
        damaged.write_bytes(data)
        try:
            bundle = import_bundle(tmp_path / "data", damaged)
        except BundleError:
            refused += 1
        else:
            assert bundle.read("model.safetensors") == b"weights"
    assert refused > 50
    assert len(entries(tmp_path / "data")) <= 1


@pytest.mark.parametrize("names", [[], ["a/b/card.json"], ["card.json", "a/card.json"]])
def test_a_zip_without_one_card_at_its_top_is_refused(tmp_path: Path, names: list[str]) -> None:
    packed = tmp_path / "mine.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    with pytest.raises(BundleError, match=r"does not hold one card\.json at its top"):
        import_bundle(tmp_path / "data", packed)


@pytest.mark.parametrize("content", [None, b"no zip"])
def test_what_is_neither_folder_nor_zip_is_refused(tmp_path: Path, content: bytes | None) -> None:
    source = tmp_path / "mine.zip"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(BundleError, match="it is no folder and no readable zip"):
        import_bundle(tmp_path / "data", source)


def test_models_of_the_package_are_neither_replaced_nor_removed(tmp_path: Path) -> None:
    impostor = write_bundle(tmp_path / "impostor", name="starter")
    with pytest.raises(Conflict, match="comes with Semblante") as caught:
        import_bundle(tmp_path / "data", impostor)
    assert caught.value.code == "bundle_in_use"
    with pytest.raises(Conflict, match="comes with Semblante"):
        remove_bundle(tmp_path / "data", "starter")
    same = import_bundle(tmp_path / "data", PACKAGE_MODELS / "starter")
    assert same.is_packaged
    assert entries(tmp_path / "data") == []


def test_removing_by_reference_and_by_name(tmp_path: Path) -> None:
    data = tmp_path / "data"
    bundles = [
        import_bundle(data, write_bundle(tmp_path / version, version=version))
        for version in ("1", "2", "3")
    ]
    remove_bundle(data, bundles[1].reference)
    assert entries(data) == sorted([bundles[0].reference, bundles[2].reference])

    bundles[0].path("card.json").write_text("damaged")
    remove_bundle(data, "mine")
    assert entries(data) == []


def test_removing_what_is_not_there(tmp_path: Path) -> None:
    for data in (tmp_path, tmp_path / "data"):
        with pytest.raises(NotFound, match="No model is called 'mine'"):
            remove_bundle(data, "mine")
        import_bundle(data, write_bundle(data / "other", name="other"))
        with pytest.raises(NotFound, match="No model is called 'mine'"):
            remove_bundle(data, "mine")


def test_a_name_beside_the_models_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "precious").write_text(json.dumps({}))
    with pytest.raises(NotFound):
        remove_bundle(tmp_path, "../precious")
    assert (tmp_path / "precious").exists()
