"""Logs for TensorBoard, where its package is installed; nothing happens where it is not."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from semblante_worker.evaluation.curves import EpochRecord


def log_epoch(folder: Path, record: EpochRecord) -> None:
    """Add one epoch to the logs in `folder`."""
    if find_spec("tensorboard") is None:
        return
    from torch.utils.tensorboard import SummaryWriter  # type: ignore[attr-defined,unused-ignore]

    writer = SummaryWriter(str(folder))  # type: ignore[no-untyped-call,unused-ignore]
    for part in ("train", "validation"):
        for kind in ("loss", "accuracy"):
            value = getattr(record, f"{part}_{kind}")
            writer.add_scalar(  # type: ignore[no-untyped-call,unused-ignore]
                f"{kind}/{part}", value, record.epoch
            )
    writer.close()  # type: ignore[no-untyped-call,unused-ignore]
