"""`semblante models`: the models that jobs can name, and the face detector's weights."""

from __future__ import annotations

import json
from pathlib import Path

import click

from semblante import registry
from semblante.bundle_import import discard_unused, import_bundle
from semblante.cli.model_card import in_short, print_card, print_models
from semblante.cli.options import data_option, json_option, make_settings
from semblante.default_model import (
    choose,
    default_reference,
    forget_missing_default,
    reset_default,
    set_default,
)
from semblante.detector_weights import install_yunet
from semblante.local_models import find_local_model, local_database
from semblante.storage import open_storage


@click.group()
def models() -> None:
    """List, show, import, remove and choose models; fetch the face detector."""


@models.command("list")
@data_option
@json_option
def list_(data: Path | None, as_json: bool) -> None:
    """List the models that jobs can use; a star marks the default."""
    settings = make_settings(data=data)
    with local_database(settings) as database, database.reading() as session:
        listed = registry.models(session)
        default = default_reference(session, settings)
    if as_json:
        click.echo(json.dumps([in_short(model, default) for model in listed], indent=2))
    else:
        print_models(listed, default)


@models.command()
@click.argument("name")
@data_option
@json_option
def show(name: str, data: Path | None, as_json: bool) -> None:
    """Show a model's card: what it was trained on, how good it is, what it must not do."""
    settings = make_settings(data=data)
    with local_database(settings) as database, database.reading() as session:
        model = registry.find(session, name)
        default = default_reference(session, settings)
    if as_json:
        card = model.card.model_dump(mode="json")
        click.echo(json.dumps({**in_short(model, default), "card": card}, indent=2))
    else:
        print_card(model)


@models.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@data_option
def import_(path: Path, data: Path | None) -> None:
    """Verify a bundle, a folder or a zip of one, and copy it to the storage.

    Its name means this import from now on; jobs that exist keep the model that they have.
    """
    settings = make_settings(data=data)
    with local_database(settings, create=True) as database:
        model = import_bundle(database, open_storage(settings), path)
    click.echo(f"{model.reference} is imported; use it by --model {model.card.name}.")


@models.command()
@click.argument("name")
@data_option
def remove(name: str, data: Path | None) -> None:
    """Remove an imported model: no new job can use it.

    Results that it made stay, and unfinished jobs that use it go on; its files go after them.
    """
    settings = make_settings(data=data)
    with local_database(settings, create=True) as database:
        with database.writing() as session:
            removed = registry.remove(session, name)
            forget_missing_default(session)
        discard_unused(database, open_storage(settings))
    for reference in removed:
        click.echo(f"{reference} is removed.")


@models.command()
@click.argument("what", type=click.Choice(["yunet"]))
@click.option(
    "--from",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A copy of the published file, for machines without network.",
)
@data_option
def pull(what: str, file: Path | None, data: Path | None) -> None:
    """Fetch the weights of the face detector YuNet into the data folder.

    Every machine with workers needs them; without them, OpenCV's Haar cascade searches for faces.
    """
    path = install_yunet(make_settings(data=data).data, file)
    click.echo(f"{what} is installed as {path}; workers use it when they start next.")


@models.command()
@click.argument("name", required=False)
@click.option("--reset", is_flag=True, help="Let SEMBLANTE_MODEL decide again.")
@data_option
def default(name: str | None, reset: bool, data: Path | None) -> None:
    """Show the model of jobs that name none, or choose it by NAME.

    NAME is a name, which means its last import, or name@digest. The choice is kept in the database
    and holds at once for the web and all workers; jobs that exist keep their model.
    """
    if reset and name is not None:
        raise click.UsageError("Give NAME or --reset, not both.")
    settings = make_settings(data=data)
    if reset or name is not None:
        with local_database(settings, create=True) as database, database.writing() as session:
            set_default(session, name) if name is not None else reset_default(session)
            session.flush()
            model = choose(session, settings)
    else:
        model = find_local_model(settings, None)
    click.echo(model.reference)
