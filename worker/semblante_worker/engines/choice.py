"""Which engine runs a bundle on this machine: PyTorch on GPUs, OpenVINO on CPUs where it can.

Neither library is imported to find out, but for PyTorch where there is a CUDA driver.
"""

from __future__ import annotations

import ctypes
from importlib.util import find_spec

from semblante.bundles import Bundle
from semblante.card import GRAPH, WEIGHTS
from semblante.errors import BundleError, Unavailable
from semblante.message import Message
from semblante.settings import EngineName

_INSTALL: dict[EngineName, str] = {
    "openvino": "semblante-worker",
    "torch": "semblante-worker[gpu]",
}
_NEEDS: dict[EngineName, str] = {"openvino": GRAPH, "torch": WEIGHTS}
"""What each engine loads, in the order in which they are taken on a CPU."""


def choose_engine(bundle: Bundle, device: str, wanted: EngineName) -> EngineName:
    """Return `torch` or `openvino`: the one that is wanted, or for `auto` the fastest that works.

    That is PyTorch where `device` names a CUDA device, or is `auto` and there is one. On CPUs it is
    OpenVINO if the bundle has its graph, else PyTorch if that is installed.

    Raises:
        BundleError: `wrong_engine`, when the bundle lacks the files of the engine that is wanted.
        Unavailable: `component_missing`, when no installed engine can run the bundle on `device`.
    """
    if wanted != "auto":
        return _checked(bundle, device, wanted)
    if device not in ("auto", "cpu"):
        return _checked(bundle, device, "torch")
    if device == "auto" and WEIGHTS in bundle.card.files and _has_cuda():
        return "torch"
    able = [engine for engine, file in _NEEDS.items() if file in bundle.card.files]
    for engine in able:
        if find_spec(engine) is not None:
            return engine
    raise Unavailable(
        "component_missing",
        "The model %(reference)s needs %(engines)s, which is not installed here: "
        "install %(packages)s.",
        reference=bundle.reference,
        engines=" or ".join(able),
        packages=" or ".join(_INSTALL[engine] for engine in able),
    )


def _checked(bundle: Bundle, device: str, engine: EngineName) -> EngineName:
    if _NEEDS[engine] not in bundle.card.files:
        remedy = (
            Message("make it by `semblante export`")
            if engine == "openvino"
            else Message("use a CPU")
        )
        raise BundleError(
            "wrong_engine",
            "The model %(reference)s has no %(file)s, so %(engine)s cannot run it: "
            "%(remedy)s, or take another model.",
            reference=bundle.reference,
            file=_NEEDS[engine],
            engine=engine,
            remedy=remedy,
        )
    if engine == "openvino" and device not in ("auto", "cpu"):
        raise Unavailable(
            "component_missing",
            "There is no device %(device)r for openvino: it runs on CPUs.",
            device=device,
        )
    if find_spec(engine) is None:
        raise Unavailable(
            "component_missing",
            "%(engine)s is not installed, which the model %(reference)s is to run on: "
            "install %(package)s.",
            engine=engine,
            reference=bundle.reference,
            package=_INSTALL[engine],
        )
    return engine


def _has_cuda() -> bool:
    """Whether PyTorch is installed and sees a CUDA device; without a driver it is not asked."""
    if find_spec("torch") is None:
        return False
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    import torch

    return torch.cuda.is_available()
