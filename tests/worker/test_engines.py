"""Engines, above all that for torch: probabilities, any batch, and what cannot be loaded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from bundle_factory import PREPROCESS, write_bundle
from networks import random_pixels
from semblante.bundles import Bundle, read_bundle, shipped_bundle
from semblante.errors import BundleError, Unavailable
from semblante_worker.engines import Engine, Numbers, load_engine
from semblante_worker.engines.torch_engine import load_network
from semblante_worker.preprocess import Pixels
from semblante_worker.resnet import build_resnet


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tests run side by side, and threads that outnumber the cores wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class FixedEngine(Engine):
    """Gives the first pixel times (1, 2, 3) as logits, and notices company."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.alone = threading.Lock()

    def _compute_logits(self, batch: Pixels) -> Numbers:
        assert self.alone.acquire(blocking=False)
        logits = batch[:, 0, :1].astype(np.float32) * np.array([1, 2, 3], dtype=np.float32)
        self.alone.release()
        return np.where(batch[:, 0, :1] == 255, np.float32("nan"), logits)


def fixed(folder: Path, temperature: float = 1.0) -> FixedEngine:
    return FixedEngine(read_bundle(write_bundle(folder, temperature=temperature), verify=True))


def random_bundle(folder: Path, **changes: Any) -> Bundle:
    """A bundle with random weights and batch norm statistics that a folding must get right."""
    torch.manual_seed(3)
    network = build_resnet(changes.get("architecture", "resnet18"), 3)
    for name, tensor in network.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            tensor.normal_(std=0.1)
        elif name.endswith("running_var") or ("bn" in name and name.endswith("weight")):
            tensor.uniform_(0.5, 1.0)
    weights = safetensors.torch.save(network.state_dict())
    return read_bundle(write_bundle(folder, weights, **changes), verify=True)


def test_probabilities_are_a_softmax(tmp_path: Path) -> None:
    batch = np.zeros((2, 32, 32), dtype=np.uint8)
    batch[1] = 1
    probabilities = fixed(tmp_path / "b").predict(batch)
    assert probabilities.dtype == np.float32
    assert probabilities[0].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert probabilities[1].tolist() == pytest.approx([0.0900306, 0.2447285, 0.6652410])


def test_temperature_flattens_and_large_logits_do_not_overflow(tmp_path: Path) -> None:
    batch = np.full((1, 32, 32), 2, dtype=np.uint8)
    assert fixed(tmp_path / "warm", 2.0).predict(batch)[0].tolist() == pytest.approx(
        [0.0900306, 0.2447285, 0.6652410]
    )
    batch[:] = 254
    assert fixed(tmp_path / "cold", 0.01).predict(batch)[0].tolist() == [0, 0, 1]


def test_no_images_give_no_rows(tmp_path: Path) -> None:
    assert fixed(tmp_path / "b").predict(np.empty((0, 32, 32), dtype=np.uint8)).shape == (0, 3)


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((1, 32, 32), dtype=np.float32),
        np.zeros((1, 32, 31), dtype=np.uint8),
        np.zeros((1, 32, 32, 3), dtype=np.uint8),
        np.zeros((32, 32), dtype=np.uint8),
    ],
)
def test_pixels_of_another_form_are_a_defect(tmp_path: Path, batch: Any) -> None:
    with pytest.raises(ValueError, match="need uint8"):
        fixed(tmp_path / "b").predict(batch)


def test_numbers_that_are_none_are_never_results(tmp_path: Path) -> None:
    batch = np.zeros((3, 32, 32), dtype=np.uint8)
    batch[1] = 255
    with pytest.raises(BundleError, match="no finite numbers"):
        fixed(tmp_path / "b").predict(batch)


def test_one_pass_at_a_time(tmp_path: Path) -> None:
    engine = fixed(tmp_path / "b")
    batch = np.ones((500, 32, 32), dtype=np.uint8)
    with ThreadPoolExecutor(8) as executor:
        results = list(executor.map(lambda _: engine.predict(batch), range(40)))
    assert all((result == results[0]).all() for result in results)


@pytest.mark.parametrize(
    ("architecture", "count"), [("resnet18", 11689512), ("resnet34", 21797672)]
)
def test_networks_have_the_published_number_of_weights(architecture: str, count: int) -> None:
    network = build_resnet(architecture, 1000)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


