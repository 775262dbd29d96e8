"""Recipes by name or file, with fields replaced by `--set name=value`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from semblante.errors import TrainingError
from semblante_worker.training.recipe import Phase, Recipe

RECIPE = "recipe.json"
"""A run's recipe with its changes, in the run's folder."""
FOLDER = Path(__file__).parents[1] / "recipes"


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with Semblante."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_recipe(name_or_file: str, changes: Iterable[str] = ()) -> Recipe:
    """Return a recipe that comes with Semblante, or that of a `.toml` or `.json` file.

    `changes` are `name=value`: names are dotted (`augmentation.flip=0.5`, `phases.0.epochs=30`),
    and a field of phases alone (`epochs=30`) is set in every phase. A value is read as TOML has
    it (`0.5`, `true`, `[1, 2]`), else it is text; `null` empties a field that may have no value.

    Raises:
        TrainingError: `invalid_recipe`; the message names the file and the field.
    """
    path = _find(name_or_file)
    content = _parse(path)
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise _invalid(f"--set {change}: write it as name=value")
        _assign(content, name.strip(), _value(value.strip()))
    try:
        # TOML's dates are no JSON: as texts they are refused where no text is wanted.
        text = json.dumps(content, default=str)
    except (RecursionError, ValueError) as error:  # nested too deeply, or endless digits
        raise _invalid(f"{path.name}: {error}") from error
    try:
        return Recipe.model_validate_json(text)
    except ValidationError as error:
        first: Any = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise _invalid(f"{path.name}: {field}: {first['msg']}") from error


def folders_beside(bundle: Path) -> dict[str, tuple[str, ...]] | None:
    """Return the further names of classes by id in the recipe of a run's folder, None without one.

    Raises:
        TrainingError: `invalid_recipe`.
    """
    path = bundle / RECIPE
    if not path.is_file():
        return None
    return {one.id: one.folders for one in load_recipe(str(path)).classes}


def _find(name_or_file: str) -> Path:
    if name_or_file in recipe_names():
        return FOLDER / f"{name_or_file}.toml"
    path = Path(name_or_file)
    if not path.is_file():
        known = ", ".join(recipe_names())
        raise _invalid(f"there is no file {name_or_file}, and no recipe but {known}")
    return path


def _parse(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    # Both parsers raise kinds of ValueError, and go as deep as the brackets do.
    except (OSError, RecursionError, ValueError) as error:
        raise _invalid(f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise _invalid(f"{path}: it is no table of fields")
    return content


def _value(text: str) -> Any:
    if text == "null":
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (RecursionError, ValueError):  # as in `_parse`; a number may have too many digits
        return text


def _assign(content: dict[str, Any], name: str, value: Any) -> None:
    first, *rest = name.split(".")
    if first in Phase.model_fields and first not in Recipe.model_fields:
        phases = content.get("phases", [])
        if not isinstance(phases, list):
            raise _invalid(f"--set {name}: phases is no list of tables")
        for phase in phases:
            _put(phase, [first, *rest], value, name)
    else:
        _put(content, [first, *rest], value, name)


def _put(place: Any, parts: list[str], value: Any, name: str) -> None:
    for part in parts[:-1]:
        if isinstance(place, dict):
            place = place.setdefault(part, {})
        elif isinstance(place, list) and part.isdecimal() and int(part) < len(place):
            place = place[int(part)]
        else:
            raise _invalid(f"--set {name}: there is no {part}")
    if not isinstance(place, dict):
        raise _invalid(f"--set {name}: only fields of tables can be set")
    place[parts[-1]] = value


def _invalid(what: str) -> TrainingError:
    return TrainingError("invalid_recipe", f"The recipe cannot be used: {what}.")
