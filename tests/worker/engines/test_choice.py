"""Which engine runs which bundle where, and what is said when none can."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from bundle_factory import write_files
from semblante.bundles import Bundle, read_bundle
from semblante.errors import BundleError, SemblanteError, Unavailable
from semblante.settings import EngineName
from semblante_worker.engines import choice

FORMS = {
    "torch": ["model.safetensors"],
    "both": ["model.safetensors", "openvino.xml"],
    "cpu": ["openvino.xml", "openvino.bin"],
}


def bundle_of(folder: Path, form: str) -> Bundle:
    return read_bundle(write_files(folder / form, dict.fromkeys(FORMS[form], b"")), verify=True)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that says what is installed, and whether there is a CUDA device."""

    def describe(*installed: str, cuda: bool = False) -> None:
        known = importlib.util.find_spec("json")
        monkeypatch.setattr(choice, "find_spec", lambda name: known if name in installed else None)
        monkeypatch.setattr(choice, "_has_cuda", lambda: cuda and "torch" in installed)

    return describe


@pytest.mark.parametrize(
    ("form", "device", "installed", "cuda", "expected"),
    [
        ("both", "auto", ("openvino", "torch"), False, "openvino"),
        ("both", "auto", ("openvino", "torch"), True, "torch"),
        ("both", "cpu", ("openvino", "torch"), True, "openvino"),
        ("both", "cuda:1", ("openvino", "torch"), True, "torch"),
        ("both", "auto", ("openvino",), False, "openvino"),
        ("both", "auto", ("torch",), False, "torch"),
        ("torch", "auto", ("openvino", "torch"), False, "torch"),
        ("torch", "auto", ("openvino", "torch"), True, "torch"),
        ("cpu", "auto", ("openvino", "torch"), True, "openvino"),
    ],
)
def test_auto_takes_the_fastest_that_works(
    tmp_path: Path,
    machine: Callable[..., None],
    form: str,
    device: str,
    installed: tuple[str, ...],
    cuda: bool,
    expected: str,
) -> None:
    machine(*installed, cuda=cuda)
    assert choice.choose_engine(bundle_of(tmp_path, form), device, "auto") == expected


@pytest.mark.parametrize("engine", ["openvino", "torch"])
def test_a_wish_is_followed(
    tmp_path: Path, machine: Callable[..., None], engine: EngineName
) -> None:
    machine("openvino", "torch", cuda=True)
    assert choice.choose_engine(bundle_of(tmp_path, "both"), "auto", engine) == engine


@pytest.mark.parametrize(
    ("form", "device", "engine", "installed", "kind", "message"),
    [
        ("torch", "auto", "auto", ("openvino",), Unavailable, r"install semblante-worker\[gpu\]"),
        ("cpu", "auto", "auto", ("torch",), Unavailable, "needs openvino, which is not installed"),
        ("both", "auto", "auto", (), Unavailable, "needs openvino or torch"),
        ("torch", "cpu", "openvino", ("openvino",), BundleError, "has no openvino.xml"),
        ("cpu", "cpu", "torch", ("torch",), BundleError, "has no model.safetensors"),
        ("cpu", "cuda", "auto", ("openvino", "torch"), BundleError, "has no model.safetensors"),
        ("both", "cuda", "openvino", ("openvino",), Unavailable, "it runs on CPUs"),
        ("both", "cuda", "auto", ("openvino",), Unavailable, "torch is not installed"),
        ("both", "cpu", "torch", ("openvino",), Unavailable, "torch is not installed"),
    ],
)
def test_what_cannot_run_is_named_with_its_remedy(
    tmp_path: Path,
    machine: Callable[..., None],
    form: str,
    device: str,
    engine: EngineName,
    installed: tuple[str, ...],
    kind: type[SemblanteError],
    message: str,
) -> None:
    machine(*installed, cuda=True)
    bundle = bundle_of(tmp_path, form)
    with pytest.raises(kind, match=message) as caught:
        choice.choose_engine(bundle, device, engine)
    assert bundle.reference in caught.value.message or device == "cuda"
    assert caught.value.code == ("wrong_engine" if kind is BundleError else "component_missing")
