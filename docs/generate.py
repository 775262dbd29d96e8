"""Write the reference pages from the code: settings, errors, cli, api, recipes; a test runs it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, cast, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from semblante.cli import cli
from semblante.errors import IMAGE_ERROR_CODES, JOB_ERROR_CODES, REQUEST_ERROR_CODES
from semblante.secret_files import SECRETS
from semblante.settings import Settings
from semblante_worker.training.recipe import Augmentation, Data, Phase, Recipe, RecipeClass
from semblante_worker.training.recipe_files import load_recipe, recipe_names

FOLDER = Path(__file__).parent
NOTICE = "<!-- Written by docs/generate.py: run `make docs` after a change. -->\n\n"


def pages() -> dict[str, str]:
    """Return the text of every generated page by its file name."""
    return {
        "settings.md": NOTICE + settings_page(),
        "errors.md": NOTICE + errors_page(),
        "cli.md": NOTICE + cli_page(),
        "api.md": NOTICE + api_page(),
        "recipes.md": NOTICE + recipes_page(),
    }


def settings_page() -> str:
    """Return the table of settings."""
    rows = [
        f"| `SEMBLANTE_{name.upper()}` | {_default(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    secrets = ", ".join(f"`SEMBLANTE_{name.upper()}_FILE`" for name in sorted(SECRETS))
    return (
        "# Settings\n\nEvery setting is an environment variable. Options of a command go first.\n"
        f"A secret may lie in a file instead: {secrets} name it.\n\n"
        "| variable | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def _default(field: Any) -> str:
    if field.default_factory is not None:
        return "the user's data folder"
    if field.default in (None, PydanticUndefined):
        return ""
    if isinstance(field.default, tuple):
        return f"`{list(field.default)}`"
    return f"`{field.default}`"


def errors_page() -> str:
    """Return the tables of stable codes."""
    groups = [
        ("Failed images (`error_code` in the CSV)", IMAGE_ERROR_CODES),
        ("Failed jobs (`error.code` of a job)", JOB_ERROR_CODES),
        ("Refused requests (`code` of a problem) and commands", REQUEST_ERROR_CODES),
    ]
    text = "# Error codes\n\nCodes are stable: programs may rely on them.\n"
    for title, codes in groups:
        rows = "\n".join(f"| `{code}` | {meaning} |" for code, meaning in codes.items())
        text += f"\n## {title}\n\n| code | meaning |\n|---|---|\n{rows}\n"
    return text


def cli_page() -> str:
    """Return every command with its help."""
    text = "# Command line\n\n"
    text += "Exit codes: 0 all rows `ok` or `no_face`, 3 some images failed, 1 the job failed, "
    text += "2 usage or refused.\n"
    parent = click.Context(cli, info_name="semblante", terminal_width=90, **cli.context_settings)
    for name, command in _commands(cli, "semblante"):
        with click.Context(command, info_name=name.partition(" ")[2], parent=parent) as context:
            text += f"\n## `{name}`\n\n```text\n{command.get_help(context)}\n```\n"
    return text


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield name, command
        return
    with click.Context(command) as context:
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                yield from _commands(found, f"{name} {child}")


def api_page() -> str:
    """Return the table of operations, from the OpenAPI document."""
    from semblante_web.app import create_app

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder), broker_url="redis://127.0.0.1:6379/0")
        document = cast("dict[str, Any]", create_app(settings).spec)
    text = (
        "# HTTP API\n\nThe OpenAPI 3.1 document is at `/api/v1/openapi.json`, a page to try it at "
        "`/api/v1/docs`. Errors are `application/problem+json` with a stable `code` "
        "([errors](errors.md)); `title` and `detail` follow `Accept-Language` "
        "(English or Spanish).\n\n| operation | what it does |\n|---|---|\n"
    )
    for path, operations in sorted(document["paths"].items()):
        for method, operation in sorted(operations.items()):
            if method != "parameters":
                text += f"| `{method.upper()} {path}` | {operation.get('summary', '')} |\n"
    return text


def recipes_page() -> str:
    """Return the recipes that come with Semblante, and the tables of all fields."""
    text = "# Recipes\n\n[How to train](training.md). These come with Semblante:\n\n"
    text += "| recipe | what it is |\n|---|---|\n"
    text += "\n".join(f"| `{name}` | {load_recipe(name).description} |" for name in recipe_names())
    for title, model in (
        ("Fields", Recipe),
        ("`data`", Data),
        ("`augmentation`", Augmentation),
        ("`phases`, one or more", Phase),
        ("`classes`, two or more", RecipeClass),
    ):
        rows = "\n".join(
            f"| `{name}` | {_default_of_recipe(field)} | {field.description}{_choices(field)} |"
            for name, field in model.model_fields.items()
        )
        text += f"\n\n## {title}\n\n| field | default | meaning |\n|---|---|---|\n{rows}"
    return text + "\n"


def _default_of_recipe(field: FieldInfo) -> str:
    """Return a default as TOML has it; tables and long texts are left out."""
    default = field.default
    parts = default if isinstance(default, tuple) else (default,)
    if field.is_required():
        return "needed"
    if parts in ((), (None,)) or any(isinstance(part, BaseModel) for part in parts):
        return ""
    text = json.dumps(default)
    return f"`{text}`" if len(text) < 40 else ""


def _choices(field: FieldInfo) -> str:
    if get_origin(field.annotation) is not Literal:
        return ""
    return f" One of {', '.join(f'`{choice}`' for choice in get_args(field.annotation))}."


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
