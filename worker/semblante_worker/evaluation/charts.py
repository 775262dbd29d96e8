"""The charts of a report: confusion matrix, reliability diagram, curves of a training run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from semblante_worker.evaluation.curves import EpochRecord
from semblante_worker.evaluation.drawing import Picture, Theme, draw_picture, dress
from semblante_worker.evaluation.figures import Evaluation

MOST_WRITTEN_CLASSES = 16
"""With more classes the cells are too small for numbers."""


def confusion_chart(evaluation: Evaluation) -> Picture:
    """Draw the confusion matrix: shades are shares of a row, numbers are images."""
    counts = evaluation.confusion
    support = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, support, out=np.zeros(counts.shape), where=support > 0)
    names = [f"{one.en}\n{one.es}" for one in evaluation.classes]

    def draw(figure: Figure, theme: Theme) -> None:
        axes = figure.subplots()
        colours = LinearSegmentedColormap.from_list("shares", [theme.paper, theme.accent])
        axes.imshow(shares, cmap=colours, vmin=0, vmax=1)
        axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel="predicted", ylabel="true")
        dress(axes, theme, grid=False)
        axes.tick_params(labelsize=8)
        edges = np.arange(len(names) + 1) - 0.5
        axes.hlines(edges, -0.5, len(names) - 0.5, color=theme.line, linewidth=0.6)
        axes.vlines(edges, -0.5, len(names) - 0.5, color=theme.line, linewidth=0.6)
        if len(names) <= MOST_WRITTEN_CLASSES:
            for (row, column), count in np.ndenumerate(counts):
                share = shares[row, column]
                shade = theme.muted if count == 0 else "#ffffff" if share > 0.55 else theme.ink
                words = f"{count:,}\n{share:.0%}" if count else "0"
                axes.text(column, row, words, ha="center", va="center", color=shade, fontsize=7.5)

    side = min(1.75 + 0.53 * len(names), 14.0)
    return draw_picture(draw, (side, side), "Confusion matrix; metrics.json has its numbers.")


def reliability_chart(evaluation: Evaluation) -> Picture:
    """Draw accuracy by confidence over the number of images in each bin."""
    bins = [one for one in evaluation.reliability if one.images]
    width = 1 / len(evaluation.reliability)

    def draw(figure: Figure, theme: Theme) -> None:
        upper, lower = figure.subplots(2, sharex=True, height_ratios=[3, 1])
        for axes in (upper, lower):
            dress(axes, theme)
        middles = [(one.low + one.high) / 2 for one in bins]
        accuracies = [one.accuracy or 0.0 for one in bins]
        upper.bar(
            middles,
            accuracies,
            width * 0.86,
            color=theme.accent,
        )
        upper.plot([0, 1], [0, 1], "--", color=theme.ink, linewidth=1)
        confidences = [one.confidence or 0.0 for one in bins]
        upper.plot(confidences, accuracies, "o", color=theme.second, markersize=4, clip_on=False)
        upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
        _legend(upper, theme, ["accuracy", "perfect", "mean confidence"], above=True)
        lower.bar(middles, [one.images for one in bins], width * 0.86, color=theme.muted)
        lower.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        lower.set(ylabel="images", xlabel="confidence")
        upper.yaxis.set_major_formatter(PercentFormatter(1, 0))
        lower.xaxis.set_major_formatter(PercentFormatter(1, 0))

    error = evaluation.calibration_error.value
    return draw_picture(
        draw, (5.6, 5.2), f"Reliability diagram; expected calibration error {error:.4f}."
    )


def curves_chart(records: Sequence[EpochRecord]) -> Picture:
    """Draw accuracy and loss side by side; training is solid, validation dotted."""
    epochs = [record.epoch for record in records]

    def draw(figure: Figure, theme: Theme) -> None:
        left, right = figure.subplots(1, 2)
        _curve(
            left,
            theme,
            epochs,
            [record.train_accuracy for record in records],
            [record.validation_accuracy for record in records],
        )
        left.set(title="Accuracy", xlabel="epoch")
        left.yaxis.set_major_formatter(PercentFormatter(1, 0))
        _curve(
            right,
            theme,
            epochs,
            [record.train_loss for record in records],
            [record.validation_loss for record in records],
        )
        right.set(title="Loss", xlabel="epoch")

    last = records[-1]
    return draw_picture(
        draw,
        (9.4, 3.6),
        f"Curves of {len(records)} epochs; last: accuracy {last.train_accuracy:.4f} in training, "
        f"{last.validation_accuracy:.4f} in validation.",
    )


def _curve(
    axes: Axes,
    theme: Theme,
    epochs: Sequence[int],
    train: Sequence[float],
    validation: Sequence[float],
) -> None:
    dress(axes, theme)
    marker = "o" if len(epochs) == 1 else None
    axes.plot(epochs, train, "-", color=theme.accent, marker=marker)
    axes.plot(epochs, validation, ":", color=theme.second, linewidth=2, marker=marker)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(axes, theme, ["training", "validation"])


def _legend(axes: Axes, theme: Theme, names: Sequence[str], *, above: bool = False) -> None:
    handles: list[Artist | tuple[Artist, ...]] = [*axes.containers, *axes.lines]
    axes.legend(
        handles,
        names,
        frameon=False,
        labelcolor=theme.ink,
        fontsize=9,
        loc="lower left" if above else "best",
        bbox_to_anchor=(0, 1) if above else None,
        ncols=len(names) if above else 1,
    )
