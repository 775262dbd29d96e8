"""What is drawn: the numbers that reach the axes, and pictures for light and dark pages."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from semblante.emotions import EMOTIONS
from semblante_worker.evaluation import charts, drawing
from semblante_worker.evaluation.curves import EpochRecord
from semblante_worker.evaluation.evaluation import evaluate_predictions

RECORDS = [EpochRecord(1, 1.5, 0.4, 1.4, 0.45), EpochRecord(2, 1.1, 0.6, 1.2, 0.55)]


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Collect every figure that is drawn."""
    drawn: list[Figure] = []

    class Kept(Figure):
        def __init__(self, **options: object) -> None:
            super().__init__(**options)  # type: ignore[arg-type]
            drawn.append(self)

    monkeypatch.setattr(drawing, "Figure", Kept)
    return drawn


def lines(axes: Axes) -> list[tuple[str, list[float]]]:
    return [
        (str(line.get_linestyle()), np.asarray(line.get_ydata()).tolist()) for line in axes.lines
    ]


def test_curves_lie_side_by_side_training_solid_validation_dotted(figures: list[Figure]) -> None:
    picture = charts.curves_chart(RECORDS)
    assert len(figures) == 2
    for figure in figures:
        left, right = figure.axes
        assert (left.get_title(), right.get_title()) == ("Accuracy", "Loss")
        assert lines(left) == [("-", [0.4, 0.6]), (":", [0.45, 0.55])]
        assert lines(right) == [("-", [1.5, 1.1]), (":", [1.4, 1.2])]
        legend = left.get_legend()
        assert legend is not None
        assert [text.get_text() for text in legend.get_texts()] == ["training", "validation"]
    assert "0.6000 in training, 0.5500 in validation" in picture.text


def test_the_matrix_and_the_bars_show_the_figures(figures: list[Figure]) -> None:
    truth = np.array([0, 0, 0, 1])
    probabilities = np.full((4, 7), 0.05, np.float32)
    probabilities[np.arange(4), [0, 0, 1, 1]] = 0.7
    found = evaluate_predictions(truth, probabilities, EMOTIONS, {}, resamples=10)
    charts.confusion_chart(found)
    [axes] = figures[0].axes
    written = [text.get_text() for text in axes.texts]
    assert written[:7] == ["2\n67%", "1\n33%", *["0"] * 5]
    assert written[7:9] == ["0", "1\n100%"]
    assert [label.get_text() for label in axes.get_yticklabels()][1] == "fear\nmiedo"
    charts.reliability_chart(found)
    upper, lower = figures[2].axes
    [bar] = upper.patches
    assert bar.get_height() == 0.75  # type: ignore[attr-defined]
    assert lower.patches[0].get_height() == 4  # type: ignore[attr-defined]


def test_pictures_have_the_paper_of_their_page() -> None:
    picture = charts.curves_chart(RECORDS)
    for png, paper in ((picture.light, (255, 255, 255)), (picture.dark, (21, 27, 35))):
        with Image.open(io.BytesIO(png)) as image:
            assert image.convert("RGB").getpixel((0, 0)) == paper
            assert image.width == pytest.approx(picture.width * 1.5, abs=2)
