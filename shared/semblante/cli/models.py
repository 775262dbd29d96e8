"""`semblante models`: the bundles on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import click

from semblante.bundle_import import import_bundle, remove_bundle
from semblante.bundles import Bundle, find_bundle, installed_bundles
from semblante.cli.options import data_option, json_option, make_settings


@click.group()
def models() -> None:
    """List, show, import and remove models."""


@models.command("list")
@data_option
@json_option
def list_(data: Path | None, as_json: bool) -> None:
    """List the models that jobs can use."""
    bundles = installed_bundles(make_settings(data=data).data)
    if as_json:
        click.echo(json.dumps([_in_short(bundle) for bundle in bundles], indent=2))
        return
    for bundle in bundles:
        place = "comes with Semblante" if bundle.is_packaged else "imported"
        card = bundle.card
        click.echo(f"{bundle.reference:<40}  {card.version:<8}  {card.architecture:<9}  {place}")


@models.command()
@click.argument("name")
@data_option
@json_option
def show(name: str, data: Path | None, as_json: bool) -> None:
    """Show a model's card: what it was trained on, how good it is, what it must not do."""
    bundle = find_bundle(make_settings(data=data).data, name)
    if as_json:
        click.echo(json.dumps({**_in_short(bundle), "card": _card(bundle)}, indent=2))
        return
    card = bundle.card
    click.echo(f"{bundle.reference}, version {card.version}, {card.architecture}")
    click.echo(f"Folder: {bundle.folder}\n\n{card.description}\n")
    click.echo("Classes: " + ", ".join(f"{c.id} ({c.es})" for c in bundle.classes))
    for split, metrics in card.metrics.items():
        note = f" ({metrics.note})" if metrics.note else ""
        click.echo(f"Accuracy, {split}: {metrics.accuracy:.2%} of {metrics.n:,} images{note}")
    click.echo(f"Training data: {card.training.data}\nTerms: {card.terms}\nLimits: {card.limits}")


@models.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@data_option
def import_(path: Path, data: Path | None) -> None:
    """Verify a bundle, a folder or a zip of one, and copy it to the data folder."""
    bundle = import_bundle(make_settings(data=data).data, path)
    click.echo(f"{bundle.reference} is imported; use it by --model {bundle.card.name}.")


@models.command()
@click.argument("name")
@data_option
def remove(name: str, data: Path | None) -> None:
    """Remove an imported model. Results that it made stay."""
    remove_bundle(make_settings(data=data).data, name)
    click.echo(f"{name} is removed.")


def _in_short(bundle: Bundle) -> dict[str, object]:
    return {
        "name": bundle.card.name,
        "reference": bundle.reference,
        "version": bundle.card.version,
        "architecture": bundle.card.architecture,
        "classes": [emotion._asdict() for emotion in bundle.classes],
        "packaged": bundle.is_packaged,
        "folder": str(bundle.folder),
    }


def _card(bundle: Bundle) -> dict[str, object]:
    return bundle.card.model_dump(mode="json")
