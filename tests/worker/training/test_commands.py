"""`semblante train` and `semblante dataset` as a person calls them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from picture_sets import pictures, write_folder, write_zip
from semblante.bundles import read_bundle
from semblante.cli import cli
from semblante_worker.datasets.dataset import read_dataset
from semblante_worker.training.recipe_files import FOLDER

SEVEN = {f"DATASET/train/{number}": 4 for number in range(1, 8)}


@pytest.fixture
def seven(tmp_path: Path) -> Path:
    """Return a zip like RAF-DB's, with one picture that is damaged."""
    bad = {"DATASET/train/3/bad.jpg": b"\xff\xd8\xff nonsense"}
    return write_zip(tmp_path / "seven.zip", pictures(SEVEN) | bad)


def call(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_train(tmp_path: Path, seven: Path) -> None:
    small = ["--set", "preprocess.resize=[36,36]", "--set", "preprocess.crop=[32,32]"]
    recipe = ["--recipe", "resnet18-transfer", *small, "--set", "epochs=1"]
    code, output = call(
        "train", seven, *recipe, "--set", "pretrained=false", "-o", tmp_path / "run", "--name", "my"
    )
    assert code == 0, output
    assert "Left out: DATASET/train/3/bad.jpg" in output
    assert "of 7 validation images" in output
    assert "equal labels, on 7 images of seven.zip, split val" in output
    card = read_bundle(tmp_path / "run", verify=True).card
    assert sorted(card.files) == ["model.safetensors", "openvino.xml"]
    assert card.openvino is not None
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["openvino"] == card.openvino.model_dump()
    report = (tmp_path / "run" / "report" / "report.html").read_text(encoding="utf-8")
    assert card.openvino.describe() in report
    code, output = call("models", "import", tmp_path / "run", "--data", tmp_path / "data")
    assert (code, output.startswith("my@")) == (0, True)
    code, output = call("train", seven, *recipe, "-o", tmp_path / "run")
    assert (code, "[run_exists]" in output) == (2, True)


def test_names_of_fer2013_and_of_a_recipe_go_all_the_way(tmp_path: Path) -> None:
    names = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
    path = write_zip(tmp_path / "fer.zip", pictures({f"train/{name}": 4 for name in names}))
    recipe = tmp_path / "own.toml"
    text = (FOLDER / "resnet18-transfer.toml").read_text(encoding="utf-8")
    recipe.write_text(text + OWN_CLASSES, encoding="utf-8")
    small = ("pretrained=false", "preprocess.resize=[36,36]", "preprocess.crop=[32,32]", "epochs=1")
    changes = [word for change in small for word in ("--set", change)]
    for data, name in ((path, "resnet18-transfer"), (_by_numbers(tmp_path / "own.zip"), recipe)):
        folder = tmp_path / f"run-{data.stem}"
        code, output = call("train", data, "--recipe", name, *changes, "-o", folder, "--no-export")
        assert code == 0, output
        code, output = call("evaluate", folder, data, "--data", tmp_path / "data")
        assert code == 0, output


OWN_CLASSES = """
[[classes]]
id = "surprise"
en = "surprise"
es = "sorprendido"
folders = ["5"]

[[classes]]
id = "happiness"
en = "happiness"
es = "feliz"
folders = ["3"]
"""


def _by_numbers(path: Path) -> Path:
    return write_zip(path, pictures({"train/5": 4, "train/3": 4}))


def test_train_refuses(tmp_path: Path, seven: Path) -> None:
    code, output = call("train", seven, "--recipe", "best", "-o", tmp_path / "run")
    assert (code, "[invalid_recipe]" in output) == (2, True)
    code, output = call("train", seven, "--recipe", "mobilenetv2-transfer", "-o", tmp_path / "run")
    assert code == 2
    assert "has the label '1'" in output
    assert "[class_not_in_model]" in output
    bad = tmp_path / "bad.pth"
    bad.write_bytes(b"nothing")
    recipe = ("--recipe", "resnet18-transfer", "--init", bad)
    code, output = call("train", seven, *recipe, "-o", tmp_path / "run")
    assert (code, "[invalid_weights]" in output) == (2, True)


def test_dataset_show(tmp_path: Path, seven: Path) -> None:
    code, output = call("dataset", "show", seven, "-o", tmp_path / "report.html")
    assert code == 0, output
    assert "train: 29 images" in output
    assert "Cannot be read: DATASET/train/3/bad.jpg" in output
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 28
    assert "http" not in page
    assert '<tr><th scope="row">3</th><td>5</td></tr>' in page


def test_a_page_cannot_be_broken_by_names(tmp_path: Path) -> None:
    files = pictures({"train/<b>&": 1, "train/x": 1})
    call("dataset", "show", write_zip(tmp_path / "s.zip", files), "-o", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;" in page


@pytest.mark.parametrize("name", ["new/copy", "new/copy.zip"])
def test_dataset_subset(tmp_path: Path, seven: Path, name: str) -> None:
    words = ("dataset", "subset", seven, "--per-class", 2, "-o", tmp_path / name)
    code, output = call(*words)
    assert (code, "train: 14 images" in output) == (0, True), output
    assert (tmp_path / name).is_dir() is (name == "new/copy")
    counts = read_dataset(tmp_path / name).counts()
    assert counts == {"train": {str(number): 2 for number in range(1, 8)}}
    code, output = call(*words)
    assert (code, "[run_exists]" in output) == (2, True)


def test_dataset_show_makes_the_reports_folder(tmp_path: Path, seven: Path) -> None:
    code, output = call("dataset", "show", seven, "-o", tmp_path / "new" / "report.html")
    assert (code, (tmp_path / "new" / "report.html").is_file()) == (0, True), output


@pytest.mark.parametrize("name", ["copy", "copy.zip"])
def test_a_subset_of_a_manifest_is_its_rows(tmp_path: Path, name: str) -> None:
    rows = (
        "path,label,feliz,estresado,age\n"
        "./b/000.png,estresado,0.25,0.75,31\na/000.png,,1,0,\na/001.png,feliz,1,,\n"
    )
    files = {f"inner/{path}": data for path, data in pictures({"a": 2, "b": 1}).items()}
    write_zip(tmp_path / "s.zip", files | {"inner/manifest.csv": rows.encode()})
    words = ("dataset", "subset", tmp_path / "s.zip", "--per-class", 1, "-o", tmp_path / name)
    assert call(*words)[0] == 0
    found = read_dataset(tmp_path / name, {"feliz", "estresado"}.__contains__)
    assert found.manifest is not None
    with found.manifest.open() as table:
        assert table.columns == ("path", "label", "feliz", "estresado", "age")
    first, second = found.entries
    assert (first.path, first.shares) == ("b/000.png", {"feliz": 0.25, "estresado": 0.75})
    assert second.label == "feliz"


@pytest.mark.parametrize("name", ["copy", "copy.zip"])
def test_a_subset_of_a_manifest_keeps_votes(tmp_path: Path, name: str) -> None:
    rows = "path,source,usage,label,p1,p2\na/000.png,s,val,1,0.25,0.75\nb/000.png,,train,2,,\n"
    files = pictures({"a": 1, "b": 1}) | {"manifest.csv": rows.encode()}
    whole = read_dataset(write_zip(tmp_path / "s.zip", files))
    call("dataset", "subset", tmp_path / "s.zip", "--per-class", 5, "-o", tmp_path / name)
    assert read_dataset(tmp_path / name).entries == whole.entries


def test_a_subset_as_zip_takes_names_that_are_not_utf_8(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", {"train/1": 1, "train/2": 1})
    [first, _second] = sorted(folder.rglob("*.png"))
    first.rename(first.with_name(os.fsdecode(b"a\xe9.png")))
    code, output = call("dataset", "subset", folder, "--per-class", 1, "-o", tmp_path / "s.zip")
    assert code == 0, output
    assert len(read_dataset(tmp_path / "s.zip").entries) == 2


@pytest.mark.parametrize("name", ["few", "few.zip"])
def test_a_subset_that_fails_leaves_nothing(tmp_path: Path, name: str) -> None:
    folder = write_folder(tmp_path, {"set": 1}) / "set"
    [inside] = folder.glob("*.png")
    (tmp_path / "out.png").write_bytes(inside.read_bytes())
    rows = f"path,label\n{inside.name},1\n../out.png,2\n"
    (folder / "manifest.csv").write_text(rows, encoding="utf-8")
    code, output = call("dataset", "subset", folder, "--per-class", 1, "-o", tmp_path / name)
    assert (code, "leads out of its folder" in output) == (2, True), output
    assert {path.name for path in tmp_path.iterdir()} == {"set", "out.png"}
