"""Models on the terminal: a table of all, or the whole card of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from semblante.card import Card, Metrics
from semblante.registry import ListedModel

VALIDATION = "validation"
ORIGINS = {"shipped": "comes with Semblante", "imported": "imported"}
HEADER = ("name", "version", "classes", "size", "validation", "origin", "reference")


def in_short(model: ListedModel, default: str | None) -> dict[str, object]:
    """Return what `--json` says about a model besides its card; `default` is a reference."""
    measured = validation(model.card)
    return {
        "name": model.card.name,
        "reference": model.reference,
        "sha256": model.digest,
        "version": model.card.version,
        "architecture": model.card.architecture,
        "classes": [emotion._asdict() for emotion in model.classes],
        "size_bytes": model.size_bytes,
        "validation_accuracy": measured.accuracy if measured else None,
        "origin": model.origin,
        "is_default": model.reference == default,
    }


def validation(card: Card) -> Metrics | None:
    """Return what was measured on validation images, on all of them if there are several sets."""
    names = sorted(name for name in card.metrics if name.split()[0] == VALIDATION)
    return card.metrics[names[0]] if names else None


def print_models(models: Iterable[ListedModel], default: str | None) -> None:
    """Print a line per model; the default has a star."""
    rows = [HEADER, *map(_row, models)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    for row in rows:
        star = "*" if row[-1] == default else " "
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(f"{star} {'  '.join(cells)}".rstrip())


def print_card(model: ListedModel) -> None:
    """Print the card in words."""
    card = model.card
    click.echo(f"{model.reference}, version {card.version}, {card.architecture}")
    click.echo(f"{model.size_bytes / 1e6:,.1f} MB, {ORIGINS[model.origin]}\n")
    click.echo(f"{card.description}\n")
    click.echo("Classes: " + ", ".join(f"{one.id} ({one.es})" for one in model.classes))
    for name, metrics in card.metrics.items():
        click.echo(f"Measured on {name}, {metrics.n:,} images:")
        for line in _figures(metrics):
            click.echo(f"  {line}")
    if card.openvino:
        click.echo(f"OpenVINO on CPUs: {card.openvino.describe()}")
    click.echo(f"Training data: {card.training.data}\nRecipe: {card.training.recipe}")
    click.echo(f"Terms: {card.terms}\nLimits: {card.limits}")


def _row(model: ListedModel) -> tuple[str, ...]:
    measured = validation(model.card)
    return (
        model.card.name,
        model.card.version,
        str(len(model.classes)),
        f"{model.size_bytes / 1e6:.1f} MB",
        f"{measured.accuracy:.1%}" if measured else "-",
        model.origin,
        model.reference,
    )


def _figures(metrics: Metrics) -> Iterator[str]:
    for name, value, interval in (
        ("accuracy", metrics.accuracy, metrics.accuracy_interval),
        ("mean recall of the classes", metrics.mean_recall, metrics.mean_recall_interval),
        ("calibration error", metrics.ece, metrics.ece_interval),
    ):
        if value is not None:
            between = f" ({interval[0]:.2%} to {interval[1]:.2%})" if interval else ""
            yield f"{name}: {value:.2%}{between}"
    if metrics.note:
        yield metrics.note
