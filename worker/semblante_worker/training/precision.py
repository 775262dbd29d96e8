"""In which numbers the passes of a network compute."""

from __future__ import annotations

from typing import Literal

import torch

from semblante_worker.training.recipe import Precision

CPU_INSTRUCTIONS = ("amx_bf16", "avx512_bf16")


def choose_precision(wanted: Precision, device: torch.device) -> Literal["float32", "bfloat16"]:
    """Return what `auto` means on `device`: bfloat16 where that is faster.

    It is on CUDA devices that have it, and on CPUs with products for it, in tiles (AMX) or in
    vectors (AVX-512 BF16): docs/training.md has what it brings there.
    """
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        is_faster = torch.cuda.is_bf16_supported()
    else:
        found = torch.cpu.get_capabilities()
        is_faster = any(found.get(name) for name in CPU_INSTRUCTIONS)
    return "bfloat16" if is_faster else "float32"
