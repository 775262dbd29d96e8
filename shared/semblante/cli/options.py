"""Options that several commands share, and the settings that they change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import ValidationError
from pydantic_settings import SettingsError

from semblante.detection import DETECT_CHOICES
from semblante.emotions import LANGUAGES
from semblante.settings import Settings, settings_with

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of database, storage, models and logs [SEMBLANTE_DATA].",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
model_option = click.option(
    "--model",
    help="Model to use: a name or name@digest; without it, that of `semblante models default`.",
)
language_option = click.option(
    "--lang",
    "language",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="Language of the emotions in the CSV; its header never changes.",
)
detect_option = click.option(
    "--detect",
    type=click.Choice(DETECT_CHOICES),
    help="Search images for faces, or take them whole: see docs/detection.md [SEMBLANTE_DETECT].",
)
webhook_option = click.option(
    "--webhook", metavar="URL", help="Address that is told when the job has ended."
)
paths_argument = click.argument(
    "paths",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, readable=True, path_type=Path),
)


def server_options(command: Decorated) -> Decorated:
    """Add --server, --api-key and --json."""
    server = click.option("--server", help="Address of the server [SEMBLANTE_SERVER].")
    key = click.option("--api-key", help="Key of the server [SEMBLANTE_API_KEY].")
    return server(key(json_option(command)))


def make_settings(**overrides: Any) -> Settings:
    """Return the settings of the environment, with every option given in place of its variable.

    Raises:
        UsageError: When a value is not allowed; the message names the setting.
    """
    try:
        return settings_with(**overrides)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    except ValidationError as error:
        first: Any = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise click.UsageError(f"{name} (SEMBLANTE_{name.upper()}): {first['msg']}") from error
