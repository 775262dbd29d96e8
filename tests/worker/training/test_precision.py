"""What `auto` means on which device."""

from __future__ import annotations

import pytest
import torch

from semblante_worker.training.precision import choose_precision
from semblante_worker.training.recipe import Precision


@pytest.mark.parametrize("instructions", ["amx_bf16", "avx512_bf16"])
@pytest.mark.parametrize(
    ("wanted", "device", "is_able", "expected"),
    [
        ("auto", "cpu", True, "bfloat16"),
        ("auto", "cpu", False, "float32"),
        ("auto", "cuda", True, "bfloat16"),
        ("auto", "cuda", False, "float32"),
        ("float32", "cpu", True, "float32"),
        ("bfloat16", "cpu", False, "bfloat16"),
    ],
)
def test_auto_is_what_the_device_is_faster_in(
    monkeypatch: pytest.MonkeyPatch,
    wanted: Precision,
    device: str,
    is_able: bool,
    expected: str,
    instructions: str,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {instructions: is_able})
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: is_able)
    assert choose_precision(wanted, torch.device(device)) == expected


def test_a_cpu_of_another_kind_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "aarch64"})
    assert choose_precision("auto", torch.device("cpu")) == "float32"
