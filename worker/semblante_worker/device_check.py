"""What `semblante doctor` says of the inference device."""

from __future__ import annotations

from semblante.check import Check


def check_device() -> Check:
    """Say which devices PyTorch can use here."""
    try:
        import torch
    except ImportError as error:
        return Check("device", ok=False, detail=str(error), remedy="Install semblante-worker.")
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        return Check("device", ok=True, detail=f"PyTorch {torch.__version__}, {', '.join(names)}")
    threads = torch.get_num_threads()
    return Check("device", ok=True, detail=f"PyTorch {torch.__version__}, CPU, {threads} threads")
