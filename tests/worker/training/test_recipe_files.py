"""Recipes: those that come with Semblante, changes by name, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from semblante.errors import TrainingError
from semblante_worker.training.recipe import Augmentation, Data, Phase, Recipe, RecipeClass
from semblante_worker.training.recipe_files import FOLDER, folders_beside, load_recipe, recipe_names


def test_the_recipes_that_there_are() -> None:
    names = recipe_names()
    assert names == [
        "finetune",
        "mobilenetv2-transfer",
        "mobilenetv2-tri3",
        "resnet18-best",
        "resnet18-transfer",
    ]
    assert [load_recipe(name).name for name in names] == names


@pytest.mark.parametrize("model", [Recipe, Data, Augmentation, Phase, RecipeClass])
def test_every_field_is_described(model: type[BaseModel]) -> None:
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_the_second_system_to_the_letter() -> None:
    recipe = load_recipe("resnet18-transfer")
    [phase] = recipe.phases
    assert (recipe.architecture, recipe.batch_size, recipe.pretrained) == ("resnet18", 16, True)
    assert (phase.epochs, phase.optimizer, phase.learning_rates) == (15, "adam", {"head": 0.001})
    assert (phase.schedule, phase.label_smoothing, phase.weight_decay) == ("constant", 0, 0)
    spec = recipe.preprocess
    assert (spec.colour, spec.resize, spec.crop) == ("grey", (256, 256), (224, 224))
    assert (spec.mean, spec.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert recipe.augmentation == Augmentation(crop_scale=(0.08, 1.0), flip=0.5)
    spanish = [c.es for c in recipe.classes]
    assert spanish == ["sorprendido", "miedo", "disgustado", "feliz", "triste", "enojado", "serio"]


def test_the_first_system() -> None:
    recipe = load_recipe("mobilenetv2-transfer")
    [phase] = recipe.phases
    assert (recipe.architecture, recipe.batch_size, recipe.patience) == ("mobilenet_v2", 32, 0)
    assert (phase.epochs, phase.optimizer, list(phase.learning_rates)) == (200, "adam", ["head"])
    assert [c.es for c in recipe.classes] == ["feliz", "triste", "estresado"]


def test_changes_are_typed() -> None:
    changes = [
        "epochs=3",
        "batch_size = 8",
        "phases.1.mixup=0",
        "augmentation.zoom=[0.9, 1.1]",
        "architecture=resnet34",
        "learning_rates.stem=1e-6",
        "pretrained=false",
    ]
    recipe = load_recipe("finetune", changes)
    assert [phase.epochs for phase in recipe.phases] == [3, 3]
    assert (recipe.epochs, recipe.batch_size, recipe.architecture) == (6, 8, "resnet34")
    assert (recipe.phases[1].mixup, recipe.augmentation.zoom) == (0, (0.9, 1.1))
    assert [phase.learning_rates["stem"] for phase in recipe.phases] == [1e-6, 1e-6]
    assert recipe.pretrained is False


def test_a_field_can_be_emptied() -> None:
    recipe = load_recipe(
        "resnet18-transfer", ["augmentation.crop_scale=null", "preprocess.crop=null"]
    )
    assert (recipe.augmentation.crop_scale, recipe.preprocess.crop) == (None, None)
    assert Recipe.model_validate_json(recipe.model_dump_json(exclude_unset=True)) == recipe


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("epochs", "write it as name=value"),
        ("epochs=null", r"phases\.0\.epochs: Input should be a valid integer"),
        ("epochs=0", r"phases\.0\.epochs: Input should be greater than or equal to 1"),
        ("epochs=many", r"phases\.0\.epochs: Input should be a valid integer"),
        ("speed=1", r"finetune\.toml: speed: Extra inputs are not permitted"),
        ("phases.7.epochs=1", "there is no 7"),
        ("learning_rates.layer4=1", r"learning_rates\.layer4"),
        ("architecture=vgg", "architecture"),
        ("schedule=one_cycle", "phases.0.warmup must be between 0 and 1"),
        ("augmentation.zoom=[2,1]", r"augmentation\.zoom: .*must not be greater than the second"),
        ("augmentation.crop_ratio=[2,1]", r"augmentation\.crop_ratio: .*must not be greater"),
        ("augmentation.crop_scale=[0.2,0.1]", r"augmentation\.crop_scale: .*must not be greater"),
        ("augmentation.crop_scale=[5,9]", r"augmentation\.crop_scale.*less than or equal to 1"),
        ("augmentation.flip=2020-01-01", r"augmentation\.flip: Input should be a valid number"),
        ("mixup=1e-300", r"phases\.0\.mixup: .*must be 0, or from 0\.001 to 1000"),
        ("mixup=1e300", r"phases\.0\.mixup: .*must be 0, or from 0\.001 to 1000"),
        ("mixup=-1", r"phases\.0\.mixup: .*must be 0"),
        ("loader_processes=1000", "loader_processes: .*less than or equal to 64"),
        ("phases=3", "phases: Input should be a valid (array|tuple)"),
        ("batch_size=" + "9" * 5000, "batch_size: .*exceeded maximum size"),
        ("batch_size=0x" + "f" * 5000, r"finetune\.toml: Exceeds the limit"),
        ("batch_size=" + "[" * 5000, "batch_size: Input should be a valid integer"),
        (".".join("x" * 5000) + "=1", r"finetune\.toml: "),
    ],
    ids=lambda text: text[:40],
)
def test_changes_that_are_refused(change: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message) as caught:
        load_recipe("finetune", [change])
    assert caught.value.code == "invalid_recipe"


def test_a_field_of_phases_that_are_no_list() -> None:
    with pytest.raises(TrainingError, match="phases is no list of tables"):
        load_recipe("finetune", ["phases=3", "epochs=3"])


@pytest.mark.parametrize("name", ["deep.json", "deep.toml"])
def test_a_file_that_is_nested_too_deeply(tmp_path: Path, name: str) -> None:
    text = "[" * 100_000
    path = tmp_path / name
    path.write_text(text if name.endswith("json") else f"name = {text}", encoding="utf-8")
    with pytest.raises(TrainingError, match="recursion depth") as caught:
        load_recipe(str(path))
    assert caught.value.code == "invalid_recipe"


def test_a_date_is_text(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    text = (FOLDER / "finetune.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('name = "finetune"', "name = 2020-01-01"), encoding="utf-8")
    assert load_recipe(str(path)).name == "2020-01-01"


def test_names_of_classes_beside_a_bundle(tmp_path: Path) -> None:
    assert folders_beside(tmp_path) is None
    recipe = load_recipe("mobilenetv2-tri3")
    content = recipe.model_dump_json(exclude_unset=True)
    (tmp_path / "recipe.json").write_text(content, encoding="utf-8")
    assert folders_beside(tmp_path) == {one.id: one.folders for one in recipe.classes}


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    stored = load_recipe("resnet18-best").model_dump_json(exclude_unset=True)
    path = tmp_path / "recipe.json"
    path.write_text(stored, encoding="utf-8")
    assert load_recipe(str(path)) == load_recipe("resnet18-best")
    path.write_text("{", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"recipe\.json: "):
        load_recipe(str(path))
    with pytest.raises(TrainingError, match="no recipe but finetune, mobilenetv2-transfer"):
        load_recipe("none.toml")