def test_keys_are_those_of_torchvision() -> None:
    state = build_resnet("resnet18", 7).state_dict()
    assert len(state) == 122
    assert state["conv1.weight"].shape == (64, 3, 7, 7)
    assert state["layer2.0.downsample.0.weight"].shape == (128, 64, 1, 1)
    assert state["layer4.1.bn2.running_var"].shape == (512,)
    assert state["fc.weight"].shape == (7, 512)
    assert "layer1.0.downsample.0.weight" not in state


@pytest.mark.parametrize(
    ("architecture", "preprocess"),
    [
        ("resnet18", PREPROCESS),
        ("resnet34", PREPROCESS),
        ("resnet18", PREPROCESS | {"std": [0.2, 0.3, 0.4]}),
        ("resnet18", PREPROCESS | {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]}),
        ("resnet18", PREPROCESS | {"colour": "rgb", "mean": [0.4, 0.5, 0.6], "crop": [24, 28]}),
    ],
    ids=["grey", "deeper", "grey-three-stds", "grey-three-means", "rgb"],
)
def test_the_engine_equals_the_plain_network(
    tmp_path: Path, architecture: str, preprocess: dict[str, Any]
) -> None:
    bundle = random_bundle(tmp_path / "b", architecture=architecture, preprocess=preprocess)
    batch = random_pixels(5, *bundle.card.preprocess.shape)

    engine = load_engine(bundle, "cpu", compute_threads=1)

    colours = np.stack([batch] * 3, axis=-1) if batch.ndim == 3 else batch
    normal = (colours / 255 - preprocess["mean"]) / preprocess["std"]
    with torch.inference_mode():
        plain = load_network(bundle)(torch.tensor(normal, dtype=torch.float32).permute(0, 3, 1, 2))
    expected = plain.softmax(dim=1).numpy()
    assert np.ptp(expected, axis=0).max() > 1e-3  # the images differ, so equality says something
    assert engine.predict(batch) == pytest.approx(expected, abs=1e-5)


def test_results_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    engine = load_engine(shipped_bundle("resnet18-raf7"), "cpu", compute_threads=1, engine="torch")
    pixels = random_pixels(70, 112, 112)
    pixels.flags.writeable = False  # as pixels straight from Pillow are
    together = engine.predict(pixels)
    assert together.shape == (70, 7)
    assert together.sum(axis=1) == pytest.approx(np.ones(70), abs=1e-5)
    for size in (1, 7, 33):
        parts = [engine.predict(pixels[first : first + size]) for first in range(0, 70, size)]
        assert np.concatenate(parts) == pytest.approx(together, abs=1e-5)


def save(**tensors: Any) -> bytes:
    return bytes(safetensors.torch.save(tensors))


@pytest.mark.parametrize(
    "weights",
    [
        b"",
        b"\x80\x04N.",  # a pickle is no weights file, and is not opened as one
        save(),
        save(**build_resnet("resnet18", 4).state_dict()),
        save(**build_resnet("resnet18", 3).state_dict(), extra=torch.zeros(1)),
        save(**build_resnet("resnet34", 3).state_dict()),
    ],
    ids=["empty", "pickle", "nothing", "classes", "extra", "architecture"],
)
def test_weights_that_do_not_fit_the_card_are_refused(tmp_path: Path, weights: bytes) -> None:
    bundle = read_bundle(write_bundle(tmp_path / "b", weights), verify=True)
    with pytest.raises(BundleError, match=r"model\.safetensors: its weights do not fit the card"):
        load_engine(bundle, "cpu", compute_threads=1)


def test_weights_changed_since_the_card_was_read_are_refused(tmp_path: Path) -> None:
    bundle = random_bundle(tmp_path / "b")
    other = build_resnet("resnet18", 3).state_dict()
    bundle.path("model.safetensors").write_bytes(safetensors.torch.save(other))
    with pytest.raises(BundleError, match="its sha256 is not the one in the card"):
        load_engine(bundle, "cpu", compute_threads=1)


@pytest.mark.parametrize("device", ["cuda:99", "cuda:x", "cuda:-1", "tpu", ""])
def test_a_device_that_is_not_there(tmp_path: Path, device: str) -> None:
    with pytest.raises(Unavailable, match="There is no device") as caught:
        load_engine(shipped_bundle("resnet18-raf7"), device)
    assert caught.value.code == "component_missing"
