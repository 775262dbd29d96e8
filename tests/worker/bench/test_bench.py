"""The benchmark measures something, and says why where it does not."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from semblante.bundles import Bundle, shipped_bundle
from semblante.cli import cli
from semblante.settings import Settings
from semblante_worker.bench import baselines
from semblante_worker.bench.baselines import measure_baselines, read_input
from semblante_worker.bench.rate import measure_rate
from semblante_worker.bench.sample import generate_sample, read_sample


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Return the default model."""
    return shipped_bundle(Settings().model)


def test_generated_pictures_differ_in_their_bytes(tmp_path: Path) -> None:
    sample = generate_sample(60, 40, 70, tmp_path)
    assert (sample.name, sample.images, len(sample.files)) == ("60x40", 70, 70)
    assert len({hashlib.sha256(data).digest() for data in sample.files}) == 70
    with Image.open(io.BytesIO(sample.files[69])) as image:
        assert (image.size, image.format) == ((60, 40), "JPEG")


def test_only_images_of_an_archive_are_sampled(tmp_path: Path) -> None:
    generated = generate_sample(8, 8, 2, tmp_path)
    with zipfile.ZipFile(generated.archive, "a") as archive:
        archive.writestr("notes.txt", "no image")
    assert len(read_sample(generated.archive).files) == 2


def test_a_rate_is_images_by_time() -> None:
    calls: list[int] = []

    def work() -> int:
        calls.append(1)
        return 5

    rate = measure_rate("nothing", work)
    assert len(calls) == 4  # one to warm up
    assert rate.images_per_second is not None
    assert rate.images_per_second > 0


def test_steps_are_measured_and_written(tmp_path: Path) -> None:
    output = tmp_path / "figures.json"
    arguments = ["--size", "32x32", "--images", "64", "--steps-only"]
    folders = ["--json", str(output), "--data", str(tmp_path / "data")]
    result = CliRunner().invoke(cli, ["bench", *arguments, *folders], catch_exceptions=False)
    assert result.exit_code == 0
    [document] = json.loads(output.read_text())
    rates = {step["name"]: step["images_per_second"] for step in document["steps"]}
    assert list(rates) == ["decode", "preprocess", "engine", "database"]
    assert document["slowest_step"] == min(rates, key=lambda name: rates[name])
    assert document["end_to_end"] is None
    assert "engine" in result.stdout


def test_a_baseline_that_is_not_installed_says_so(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = generate_sample(16, 16, 2, tmp_path)
    monkeypatch.setattr(baselines, "find_spec", lambda _name: None)
    rates = list(measure_baselines(sample, bundle, "cpu"))
    assert [rate.images_per_second for rate in rates] == [None] * 4
    assert rates[0].note == "not installed: torch"


def test_torch_baselines_run(bundle: Bundle, tmp_path: Path) -> None:
    sample = generate_sample(16, 16, 2, tmp_path)
    rates = list(measure_baselines(sample, bundle, "cpu"))
    assert all(rate.images_per_second for rate in rates[:3])
    assert read_input(sample.files[0], (20, 30)).shape == (3, 20, 30)


@pytest.mark.parametrize("text", ["640", "0x10", "axb", "10x"])
def test_a_wrong_size_is_refused(text: str) -> None:
    result = CliRunner().invoke(cli, ["bench", "--size", text])
    assert result.exit_code == 2
    assert "640x480" in result.stderr
