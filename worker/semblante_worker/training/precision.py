"""In which numbers the passes of a network compute."""

from __future__ import annotations

from typing import Literal

import torch

from semblante_worker.training.recipe import Precision


def choose_precision(wanted: Precision, device: torch.device) -> Literal["float32", "bfloat16"]:
    """Return what `auto` means on `device`: bfloat16 where that is faster.

    It is on CUDA devices that have it, and on CPUs with tiles for it (AMX): docs/training.md has
    what it brings there. On other CPUs it has not been measured.
    """
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        is_faster = torch.cuda.is_bf16_supported()
    else:
        is_faster = bool(torch.cpu.get_capabilities().get("amx_bf16"))
    return "bfloat16" if is_faster else "float32"
