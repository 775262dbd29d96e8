"""Importing and removing models: rows and bytes together, all or nothing."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from bundle_factory import write_bundle
from factory import submit
from semblante import jobs, lifecycle, registry
from semblante.bundle_import import discard_unused, import_bundle
from semblante.bundle_source import open_source
from semblante.bundle_store import store_bundle, stored_files
from semblante.bundles import PACKAGE_MODELS, Model, read_bundle
from semblante.errors import BundleError, Conflict, NotFound
from semblante.jobs import ModelOfJob
from semblante.local_storage import LocalStorage
from semblante.message import Message
from semblante.services import Services
from semblante.tables import ImportedModel


def zip_folder(folder: Path, target: Path, prefix: str = "", method: int = 8) -> Path:
    with zipfile.ZipFile(target, "w", method) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, prefix + path.name)
    return target


def take(services: Services, source: Path) -> Model:
    return import_bundle(services.database, services.storage, source)


def stored(services: Services, digest: str) -> dict[str, bytes]:
    return {name: b"".join(blocks) for name, blocks in stored_files(services.storage, digest)}


def left(services: Services) -> tuple[list[str], int]:
    """Return all files below models/ in the storage, and how many rows there are."""
    folder = services.settings.data / "storage" / "models"
    files = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    with services.database.reading() as session:
        return sorted(files), session.query(ImportedModel).count()


def names(services: Services) -> list[str]:
    with services.database.reading() as session:
        return [one.reference for one in registry.models(session) if one.origin == "imported"]


def test_only_the_files_of_the_card_are_stored(services: Services, tmp_path: Path) -> None:
    source = write_bundle(tmp_path / "source")
    (source / "notes.txt").write_text("not of the bundle")
    model = take(services, source)
    assert model.digest == read_bundle(source, verify=True).digest
    assert stored(services, model.digest) == {
        "card.json": (source / "card.json").read_bytes(),
        "model.safetensors": b"weights",
    }
    assert left(services)[0] == [f"{model.digest}/card.json", f"{model.digest}/model.safetensors"]
    with services.database.reading() as session:
        found = registry.find(session, "mine")
    assert (found.reference, found.origin) == (model.reference, "imported")
    assert found.card == read_bundle(source, verify=True).card
    assert found.size_bytes == len(b"weights") + (source / "card.json").stat().st_size


@pytest.mark.parametrize("prefix", ["", "mine-1/"])
@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_zip_is_read(services: Services, tmp_path: Path, prefix: str, method: int) -> None:
    source = write_bundle(tmp_path / "source")
    model = take(services, zip_folder(source, tmp_path / "mine.zip", prefix, method))
    assert stored(services, model.digest)["model.safetensors"] == b"weights"


def test_importing_again_mends_and_makes_the_name_mean_it(
    services: Services, tmp_path: Path
) -> None:
    first, second = (
        take(services, write_bundle(tmp_path / version, version=version)) for version in ("1", "2")
    )
    assert names(services) == [second.reference, first.reference]
    services.storage.write(f"models/{first.digest}/model.safetensors", [b"damage"])
    assert take(services, tmp_path / "1") == first_of(services)
    assert stored(services, first.digest)["model.safetensors"] == b"weights"
    assert names(services) == [first.reference, second.reference]


def first_of(services: Services) -> Model:
    with services.database.reading() as session:
        return registry.find(session, "mine")


@pytest.mark.parametrize("damage", ["hash", "missing", "card", "field"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_damaged_bundle_leaves_nothing_behind(
    services: Services, tmp_path: Path, damage: str, zipped: bool
) -> None:
    changes: dict[str, Any] = {"surprise": 1} if damage == "field" else {}
    source = write_bundle(tmp_path / "source", **changes)
    if damage == "hash":
        (source / "model.safetensors").write_bytes(b"other")
    elif damage == "missing":
        (source / "model.safetensors").unlink()
    elif damage == "card":
        (source / "card.json").write_text("{")
    packed = zip_folder(source, tmp_path / "mine.zip") if zipped else source
    expected = {
        "hash": "model.safetensors: its sha256 is not the one in the card",
        "missing": "model.safetensors",
        "card": "card.json",
        "field": "card.json: surprise: Extra inputs",
    }
    with pytest.raises(BundleError, match=expected[damage]):
        take(services, packed)
    assert left(services) == ([], 0)


def test_a_damaged_copy_does_no_harm_to_the_stored_one(services: Services, tmp_path: Path) -> None:
    model = take(services, write_bundle(tmp_path / "source"))
    (tmp_path / "source" / "model.safetensors").write_bytes(b"other")
    with pytest.raises(BundleError):
        take(services, tmp_path / "source")
    assert stored(services, model.digest)["model.safetensors"] == b"weights"
    assert names(services) == [model.reference]


def test_every_cut_and_flipped_zip_is_refused_or_right(services: Services, tmp_path: Path) -> None:
    whole = zip_folder(write_bundle(tmp_path / "source"), tmp_path / "mine.zip").read_bytes()
    flipped = [whole[:i] + bytes([whole[i] ^ 0x41]) + whole[i + 1 :] for i in range(len(whole))]
    damaged = tmp_path / "damaged.zip"
    refused = 0
    for data in [whole[: len(whole) // 2], b"", *flipped[::7]]:
        damaged.write_bytes(data)
        try:
            with open_source(damaged) as source:
                weights = b"".join(source.blocks("model.safetensors"))
        except BundleError:
            refused += 1
        else:
            assert weights == b"weights"
    assert refused > 50


@pytest.mark.parametrize("members", [[], ["a/b/card.json"], ["card.json", "a/card.json"]])
def test_a_zip_without_one_card_at_its_top_is_refused(
    services: Services, tmp_path: Path, members: list[str]
) -> None:
    packed = tmp_path / "mine.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for name in members:
            archive.writestr(name, "{}")
    with pytest.raises(BundleError, match=r"does not hold one card\.json at its top"):
        take(services, packed)


@pytest.mark.parametrize("content", [None, b"no zip"])
def test_what_is_neither_folder_nor_zip_is_refused(
    services: Services, tmp_path: Path, content: bytes | None
) -> None:
    source = tmp_path / "mine.zip"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(BundleError, match=r"mine\.zip: it is no folder and no readable zip"):
        take(services, source)


def test_shipped_models_are_neither_replaced_nor_removed(
    services: Services, tmp_path: Path
) -> None:
    impostor = write_bundle(tmp_path / "impostor", name="resnet18-raf7")
    with pytest.raises(Conflict, match=r"give yours another `name` in .*impostor/card\.json"):
        take(services, impostor)
    with (
        pytest.raises(Conflict, match="comes with Semblante") as caught,
        services.database.writing() as session,
    ):
        registry.remove(session, "resnet18-raf7")
    assert caught.value.code == "bundle_in_use"
    assert take(services, PACKAGE_MODELS / "resnet18-raf7").card.name == "resnet18-raf7"
    assert left(services) == ([], 0)


def remove(services: Services, name: str) -> list[str]:
    with services.database.writing() as session:
        removed = registry.remove(session, name)
    discard_unused(services.database, services.storage)
    return removed


def test_removing_by_reference_and_by_name(services: Services, tmp_path: Path) -> None:
    one, two, three = (
        take(services, write_bundle(tmp_path / version, version=version)).reference
        for version in ("1", "2", "3")
    )
    assert remove(services, two) == [two]
    assert names(services) == [three, one]
    with services.database.writing() as session:
        for row in session.query(ImportedModel):
            row.card = "damaged"
    assert sorted(remove(services, "mine")) == sorted([one, three])
    assert left(services) == ([], 0)
    for name in ("mine", "../mine"):
        with pytest.raises(NotFound, match="No model is called"):
            remove(services, name)


def test_a_removed_model_stays_until_its_last_job_has_ended(
    services: Services, tmp_path: Path
) -> None:
    model = take(services, write_bundle(tmp_path / "source"))
    job = submit(services, b"x", model=ModelOfJob.of(model))
    assert remove(services, "mine") == [model.reference]
    assert names(services) == []
    assert stored(services, model.digest)["model.safetensors"] == b"weights"
    with services.database.writing() as session:
        jobs.fail(session, jobs.get(session, job.id), "no_images", Message("None."))
    discard_unused(services.database, services.storage)
    assert left(services) == ([], 0)


def test_a_removed_model_that_a_job_needs_can_be_imported_again(
    services: Services, tmp_path: Path
) -> None:
    model = take(services, write_bundle(tmp_path / "source"))
    submit(services, b"x", model=ModelOfJob.of(model))
    remove(services, "mine")
    take(services, tmp_path / "source")
    assert names(services) == [model.reference]


def retry(services: Services, job_id: str) -> None:
    with services.database.writing() as session:
        jobs.retry(session, services.queue, jobs.get(session, job_id), services.settings)


def test_a_job_is_retried_by_its_model_or_not_at_all(services: Services, tmp_path: Path) -> None:
    model = take(services, write_bundle(tmp_path / "source"))
    job_id = submit(services, b"x", model=ModelOfJob.of(model)).id
    with services.database.writing() as session:
        job = jobs.get(session, job_id)
        for state in ("in_progress", "finalizing", "completed"):
            lifecycle.move(job, state)
        job.total = job.failed = 1
    remove(services, "mine")
    with pytest.raises(Conflict) as caught:
        retry(services, job_id)
    assert caught.value.code == "model_removed"
    take(services, write_bundle(tmp_path / "newer", version="2"))
    take(services, tmp_path / "source")
    retry(services, job_id)
    with services.database.reading() as session:
        job = jobs.get(session, job_id)
        assert (job.state, job.model_sha256) == ("in_progress", model.digest)


class SweptAway(LocalStorage):
    """A storage whose models vanish once, right after an import wrote the last file."""

    swept = False

    def write(self, key: str, blocks: Iterable[bytes], *, lasting: bool = True) -> int:
        size = super().write(key, blocks, lasting=lasting)
        if key.endswith("card.json") and not self.swept:
            self.swept = True
            self.delete(key.removesuffix("/card.json"))
        return size


def test_files_that_vanish_during_an_import_are_stored_again(
    services: Services, tmp_path: Path
) -> None:
    storage = SweptAway(services.settings.data / "storage")
    model = import_bundle(services.database, storage, write_bundle(tmp_path / "source"))
    assert storage.swept
    assert stored(services, model.digest)["model.safetensors"] == b"weights"


def test_a_sweep_leaves_a_running_import_alone_and_takes_an_old_one(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_source(write_bundle(tmp_path / "source")) as source:
        with services.database.writing() as session:
            registry.announce(session, source.model, source.card)
        store_bundle(services.storage, source)
    discard_unused(services.database, services.storage)
    assert len(left(services)[0]) == 2
    assert names(services) == []
    monkeypatch.setattr(registry, "IMPORT_TIME", -registry.IMPORT_TIME)
    discard_unused(services.database, services.storage)
    assert left(services) == ([], 0)
