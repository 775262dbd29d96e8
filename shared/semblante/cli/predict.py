"""`semblante predict`: one image at once, on this machine or by a server."""

from __future__ import annotations

import json
import os
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

import click

from semblante.cli.options import (
    data_option,
    detect_option,
    make_settings,
    model_option,
    server_options,
)
from semblante.cli.remote import connect
from semblante.cli.summary import bar
from semblante.detection import Detect
from semblante.errors import NotFound, TooLarge
from semblante.settings import Settings

ENTRY_POINTS = "semblante.predict"


@click.command()
@click.argument("image", metavar="IMAGE|URL")
@model_option
@detect_option
@data_option
@server_options
def predict(
    image: str,
    model: str | None,
    detect: str | None,
    data: Path | None,
    server: str | None,
    api_key: str | None,
    as_json: bool,
) -> None:
    """Label one image at once.

    Without --server (or SEMBLANTE_SERVER) the image is labelled by this process, if
    semblante-worker is installed, and by the server at the default address otherwise. A URL is
    always fetched by the server.
    """
    wanted = cast("Detect | None", detect)
    if "://" in image:
        with connect(server, api_key) as client:
            answer = client.predict_url(image, model=model, detect=wanted)
    else:
        answer = _predict_file(Path(image), model, wanted, data, server, api_key)
    click.echo(json.dumps(answer, indent=2) if as_json else _in_words(image, answer))


def _predict_file(
    path: Path,
    model: str | None,
    detect: Detect | None,
    data: Path | None,
    server: str | None,
    api_key: str | None,
) -> dict[str, Any]:
    if not path.is_file():
        raise NotFound("no_file", f"There is no file {path}.")
    here = list(entry_points(group=ENTRY_POINTS))
    if here and server is None and "SEMBLANTE_SERVER" not in os.environ:
        settings = make_settings(detect=detect, data=data)
        return dict(here[0].load()(settings, _read(path, settings), model))
    with connect(server, api_key) as client:
        return client.predict(path, model=model, detect=detect)


def _read(path: Path, settings: Settings) -> bytes:
    if path.stat().st_size > settings.max_image_bytes:
        raise TooLarge("too_large", f"{path} has more bytes than max_image_bytes allows.")
    return path.read_bytes()


def _place(face: dict[str, Any]) -> str:
    if face["box"] is None:
        return ""
    return " [{x}, {y}, {w} x {h}]".format(**face["box"])


def _in_words(image: str, answer: dict[str, Any]) -> str:
    if not answer["faces"]:
        return f"{image}: no face"
    lines = []
    for face in answer["faces"]:
        lines.append(f"{image}{_place(face)}: {face['emotion']} ({face['confidence']:.1%})")
        width = max(map(len, face["probabilities"]))
        lines += [
            f"    {name:<{width}}  {bar(share)}  {share:6.1%}"
            for name, share in face["probabilities"].items()
        ]
    return "\n".join(lines)
