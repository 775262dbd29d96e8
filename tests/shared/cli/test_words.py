"""What people read: the summary and the progress."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from semblante.cli.progress import bytes_progress, job_progress, numbers_of
from semblante.cli.summary import summary_lines
from semblante.duration import duration
from semblante.job_view import JobView
from stand_in import job_json

START, END = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC), datetime(2026, 1, 1, 12, 1, 5, tzinfo=UTC)


def job(state: str, **changes: object) -> JobView:
    return JobView.model_validate(job_json("j1", state, **changes))


def test_the_summary_of_a_completed_job() -> None:
    view = job(
        "completed",
        counts={"total": 1003, "ok": 1000, "no_face": 1, "failed": 2, "skipped": 4, "faces": 1000},
        emotions={"happiness": 750, "neutral": 250},
        images_per_second=15.4,
        in_progress_at=START,
        completed_at=END,
    )
    meaning = "The member's bytes do not match its checksum: the archive is damaged."
    assert list(summary_lines(view, {"crc_mismatch": 2})) == [
        "faces.zip: 1,003 images in 1 min 5 s, 15.4 images/s, model resnet18-raf7@0123456789ab",
        "  labelled 1,000, without a face 1, failed 2, skipped (no images) 4",
        "    happiness  ██████████████████░░░░░░        750   75.0 %",
        "    neutral    ██████░░░░░░░░░░░░░░░░░░        250   25.0 %",
        "  Failed images:",
        f"          2  crc_mismatch: {meaning}",
    ]


def test_the_summary_of_other_jobs() -> None:
    error = {"code": "no_images", "detail": "Nothing there."}
    assert list(summary_lines(job("failed", error=error), {})) == [
        "The job over faces.zip is failed: Nothing there. [no_images]"
    ]
    assert list(summary_lines(job("cancelled"), {})) == ["The job over faces.zip is cancelled."]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_numbers_of_a_running_job() -> None:
    counts = {"total": 5000, "ok": 1200, "no_face": 0, "failed": 3, "skipped": 0, "faces": 1200}
    view = job("in_progress", counts=counts, images_per_second=99.95, eta_seconds=38.0)
    assert numbers_of(view) == "1,203/5,000 images, 100.0/s, 38 s left, 3 failed"


def test_without_a_terminal_a_line_is_printed_when_the_state_changes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with job_progress() as show:
        for state in ("validating", "validating", "in_progress", "in_progress", "completed"):
            show(job(state, counts={**job_json("j")["counts"], "total": 0}))
    with bytes_progress("Sending") as show_bytes:
        show_bytes(1, 2)
    printed = capsys.readouterr()
    assert printed.err == "Reading the archive\nLabelling\nCompleted\nSending ...\n"
    assert printed.out == ""
