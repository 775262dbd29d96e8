"""The state of a run: what is written is read again, whatever the numbers are."""

from __future__ import annotations

import json
import math
from pathlib import Path

from semblante_worker.evaluation.curves import EpochRecord
from semblante_worker.training.run_state import STATE, Progress, read_progress


def no_constant(name: str) -> float:
    raise AssertionError(f"{name} is no JSON")


def test_losses_that_are_not_finite_survive(tmp_path: Path) -> None:
    record = EpochRecord(1, math.inf, 0.5, math.nan, 0.25)
    text = Progress(identity="x", epoch=1, records=(record,)).model_dump_json()
    json.loads(text, parse_constant=no_constant)
    (tmp_path / STATE).write_text(text, encoding="utf-8")
    progress = read_progress(tmp_path)
    assert progress is not None
    [again] = progress.records
    assert (again.train_loss, math.isnan(again.validation_loss)) == (math.inf, True)


def test_metrics_have_null_for_them() -> None:
    values = EpochRecord(1, math.inf, 0.5, math.nan, 0.25).as_values()
    assert values == {
        "epoch": 1,
        "train_loss": None,
        "train_accuracy": 0.5,
        "validation_loss": None,
        "validation_accuracy": 0.25,
    }
