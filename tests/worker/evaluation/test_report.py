"""The report: every figure in metrics.json, and a page that needs nothing but itself."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from factory import jpeg
from semblante.emotions import EMOTIONS, Emotion
from semblante.errors import ImageError
from semblante_worker.evaluation.curves import EpochRecord
from semblante_worker.evaluation.evaluation import evaluate_predictions
from semblante_worker.evaluation.figures import Evaluation
from semblante_worker.evaluation.mistakes import Mistake, thumbnail
from semblante_worker.evaluation.report import write_report
from semblante_worker.evaluation.subject import Subject

CURVES = [EpochRecord(1, 1.5, 0.4, 1.4, 0.45), EpochRecord(2, 1.1, 0.6, 1.2, 0.55)]


class Page(HTMLParser):
    """Collects what a page loads, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = ("src", "srcset", "href")
        self.addresses += [value or "" for name, value in attrs if name in names]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    truth = np.array([0, 0, 1, 1, 2, 3, 4, 5])
    probabilities = np.full((8, 7), 0.05, np.float32)
    probabilities[np.arange(8), [0, 0, 1, 0, 2, 3, 4, 5]] = 0.7
    failed = {"corrupt_image": 1, "no_face": 1}
    return evaluate_predictions(
        truth, probabilities, EMOTIONS, failed, failed_truth=np.array([0, 1]), resamples=50
    )


def test_the_page_stands_alone_and_says_everything(tmp_path: Path, evaluation: Evaluation) -> None:
    subject = Subject(
        "m@0", "faces <b>", "test", 1.5, "A model.", "Some data.", "Research only.", "No feelings."
    )
    path = write_report(
        evaluation,
        tmp_path / "new" / "report",
        mistakes=[
            Mistake("x/<i>.jpg", 1, 0, 0.7, thumbnail(jpeg(), 10_000)),
            Mistake("y", 2, 3, 1),
        ],
        curves=CURVES,
        subject=subject,
    )
    assert path == tmp_path / "new" / "report" / "report.html"
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.addresses) == 2 * 3 + 1
    assert all(one.startswith("data:image/png;base64,") for one in page.addresses)
    assert not {"script", "link", "i"} & set(page.tags)
    assert "url(" not in text
    assert "prefers-color-scheme: dark" in text
    for words in (
        "10 images of faces <b>, split test",
        "87.5 %",
        "corrupt_image 1, no_face 1",
        "counted as wrong 10 70.0",
        "surprise sorprendido",
        "x/<i>.jpg",
        "Temperature 1.5.",
        "The data have no image of: neutral.",
        "Some data.",
        "Research only.",
        "No feelings.",
    ):
        assert words in " ".join(page.text.split()), words


def test_metrics_json_has_the_figures(tmp_path: Path, evaluation: Evaluation) -> None:
    write_report(evaluation, tmp_path, mistakes=[], curves=CURVES)
    document = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert (document["images"], document["labelled"]) == (10, 8)
    assert document["failed"] == {"corrupt_image": 1, "no_face": 1}
    assert document["left_out"]["accuracy"]["value"] == 0.875
    assert document["counted_as_wrong"]["accuracy"]["value"] == 0.7
    assert document["ece"]["value"] == 0.175
    assert document["brier"]["value"] == pytest.approx((7 * 0.105 + 1.405) / 8, abs=1e-6)
    assert document["confusion"][1] == [1, 1, 0, 0, 0, 0, 0]
    assert document["confusion_by_row"][1] == [0.5, 0.5, 0, 0, 0, 0, 0]
    assert document["confusion_by_row"][6] == [None] * 7
    assert document["classes"][1]["es"] == "miedo"
    assert document["classes"][1]["recall"]["value"] == 0.5
    assert document["classes"][6]["recall"] is None
    assert len(document["reliability"]) == 15
    assert document["intervals"] == {"level": 0.95, "resamples": 50, "seed": 20170806}
    assert document["curves"][1] == {
        "epoch": 2,
        "train_loss": 1.1,
        "train_accuracy": 0.6,
        "validation_loss": 1.2,
        "validation_accuracy": 0.55,
    }
    assert document["subject"] is None


@pytest.mark.parametrize("classes", [2, 40])
def test_any_number_of_classes_is_drawn(tmp_path: Path, classes: int) -> None:
    emotions = [Emotion(f"c{number}", f"c{number}", f"k{number}") for number in range(classes)]
    labels = np.arange(classes)
    probabilities = np.eye(classes, dtype=np.float32)
    found = evaluate_predictions(labels, probabilities, emotions, {}, resamples=20)
    text = write_report(found, tmp_path, mistakes=[], curves=CURVES[:1]).read_text("utf-8")
    assert "None: every image got a label." in text
    assert "100.0 %" in text


def test_the_same_evaluation_gives_the_same_bytes(tmp_path: Path, evaluation: Evaluation) -> None:
    pages = [
        write_report(evaluation, tmp_path / name, mistakes=[], curves=CURVES).read_bytes()
        for name in ("one", "two")
    ]
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("mode", "kept"), [("RGB", "RGB"), ("L", "L"), ("RGBA", "RGB"), ("P", "RGB"), ("I;16", "L")]
)
def test_thumbnails_are_small_pngs(mode: str, kept: str) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (300, 150)).save(buffer, "PNG")
    with Image.open(io.BytesIO(thumbnail(buffer.getvalue(), 100_000))) as image:
        assert (image.format, image.size, image.mode) == ("PNG", (112, 56), kept)


def test_no_picture_no_thumbnail() -> None:
    with pytest.raises(ImageError):
        thumbnail(b"no image", 100)


def test_measuring_needs_neither_torch_nor_matplotlib() -> None:
    code = (
        "import sys, semblante_worker.evaluation.evaluation, semblante_worker.evaluation.report,"
        " semblante_worker.evaluation.temperature, semblante_worker.evaluation.command\n"
        "print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in re.split(r"\s", run.stdout)}
    assert loaded & {"torch", "matplotlib", "jinja2", "sqlalchemy"} == set()
