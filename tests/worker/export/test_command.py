"""`semblante export` as a person calls it, on a network that was never trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
from click.testing import CliRunner, Result

from bundle_factory import write_bundle
from networks import network_of, random_pixels
from picture_sets import write_folder
from semblante.bundle_import import import_bundle
from semblante.bundles import Bundle, read_bundle, shipped_bundle
from semblante.card import Architecture
from semblante.cli import cli
from semblante.errors import BundleError
from semblante.services import Services
from semblante_worker.engines import load_engine
from semblante_worker.export import run
from semblante_worker.training.starting_weights import read_weights

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of three classes, 8 pictures each, and one that cannot be read."""
    names = ("glad", "sad", "calm")
    folder = write_folder(tmp_path_factory.mktemp("faces"), {f"val/{name}": 8 for name in names})
    (folder / "val" / "sad" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    return folder


def plain_bundle(folder: Path, architecture: Architecture = "resnet18") -> Path:
    weights = safetensors.torch.save(network_of(architecture, 32).state_dict())
    return write_bundle(folder, weights, architecture=architecture)


def export(*words: object) -> Result:
    environment = {"SEMBLANTE_COMPUTE_THREADS": "1", "SEMBLANTE_DECODE_THREADS": "1"}
    arguments = ["export", *map(str, words)]
    return CliRunner().invoke(cli, arguments, prog_name="semblante", env=environment)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, faces: Path) -> Bundle:
    """The bundle after `semblante export BUNDLE DATASET`."""
    folder = plain_bundle(tmp_path_factory.mktemp("exported") / "b")
    result = export(folder, faces)
    assert result.exit_code == 0, result.output
    bundle = read_bundle(folder, verify=True)
    assert bundle.card.openvino is not None
    assert f"OpenVINO: {bundle.card.openvino.describe()}" in result.output
    assert f"{bundle.reference} is in {folder}." in result.output
    return bundle


def test_the_bundle_gets_its_graph_and_says_what_it_is_worth(
    exported: Bundle, services: Services
) -> None:
    names = ["card.json", "model.safetensors", "openvino.xml"]
    assert sorted(path.name for path in exported.folder.iterdir()) == names
    card = exported.card
    assert card.openvino is not None
    assert (card.openvino.n, card.openvino.data.endswith(", split val")) == (24, True)
    assert str(exported.folder.parent) not in card.model_dump_json()
    assert card.files["openvino.xml"].dtype == card.openvino.precision
    assert (
        import_bundle(services.database, services.storage, exported.folder).digest
        == exported.digest
    )


def test_torch_reads_the_same_network_as_before(exported: Bundle, tmp_path: Path) -> None:
    pixels = random_pixels(6, 32, 32)
    before = read_bundle(plain_bundle(tmp_path / "plain"), verify=True)
    expected = load_engine(before, "cpu", 1).predict(pixels)
    found = load_engine(exported, "cpu", 1, "torch").predict(pixels)
    assert found == pytest.approx(expected, abs=5e-3)  # the weights are in half precision now
    weights = read_weights(exported.path("model.safetensors"))
    assert weights.keys() == network_of("resnet18", 32).state_dict().keys()


