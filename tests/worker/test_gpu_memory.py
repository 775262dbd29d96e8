"""The memory of GPUs as Prometheus sees it, with a stand-in for the driver, and without a GPU."""

from __future__ import annotations

from types import SimpleNamespace

import pynvml
import pytest
from prometheus_client import CollectorRegistry

from semblante_worker import gpu_memory
from semblante_worker.gpu_memory import GpuMemory

GIB = 1024**3


class Driver:
    """Answers as NVIDIA's library does on a host with two devices."""

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802 (NVIDIA's name)
        return 2

    def nvmlDeviceGetHandleByIndex(self, number: int) -> int:  # noqa: N802
        return number

    def nvmlDeviceGetMemoryInfo(self, device: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(used=(device + 1) * GIB, total=80 * GIB)

    def nvmlDeviceGetName(self, device: int) -> str:  # noqa: N802
        return f"GPU model {device}"


def test_each_device_has_its_samples() -> None:
    assert {name for name in vars(Driver) if name.startswith("nvml")} <= set(dir(pynvml))
    registry = CollectorRegistry()
    registry.register(GpuMemory(Driver()))
    for device in (0, 1):
        labels = {"device": str(device), "name": f"GPU model {device}"}
        used = registry.get_sample_value("semblante_gpu_memory_used_bytes", labels)
        total = registry.get_sample_value("semblante_gpu_memory_total_bytes", labels)
        assert (used, total) == ((device + 1) * GIB, 80 * GIB)


def test_without_a_driver_there_is_no_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    assert gpu_memory.gpu_memory() is None


def test_without_the_package_there_is_no_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_memory, "find_spec", lambda name: None)
    assert gpu_memory.gpu_memory() is None
