"""Torchvision's ImageNet weights, fetched by torchvision's own code from a server of this test."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from file_server import Answer, FileServer, file_server
from semblante.errors import Unavailable
from semblante_worker.architectures import build_network
from semblante_worker.training.starting_weights import download_weights
from semblante_worker.vision import load_torchvision


@dataclass
class Publisher:
    """Serves a network's weights under a name with a part of their hash, as torchvision's do."""

    server: FileServer
    patch: pytest.MonkeyPatch
    weights: dict[str, torch.Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.weights = build_network("resnet18", 1000).state_dict()

    def publish(self, name_of: str | None = None) -> None:
        """Serve the weights; `name_of` is the hash that their name tells instead of theirs."""
        buffer = io.BytesIO()
        torch.save(self.weights, buffer)
        digest = name_of or hashlib.sha256(buffer.getvalue()).hexdigest()
        path = f"/resnet18-{digest[:8]}.pth"
        self.server.answers[path] = Answer(buffer.getvalue())
        published = load_torchvision().models.get_model_weights("resnet18")["IMAGENET1K_V1"]
        self.patch.setattr(published.value, "url", self.server.url + path)


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    with file_server() as server:
        yield Publisher(server, monkeypatch)


def test_weights_are_downloaded_once(publisher: Publisher) -> None:
    publisher.publish()
    for _ in range(2):
        weights = download_weights("resnet18")
        assert weights.keys() == publisher.weights.keys()
        assert torch.equal(weights["fc.weight"], publisher.weights["fc.weight"])
    assert len(publisher.server.requests) == 1


def test_bytes_of_another_hash_are_refused(publisher: Publisher, tmp_path: Path) -> None:
    publisher.publish(name_of="0" * 64)
    with pytest.raises(
        Unavailable, match=r"resnet18 cannot be downloaded \(invalid hash"
    ) as caught:
        download_weights("resnet18")
    assert caught.value.code == "component_missing"
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_server_without_them_is_told_with_a_way_out(publisher: Publisher) -> None:
    publisher.publish()
    publisher.server.answers.clear()
    with pytest.raises(Unavailable, match=r"HTTP Error 404.*Give a file by --init"):
        download_weights("resnet18")
