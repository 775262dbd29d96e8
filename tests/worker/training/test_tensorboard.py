from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from semblante_worker.evaluation.curves import EpochRecord
from semblante_worker.training.tensorboard import log_epoch


def test_tensorboard_reads_the_curves(tmp_path: Path) -> None:
    for epoch in (1, 2):
        log_epoch(tmp_path, EpochRecord(epoch, 1 / epoch, 0.5, 0.25 * epoch, 0.75))
    read = EventAccumulator(str(tmp_path))
    read.Reload()
    curves = {
        name: [(point.step, point.value) for point in read.Scalars(name)]
        for name in read.Tags()["scalars"]
    }
    assert curves == {
        "loss/train": [(1, 1.0), (2, 0.5)],
        "accuracy/train": [(1, 0.5), (2, 0.5)],
        "loss/validation": [(1, 0.25), (2, 0.5)],
        "accuracy/validation": [(1, 0.75), (2, 0.75)],
    }


def test_nothing_is_written_without_tensorboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("semblante_worker.training.tensorboard.find_spec", lambda _name: None)
    log_epoch(tmp_path, EpochRecord(1, 1.0, 0.5, 1.0, 0.5))
    assert not list(tmp_path.iterdir())
