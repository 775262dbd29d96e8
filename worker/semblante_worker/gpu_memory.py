"""Memory of this host's NVIDIA GPUs, asked of their driver at each scrape; nothing without one."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class GpuMemory(Collector):
    """Used and total bytes of each device, whoever uses them."""

    def __init__(self, nvml: Any) -> None:
        """Ask through `nvml`, the initialised module of NVIDIA's management library."""
        self._nvml = nvml

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Ask the driver; devices are named by its number and model."""
        labels = ["device", "name"]
        used = GaugeMetricFamily("semblante_gpu_memory_used_bytes", "Used.", labels=labels)
        total = GaugeMetricFamily("semblante_gpu_memory_total_bytes", "Of the GPU.", labels=labels)
        for number in range(self._nvml.nvmlDeviceGetCount()):
            device = self._nvml.nvmlDeviceGetHandleByIndex(number)
            memory = self._nvml.nvmlDeviceGetMemoryInfo(device)
            names = [str(number), self._nvml.nvmlDeviceGetName(device)]
            used.add_metric(names, memory.used)
            total.add_metric(names, memory.total)
        yield used
        yield total


def gpu_memory() -> GpuMemory | None:
    """Return a collector where there is a driver, and the package that asks it."""
    if find_spec("pynvml") is None:
        return None
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return GpuMemory(pynvml)
