"""`semblante evaluate` with the shipped model, on pictures whose labels its own words give."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from bundle_factory import write_bundle
from factory import zip_bytes
from predictions import probabilities_of
from semblante.bundles import PACKAGE_MODELS, read_bundle, shipped_bundle
from semblante.cli import cli
from semblante.settings import Settings
from semblante_worker.evaluation.run import find_model
from semblante_worker.predict import Predictor

Run = Callable[..., Result]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tests run side by side, and threads that outnumber the cores wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    environment = {"SEMBLANTE_COMPUTE_THREADS": "1", "SEMBLANTE_DECODE_THREADS": "1"}

    def invoke(*words: str | Path) -> Result:
        arguments = ["evaluate", *map(str, words), "--data", str(tmp_path / "data")]
        return CliRunner().invoke(cli, arguments, prog_name="semblante", env=environment)

    return invoke


def picture(seed: int) -> bytes:
    noise = np.random.default_rng(seed)
    small = noise.integers(0, 256, (seed + 2, seed + 2), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(small).resize((90, 80)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def members(tmp_path: Path, predictor: Predictor) -> dict[str, bytes]:
    """Nine pictures in the folders of the labels that the model gives; one is then misplaced."""
    bundle = shipped_bundle("resnet18-raf7")
    found: dict[str, bytes] = {}
    for seed in range(9):
        data = picture(seed)
        label = bundle.classes[int(probabilities_of(predictor, data, bundle).argmax())].id
        if seed == 4:
            label = "fear" if label != "fear" else "anger"
        found[f"test/{label}/{seed}.png"] = data
    return found


def test_a_zip_is_measured_and_reported(
    run: Run, tmp_path: Path, members: dict[str, bytes]
) -> None:
    [folder] = {name.split("/")[1] for name in members if name.endswith("/4.png")}
    members[f"test/{folder}/broken.png"] = b"no image"
    (tmp_path / "set.zip").write_bytes(zip_bytes(members))
    result = run("resnet18-raf7", tmp_path / "set.zip", "-o", tmp_path / "report", "--json")
    assert result.exit_code == 3, result.output
    document = json.loads(result.stdout)
    assert document == json.loads((tmp_path / "report" / "metrics.json").read_bytes())
    assert document["subject"]["model"].startswith("resnet18-raf7@")
    assert document["subject"]["split"] == "test"
    assert "non-commercial" in document["subject"]["terms"]
    assert document["failed"] == {"unsupported_format": 1}
    assert document["left_out"]["accuracy"]["value"] == pytest.approx(8 / 9, abs=1e-6)
    assert document["counted_as_wrong"]["accuracy"]["value"] == pytest.approx(8 / 10, abs=1e-6)
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert page.count("<li ") == 1
    assert f"test/{folder}/4.png" in page
    assert "10/10 images" in result.stderr
    assert "1 failed" in result.stderr


def test_people_get_a_table(run: Run, tmp_path: Path, members: dict[str, bytes]) -> None:
    (tmp_path / "set.zip").write_bytes(zip_bytes(members))
    result = run("resnet18-raf7", tmp_path / "set.zip")
    assert result.exit_code == 0, result.output
    for words in ("accuracy", "88.9 %", "sorprendido", "Ranges are 95 % bootstrap intervals"):
        assert words in result.stdout


def test_classes_that_the_model_lacks(run: Run, tmp_path: Path, members: dict[str, bytes]) -> None:
    members["test/contempt/a.png"] = picture(3)
    (tmp_path / "set.zip").write_bytes(zip_bytes(members))
    words = ("resnet18-raf7", tmp_path / "set.zip", "-o", tmp_path / "report")
    refused = run(*words)
    assert (refused.exit_code, "[unknown_class]" in refused.stderr) == (2, True)
    result = run(*words, "--skip-other-classes")
    assert result.exit_code == 0, result.output
    assert "Not measured: 1 images of classes it does not know." in result.stdout
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "1 images are of classes that the model does not know" in page
    document = json.loads((tmp_path / "report" / "metrics.json").read_bytes())
    assert (document["images"], document["subject"]["other_classes"]) == (9, 1)


def test_a_folder_bundle_and_its_raw_probabilities(
    run: Run, tmp_path: Path, members: dict[str, bytes]
) -> None:
    (tmp_path / "set.zip").write_bytes(zip_bytes(members))
    shutil.copytree(PACKAGE_MODELS / "resnet18-raf7", tmp_path / "warm")
    card = json.loads((tmp_path / "warm" / "card.json").read_bytes())
    card |= {"temperature": 4.0, "name": "warm"}
    (tmp_path / "warm" / "card.json").write_text(json.dumps(card), encoding="utf-8")

    def measure(*words: str | Path) -> dict[str, Any]:
        return dict(json.loads(run(*words, tmp_path / "set.zip", "--json").stdout))

    plain, warm = measure("resnet18-raf7", "--raw"), measure(tmp_path / "warm")
    raw = measure(tmp_path / "warm", "--raw")
    assert warm["subject"]["temperature"] == 4.0
    assert warm["mean_confidence"] < plain["mean_confidence"] - 0.05
    assert warm["confusion"] == plain["confusion"]
    assert raw["subject"]["temperature"] == 1.0
    assert raw["brier"] == plain["brier"]


def test_a_folder_with_a_card_goes_before_a_model_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(data=tmp_path / "data")
    shipped = shipped_bundle("resnet18-raf7")
    folder = tmp_path / "resnet18-raf7"
    folder.mkdir()
    assert find_model(settings, "resnet18-raf7").digest == shipped.digest
    folder.rmdir()
    own = write_bundle(folder)
    assert find_model(settings, "resnet18-raf7").digest == read_bundle(own, verify=True).digest
    assert find_model(settings, shipped.reference).digest == shipped.digest


def test_the_csv_of_a_job_is_measured(run: Run, tmp_path: Path, predictor: Predictor) -> None:
    bundle = shipped_bundle("resnet18-raf7")
    ids = [one.id for one in bundle.classes]
    header = "image_path,face_id,status,error_code,emotion,confidence,"
    header += (
        ",".join(ids) + ",face_x,face_y,face_w,face_h,face_confidence,width,height,sha256,model"
    )
    lines, truth = [header.split(",")], [["image_path", "emotion"]]
    for seed in range(6):
        shares = probabilities_of(predictor, picture(seed), bundle)
        best = int(shares.argmax())
        cells = [f"{share:.4f}" for share in shares]
        named = [f"{seed}.png", "0", "ok", "", bundle.classes[best].es, cells[best]]
        lines.append([*named, *cells, *[""] * 8, bundle.reference])
        truth.append([f"{seed}.png", ids[best] if seed else ids[(best + 1) % 7]])
    for name, rows in (("r.csv", lines), ("t.csv", truth)):
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    words = ("--csv", tmp_path / "r.csv", "--truth", tmp_path / "t.csv")
    result = run(*words, "-o", tmp_path / "report", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["left_out"]["accuracy"]["value"] == pytest.approx(5 / 6, abs=1e-6)
    assert document["subject"]["model"] == bundle.reference
    assert "For research only" in document["subject"]["terms"]
    assert "no picture" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Name a BUNDLE and a DATASET"),
        (("resnet18-raf7",), "Name a BUNDLE and a DATASET"),
        (("--csv", "{file}"), "--csv and --truth go together"),
        (("resnet18-raf7", "--csv", "{file}", "--truth", "{file}"), "without BUNDLE and DATASET"),
        (("--csv", "{file}", "--truth", "{file}", "--raw"), "and --raw need"),
        (("nobody", "{file}"), "[model_not_found]"),
        (("resnet18-raf7", "{file}"), "[empty_dataset]"),
    ],
)
def test_what_cannot_be_run_is_refused(
    run: Run, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    file = tmp_path / "set.zip"
    file.write_bytes(zip_bytes({}))
    result = run(*(word.format(file=file) for word in words))
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_report_without_its_packages_says_what_to_install(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("semblante_worker.evaluation.report.find_spec", lambda _name: None)
    (tmp_path / "set.zip").write_bytes(zip_bytes({}))
    result = run("resnet18-raf7", tmp_path / "set.zip", "-o", tmp_path / "report")
    assert result.exit_code == 2
    assert "install semblante-worker[train]. [component_missing]" in result.stderr


def test_a_damaged_bundle_names_its_file(run: Run, tmp_path: Path) -> None:
    shutil.copytree(PACKAGE_MODELS / "resnet18-raf7", tmp_path / "broken")
    (tmp_path / "broken" / "model.safetensors").write_bytes(b"damage")
    (tmp_path / "set.zip").write_bytes(zip_bytes({}))
    result = run(tmp_path / "broken", tmp_path / "set.zip")
    assert result.exit_code == 2
    assert "model.safetensors: its sha256 is not the one in the card" in result.stderr
