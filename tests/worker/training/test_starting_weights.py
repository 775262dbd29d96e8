"""Starting weights: what is taken of a file, and that nothing in it is run."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from semblante.errors import TrainingError
from semblante_worker.architectures import build_network
from semblante_worker.training.starting_weights import read_weights, take_weights


def some_weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(5)
    return {k: v.half() for k, v in build_network("resnet18", 4).state_dict().items()}


@pytest.mark.parametrize("kind", ["safetensors", "pth", "nested"])
def test_kinds_of_files(tmp_path: Path, kind: str) -> None:
    weights = some_weights()
    path = tmp_path / ("w.safetensors" if kind == "safetensors" else "w.pth")
    if kind == "safetensors":
        safetensors.torch.save_file(weights, path)
    else:
        torch.save({"epoch": 3, "model": weights} if kind == "nested" else weights, path)
    network = build_network("resnet18", 7)
    del weights["layer4.1.conv2.weight"]
    tensors = read_weights(path)
    del tensors["layer4.1.conv2.weight"]
    taken = take_weights(network, {**tensors, "more": torch.zeros(1)}, "w")
    assert (len(taken.taken), taken.missing) == (99, ("layer4.1.conv2.weight",))
    assert (taken.reshaped, taken.unused) == (("fc.weight", "fc.bias"), ("more",))
    assert torch.equal(network.state_dict()["conv1.weight"], weights["conv1.weight"].float())
    assert "1 missing there, start at random: layer4.1.conv2.weight" in taken.describe()
    assert taken.describe().partition("\n")[0] == (
        "Starting weights: w: 99 tensors taken: conv1, bn1, layer1, layer2, layer3, layer4.0, "
        "layer4.1.conv1, layer4.1.bn1, layer4.1.bn2"
    )


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("trap-was-run"),))


NO_WEIGHTS = [b"", b"nothing", pickle.dumps(Trap(), 2), pickle.dumps({"a": 1}, 2)]


@pytest.mark.parametrize("content", NO_WEIGHTS, ids=["empty", "text", "trap", "table"])
@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_files_that_are_no_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TrainingError, match="starting weights cannot be used") as caught:
        read_weights(tmp_path / name)
    assert not caught.value.message.endswith(": .")
    assert caught.value.code == "invalid_weights"
    assert not (tmp_path / "trap-was-run").exists()


def test_nobody_is_told_to_load_a_file_unsafely(tmp_path: Path) -> None:
    """Torch's own words advise weights_only=False."""
    path = tmp_path / "w.pth"
    torch.save({"weights": Trap()}, path)
    with pytest.raises(TrainingError, match="holds no table of tensors") as caught:
        read_weights(path)
    assert "weights_only" not in caught.value.message


def test_weights_of_another_network() -> None:
    network = build_network("mobilenet_v2", 3)
    with pytest.raises(
        TrainingError, match=r"fits no layer of the network; it may be of another architecture\.$"
    ):
        take_weights(network, some_weights(), "w")


def test_real_files(shared_data: Path) -> None:
    weights = shared_data / "weights"
    partial = read_weights(weights / "resnet18_imagenet1k_v1_partial.pth")
    taken = take_weights(build_network("resnet18", 7), partial, "partial")
    assert (len(taken.taken), len(taken.missing), len(taken.reshaped)) == (80, 20, 2)
    whole = "conv1, bn1, layer1, layer2, layer3, layer4.0.downsample\n"
    assert f"80 tensors taken: {whole}" in taken.describe()
    complete = read_weights(weights / "mobilenet_v2_coral_qat_torchvision_layout.pth")
    taken = take_weights(build_network("mobilenet_v2", 3), complete, "complete")
    assert (len(taken.taken), taken.missing, len(taken.reshaped)) == (260, (), 2)
