"""What `semblante doctor` says of the inference device."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from semblante.check import Check
from semblante_worker.decode import usable_cores


def check_device() -> Check:
    """Say which devices the installed engines can use here."""
    detail = f"OpenVINO {version('openvino')}, CPU, {usable_cores()} cores"
    with suppress(PackageNotFoundError):
        detail += f"; PyTorch {version('torch')}, {_cuda_devices()}"
    return Check("device", ok=True, detail=detail)


def _cuda_devices() -> str:
    import torch

    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return ", ".join(names) or "no CUDA device"
