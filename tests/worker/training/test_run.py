"""Whole runs on tiny pictures: what is learned, kept, written, resumed and refused."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from semblante.bundles import Bundle, read_bundle
from semblante.errors import Conflict, ImageError, Refused, TrainingError
from semblante_worker.architectures import build_network
from semblante_worker.engines import load_engine
from semblante_worker.training.recipe import Recipe
from semblante_worker.training.run import Request, run_training
from semblante_worker.training.seeds import derive_seed

Tiny = Callable[..., Recipe]


class Lines:
    """A reporter that keeps what is said."""

    def __init__(self) -> None:
        self.text = ""

    def say(self, text: str) -> None:
        self.text += text + "\n"

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda done: None


def run(faces: Path, recipe: Recipe, folder: Path, **more: Any) -> tuple[Bundle, str]:
    lines = Lines()
    request = Request(faces, recipe, folder, "tiny", device="cpu", export=False, **more)
    return run_training(request, lines), lines.text


def epochs_of(folder: Path) -> list[dict[str, float]]:
    epochs: list[dict[str, float]] = json.loads((folder / "metrics.json").read_text())["epochs"]
    return epochs


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return dict(safetensors.torch.load_file(folder / "model.safetensors"))


def test_the_loss_falls_and_the_bundle_is_used(tmp_path: Path, faces: Path, tiny: Tiny) -> None:
    recipe = tiny("architecture=resnet18", "epochs=8", "augmentation={}")
    bundle, text = run(faces, recipe, tmp_path / "run")
    epochs = epochs_of(tmp_path / "run")
    assert [epoch["epoch"] for epoch in epochs] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert epochs[-1]["train_loss"] < 0.9 * epochs[0]["train_loss"]
    assert "  happiness                6           2\n" in text
    assert "  head                   1,539           0\n" in text
    assert "\nStarting weights: random\n" in text
    assert "Epoch 8/8: loss " in text
    written = read_bundle(tmp_path / "run", verify=True)
    assert written.digest == bundle.digest
    batch = np.zeros((2, 32, 32, 3), dtype=np.uint8)
    probabilities = load_engine(written, "cpu", compute_threads=1).predict(batch)
    assert probabilities.sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
    card = bundle.card
    assert (card.metrics["validation"].n, card.training.init) == (6, "random")
    assert card.training.data == "faces: 18 images, 6 more for validation"
    assert card.training.epochs is not None
    assert [epoch.model_dump() for epoch in card.training.epochs] == epochs
    confusion = card.metrics["validation"].confusion
    assert confusion is not None
    assert [sum(row) for row in confusion] == [2, 2, 2]
    overview = json.loads((tmp_path / "run" / "overview.json").read_text())
    assert overview["images"]["validation"] == {"happiness": 2, "sadness": 2, "stress": 2}
    assert len(overview["phases"][0]["layers"]) == 41
    assert f"; computes in {overview['precision']}" in text


def test_the_unused_part_is_counted_by_class(tmp_path: Path, tiny: Tiny) -> None:
    from picture_sets import write_folder

    names = ("feliz", "triste", "estresado")
    parts = {f"{part}/{name}": 3 for part in ("train", "val") for name in names}
    data = write_folder(tmp_path / "parts", parts | {"test/triste": 2, "test/Sad": 1, "test/x": 1})
    recipe = tiny("epochs=1", "data.other_classes=skip")
    _, text = run(data, recipe, tmp_path / "run")
    assert "  not used: 4 of test (sadness 3, x 1)\n" in text
    overview = json.loads((tmp_path / "run" / "overview.json").read_text())
    assert overview["images"]["unused"] == {"test": {"sadness": 3, "x": 1}}


def test_frozen_parts_do_not_change_at_all(tmp_path: Path, faces: Path, tiny: Tiny) -> None:
    run(faces, tiny("ema=0.5", "dropout=0.2"), tmp_path / "run")
    torch.manual_seed(derive_seed(1, "network"))
    start = build_network("mobilenet_v2", 3).state_dict()
    checkpoint = tmp_path / "run" / "checkpoint"
    [last] = checkpoint.glob("epoch-*.safetensors")
    end = safetensors.torch.load_file(last)
    frozen = [name for name in start if name.startswith("features.")]
    assert len(frozen) == len(start) - 2
    for name in frozen:
        assert torch.equal(end[f"network.{name}"], start[name]), name
        assert torch.equal(end[f"averaged.{name}"], start[name]), name
    assert not torch.equal(end["network.classifier.1.weight"], start["classifier.1.weight"])


def test_the_best_epoch_is_in_the_bundle_not_the_last(
    tmp_path: Path, faces: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    from semblante_worker.training import epochs, passes

    seen = []
    accuracies = iter([0.5, 0.8, 0.8, 0.1])

    def measured(network: torch.nn.Module, *rest: Any) -> Any:
        result = passes.measure(network, *rest)
        seen.append(network.state_dict()["classifier.1.weight"].clone())
        accuracy = next(accuracies, None)
        if accuracy is not None:
            count = round(accuracy * 10)
            labels = np.array([0] * count + [1] * (10 - count))
            logits = np.tile(np.array([[1, 0, 0]], dtype=np.float32), (10, 1))
            result = type(result)(logits, labels, result.loss)
        return result

    monkeypatch.setattr(epochs, "measure", measured)
    bundle, _ = run(faces, tiny("epochs=4"), tmp_path / "run")
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["best_epoch"] == 2
    kept = weights_of(tmp_path / "run")["classifier.1.weight"]
    assert torch.equal(kept, seen[1].half())
    assert not torch.equal(kept, seen[3].half())
    assert torch.equal(seen[4], kept.float())  # the last measure is of the rounded weights
    assert bundle.card.metrics["validation"].note == (
        "The best of 4 epochs was chosen by this accuracy; "
        "the temperature was fitted on these images."
    )


PHASES = (
    'phases=[{epochs=2, learning_rates={head=0.01, stage4=0.001}, optimizer="adamw", mixup=0.4, '
    'schedule="one_cycle", warmup=0.3}, {epochs=2, learning_rates={head=0.01}, optimizer="sgd", '
    'schedule="cosine", label_smoothing=0.1}]'
)
EVERYTHING = (
    "architecture=resnet18",
    PHASES,
    "ema=0.9",
    "dropout=0.3",
    "class_balance=sample",
)


@pytest.mark.parametrize("processes", [0, 1])
def test_a_killed_run_ends_like_an_unbroken_one(
    tmp_path: Path, faces: Path, tiny: Tiny, processes: int
) -> None:
    recipe = tiny(*EVERYTHING, f"loader_processes={processes}")
    whole, _ = run(faces, recipe, tmp_path / "whole")
    stored = tmp_path / "recipe.json"
    stored.write_text(recipe.model_dump_json(exclude_unset=True), encoding="utf-8")
    broken = tmp_path / "broken"
    command = [sys.executable, "-m", "semblante", "train", str(faces), "--recipe", str(stored)]
    command += ["-o", str(broken), "--device", "cpu", "--name", "tiny"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    state = broken / "checkpoint" / "state.json"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process:
        while not state.exists():
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert 1 <= json.loads(state.read_text())["epoch"] < 4
    with pytest.raises(Conflict, match="add --resume"):
        run(faces, recipe, broken)
    (broken / "checkpoint" / ".partial-left").write_bytes(b"half a state")
    renamed = recipe.model_copy(update={"name": "tiny"})
    resumed, text = run(faces, renamed, broken, resume=True)
    assert "Resuming after epoch" in text
    assert epochs_of(broken) == epochs_of(tmp_path / "whole")
    assert resumed.card.files == whole.card.files
    assert len(list((broken / "checkpoint").iterdir())) in (2, 3)
    again, _ = run(faces, renamed, broken, resume=True)
    assert again.card.files == whole.card.files


def test_loader_processes_change_nothing(tmp_path: Path, faces: Path, tiny: Tiny) -> None:
    alone, _ = run(faces, tiny(*EVERYTHING), tmp_path / "alone")
    helped, _ = run(faces, tiny(*EVERYTHING, "loader_processes=2"), tmp_path / "helped")
    assert helped.card.files == alone.card.files


def test_other_circumstances_are_not_resumed(tmp_path: Path, faces: Path, tiny: Tiny) -> None:
    run(faces, tiny("epochs=1"), tmp_path / "run")
    for recipe, seed in ((tiny("epochs=2"), 1), (tiny("epochs=1"), 2)):
        with pytest.raises(
            TrainingError, match="another recipe, seed, --init or data set"
        ) as caught:
            run(faces, recipe, tmp_path / "run", resume=True, seed=seed)
        assert caught.value.code == "run_differs"
    next((tmp_path / "run" / "checkpoint").glob("best-*")).write_bytes(b"damaged")
    with pytest.raises(TrainingError, match=r"best-00001\.safetensors is missing or damaged"):
        run(faces, tiny("epochs=1"), tmp_path / "run", resume=True)


def test_other_votes_or_sources_are_not_resumed(tmp_path: Path, faces: Path, tiny: Tiny) -> None:
    paths = sorted(path.relative_to(faces).as_posix() for path in faces.rglob("*.png"))

    def write(votes: str, source: str) -> None:
        rows = [f"{path},{path.split('/')[1]},{source},{votes}" for path in paths]
        text = "path,label,source,pfeliz,ptriste\n" + "\n".join(rows) + "\n"
        (faces / "manifest.csv").write_text(text, encoding="utf-8")

    write("0.5,0.5", "s")
    run(faces, tiny("epochs=1"), tmp_path / "run")
    for votes, source in (("0.6,0.4", "s"), ("0.5,0.5", "t")):
        write(votes, source)
        with pytest.raises(TrainingError) as caught:
            run(faces, tiny("epochs=1"), tmp_path / "run", resume=True)
        assert caught.value.code == "run_differs"
    write("0.5,0.5", "s")
    run(faces, tiny("epochs=1"), tmp_path / "run", resume=True)


def test_a_run_goes_on_with_the_same_starting_weights_only(
    tmp_path: Path, faces: Path, tiny: Tiny
) -> None:
    init = tmp_path / "init.safetensors"
    safetensors.torch.save_file(build_network("mobilenet_v2", 3).state_dict(), init)
    run(faces, tiny("epochs=1"), tmp_path / "run", init=init, resume=True)
    run(faces, tiny("epochs=1"), tmp_path / "run", init=init, resume=True)
    run(faces, tiny("epochs=1"), tmp_path / "run", resume=True)  # its state has the weights
    init.write_bytes(init.read_bytes() + b" ")
    with pytest.raises(TrainingError, match="another recipe, seed, --init"):
        run(faces, tiny("epochs=1"), tmp_path / "run", init=init, resume=True)
    init.unlink()
    with pytest.raises(TrainingError, match="No such file") as caught:
        run(faces, tiny("epochs=1"), tmp_path / "run", init=init, resume=True)
    assert caught.value.code == "invalid_weights"


@pytest.mark.parametrize("name", ["card.json", "recipe.json", "notes.md"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_that_holds_something_else_is_not_written_to(
    tmp_path: Path, faces: Path, tiny: Tiny, name: str, resume: bool
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / name).write_text("mine", encoding="utf-8")
    with pytest.raises(Conflict, match="holds no run to go on with") as caught:
        run(faces, tiny(), folder, resume=resume)
    assert caught.value.code == "run_exists"
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [(name, "mine")]


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_was_killed_in_its_first_epoch_begins_anew(
    tmp_path: Path, faces: Path, tiny: Tiny, resume: bool
) -> None:
    checkpoint = tmp_path / "run" / "checkpoint"
    checkpoint.mkdir(parents=True)
    for name in ("overview.json", "recipe.json", ".partial-1", "checkpoint/.partial-2", "log"):
        (tmp_path / "run" / name).write_bytes(b"half")
    bundle, _ = run(faces, tiny("epochs=1"), tmp_path / "run", resume=resume)
    assert read_bundle(bundle.folder, verify=True).digest == bundle.digest


DIVERGES = (
    "phases=[{epochs=2, learning_rates={head=0.01}}, "
    '{epochs=2, optimizer="sgd", learning_rates={head=1e38}}]'
)


def test_a_later_phase_that_diverges_loses_nothing(tmp_path: Path, faces: Path, tiny: Tiny) -> None:
    folder = tmp_path / "run"
    for resume in (False, True):
        with pytest.raises(TrainingError, match=r"diverged in epoch 3: .* Lower") as caught:
            run(faces, tiny(DIVERGES), folder, resume=resume)
        assert caught.value.code == "invalid_recipe"
        assert json.loads((folder / "checkpoint" / "state.json").read_bytes())["epoch"] == 2
    [kept] = (folder / "checkpoint").glob("best-*")
    assert f"--init {kept} " in caught.value.message
    _, text = run(faces, tiny("epochs=1"), tmp_path / "other", init=kept)
    assert "missing" not in text


def test_a_first_epoch_that_diverges_says_so(tmp_path: Path, faces: Path, tiny: Tiny) -> None:
    recipe = tiny("epochs=1", "optimizer=sgd", "learning_rates.head=1e38")
    with pytest.raises(TrainingError, match=r"diverged in epoch 1: .* folder\.$"):
        run(faces, recipe, tmp_path / "run")


@pytest.mark.parametrize("processes", [0, 1])
def test_a_picture_that_goes_bad_during_a_run_is_named(
    tmp_path: Path, faces: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    from semblante_worker.training import run as module

    def spoil(*arguments: Any) -> str:
        for path in (faces / "train" / "feliz").iterdir():
            path.write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
        return ""

    monkeypatch.setattr(module, "render", spoil)
    recipe = tiny("epochs=1", f"loader_processes={processes}")
    expected = rf"{re.escape(str(faces))}: train/feliz/00\d\.png can no longer be read: "
    with pytest.raises(ImageError, match=expected) as caught:
        run(faces, recipe, tmp_path / "run")
    assert caught.value.code == "corrupt_image"


def test_a_resumed_run_says_which_pictures_it_lacks(
    tmp_path: Path, faces: Path, tiny: Tiny
) -> None:
    run(faces, tiny("epochs=1"), tmp_path / "run")
    (faces / "train" / "feliz" / "000.png").write_bytes(b"no image")
    expected = "1 images cannot be read now, as train/feliz/000.png"
    with pytest.raises(TrainingError, match=expected) as caught:
        run(faces, tiny("epochs=1"), tmp_path / "run", resume=True)
    assert caught.value.code == "run_differs"


def test_unreadable_pictures_are_named_and_left_out(
    tmp_path: Path, faces: Path, tiny: Tiny
) -> None:
    (faces / "train" / "feliz" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    _, text = run(faces, tiny("epochs=1"), tmp_path / "run")
    assert "Left out: train/feliz/bad.png: " in text
    assert "1 unreadable images are left out." in text
    for path in (faces / "train" / "triste").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(Refused, match="sadness has no readable training image"):
        run(faces, tiny("epochs=1"), tmp_path / "other")


def test_validation_of_one_class_is_refused(tmp_path: Path, faces: Path, tiny: Tiny) -> None:
    shutil.copytree(faces / "train" / "feliz", faces / "val" / "feliz")
    with pytest.raises(Refused, match="all validation images are of the class happiness") as caught:
        run(faces, tiny(), tmp_path / "run")
    assert caught.value.code == "one_class_only"


def test_patience_ends_a_run(tmp_path: Path, faces: Path, tiny: Tiny) -> None:
    changes = ("epochs=50", "patience=2", "learning_rates.head=1e-12")
    _, text = run(faces, tiny(*changes), tmp_path / "run")
    assert "Stopped: no better validation for 2 epochs" in text
    assert len(epochs_of(tmp_path / "run")) == 3


def test_random_layers_that_stay_frozen_are_told(tmp_path: Path, faces: Path, tiny: Tiny) -> None:
    _, text = run(faces, tiny("epochs=1"), tmp_path / "run")
    assert "WARNING: stem, stage1, stage2, stage3, stage4 holds layers that start at random" in text


def test_bfloat16_on_a_cpu(tmp_path: Path, faces: Path, tiny: Tiny) -> None:
    changes = ("architecture=resnet18", "epochs=2", "precision=bfloat16", "class_balance=loss")
    bundle, _ = run(faces, tiny(*changes), tmp_path / "run")
    assert read_bundle(bundle.folder, verify=True).card.architecture == "resnet18"
