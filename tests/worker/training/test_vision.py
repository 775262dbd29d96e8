"""torchvision beside a PyTorch that its compiled operators do not fit."""

from __future__ import annotations

import subprocess
import sys

import pytest

from semblante.errors import Unavailable
from semblante_worker import vision


def test_it_is_imported_in_a_fresh_process_without_a_warning() -> None:
    code = (
        "from semblante_worker.vision import load_torchvision\n"
        "v = load_torchvision()\n"
        "print(v.models.resnet50 is not None, v.transforms.v2.MixUp is not None)"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("True True\n", "")


def test_inference_of_our_own_networks_does_not_import_it() -> None:
    code = (
        "import sys\nfrom semblante_worker.architectures import build_network\n"
        "build_network('resnet18', 7)\nimport semblante_worker.engines.torch_engine\n"
        "print('torchvision' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vision, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"install semblante-worker\[train\]") as caught:
        vision.load_torchvision.__wrapped__()  # what other tests loaded stays loaded
    assert caught.value.code == "component_missing"