def test_the_folder_is_exported_not_a_model_of_its_name(
    tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model was taken instead, and written to where it lies: in the package."""
    monkeypatch.chdir(tmp_path)
    before = read_bundle(plain_bundle(tmp_path / "resnet18-raf7"), verify=True)
    shipped = shipped_bundle("resnet18-raf7").digest
    result = export("resnet18-raf7", faces)
    assert result.exit_code == 0, result.output
    after = read_bundle(tmp_path / "resnet18-raf7", verify=True)
    assert after.classes == before.classes
    assert after.card.openvino is not None
    assert shipped_bundle("resnet18-raf7").digest == shipped
    (tmp_path / "resnet18-raf7" / "card.json").unlink()
    result = export("resnet18-raf7", faces)
    assert (result.exit_code, "[corrupt_bundle]" in result.output) == (2, True)


def test_a_second_export_changes_no_weight(exported: Bundle, faces: Path, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    shutil.copytree(exported.folder, folder)
    result = export(folder, faces)
    assert result.exit_code == 0, result.output
    first, second = (read_weights(f / "model.safetensors") for f in (exported.folder, folder))
    assert all(bool((second[name] == tensor).all()) for name, tensor in first.items())


def test_a_bundle_for_cpus_alone(tmp_path: Path, faces: Path, exported: Bundle) -> None:
    source = exported.folder
    result = export(source, faces, "--int8-only", "-o", tmp_path / "small")
    assert result.exit_code == 0, result.output
    small = read_bundle(tmp_path / "small", verify=True)
    assert sorted(small.card.files) == ["openvino.bin", "openvino.xml"]
    assert small.path("openvino.bin").stat().st_size < 0.52 * sum(
        path.stat().st_size for path in source.glob("*.safetensors")
    )
    levels = np.array([40, 40, 125, 125, 210, 210], dtype=np.uint8).reshape(6, 1, 1)
    pixels = levels + random_pixels(6, 32, 32) // 16  # like the pictures that set the ranges
    probabilities = load_engine(small, "auto", 1).predict(pixels)
    expected = load_engine(exported, "cpu", 1, "torch").predict(pixels)
    assert np.ptp(expected, axis=0).max() > 0.1
    assert np.abs(probabilities - expected).mean() < 0.05
    with pytest.raises(BundleError, match=r"has no model\.safetensors, so torch cannot run it"):
        load_engine(small, "cpu", 1, "torch")
    result = export(tmp_path / "small", faces)
    assert (result.exit_code, "[wrong_engine]" in result.output) == (2, True)


def test_a_network_of_depthwise_convolutions_for_cpus_alone(tmp_path: Path, faces: Path) -> None:
    """NNCF failed on it, aligning its channels."""
    folder = plain_bundle(tmp_path / "b", "mobilenet_v2")
    result = export(folder, faces, "--int8-only", "-o", tmp_path / "small")
    assert result.exit_code == 0, result.output
    assert sorted(read_bundle(tmp_path / "small", verify=True).card.files) == [
        "openvino.bin",
        "openvino.xml",
    ]


def test_int8_that_costs_too_much_is_not_written(
    tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MOST_COST", -1.0)
    folder = plain_bundle(tmp_path / "b")
    assert export(folder, faces).exit_code == 0
    bundle = read_bundle(folder, verify=True)
    assert bundle.card.openvino is not None
    assert bundle.card.openvino.precision == "float"
    pixels = random_pixels(6, 32, 32)
    expected = load_engine(bundle, "cpu", 1, "torch").predict(pixels)
    assert load_engine(bundle, "cpu", 1).predict(pixels) == pytest.approx(expected, abs=1e-4)


def test_classes_that_the_model_lacks_may_be_skipped(tmp_path: Path) -> None:
    names = ("glad", "sad", "calm", "bored")
    strange = write_folder(tmp_path / "strange", dict.fromkeys(names, 4))
    folder = plain_bundle(tmp_path / "b")
    assert export(folder, strange, "--skip-other-classes").exit_code == 0
    card = read_bundle(folder, verify=True).card
    assert card.openvino is not None


def test_what_cannot_be_exported_is_refused(tmp_path: Path, faces: Path) -> None:
    result = export("resnet18-raf7", faces)
    assert (result.exit_code, "Name a folder" in result.output) == (2, True)
    folder = plain_bundle(tmp_path / "b")
    result = export(folder, faces, "--int8-only")
    assert (result.exit_code, "Name a folder" in result.output) == (2, True)
    unreadable = write_folder(tmp_path / "unreadable", {"glad": 2, "sad": 2})
    for path in unreadable.rglob("*.png"):
        path.write_bytes(b"no image")
    strange = write_folder(tmp_path / "strange", {"glad": 2, "sad": 2, "calm": 2, "bored": 2})
    result = export(folder, strange)
    assert (result.exit_code, "[unknown_class]" in result.output) == (2, True)
    before = (folder / "card.json").read_bytes()
    result = export(folder, unreadable)
    assert (result.exit_code, "[empty_dataset]" in result.output) == (2, True)
    names = tmp_path / "names.txt"
    names.write_text("\n".join(path.name for path in (faces / "val" / "sad").iterdir()))
    result = export(folder, faces, "--exclude", names)
    assert (result.exit_code, "[empty_dataset]" in result.output) == (2, True)
    assert (folder / "card.json").read_bytes() == before
