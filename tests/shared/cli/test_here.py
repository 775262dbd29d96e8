"""The commands that work on this machine alone: doctor, migrate, models, predict."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bundle_factory import write_bundle
from factory import jpeg
from semblante.cli import cli
from semblante.settings import Settings
from semblante.stack.broker import Broker

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def invoke(*words: str | Path, **environment: str) -> Result:
        arguments = [*map(str, words), "--data", str(tmp_path / "data")]
        return CliRunner().invoke(cli, arguments, prog_name="semblante", env=environment)

    return invoke


def checks(result: Result) -> dict[str, bool]:
    return {check["name"]: check["ok"] for check in json.loads(result.stdout)}


def test_doctor_finds_everything_on_a_fresh_machine(run: Run, tmp_path: Path) -> None:
    result = run("doctor", "--json")
    assert result.exit_code == 0
    assert all(checks(result).values())
    assert {"python", "storage", "database", "broker", "model", "device"} <= set(checks(result))
    assert not (tmp_path / "data").exists()


def test_doctor_names_what_is_missing_and_the_remedy(run: Run, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    result = run(
        "doctor",
        SEMBLANTE_BROKER_URL="redis://127.0.0.1:9/0",
        SEMBLANTE_MODEL="nobody",
        SEMBLANTE_DATABASE_URL=database,
        SEMBLANTE_STORAGE_URL="ftp://somewhere",
    )
    assert result.exit_code == 1
    missing = [line.split()[1] for line in result.stdout.splitlines() if "MISSING" in line]
    assert missing == ["storage", "database", "broker", "model"]
    assert "-> Run `semblante migrate`." in result.stdout


def test_doctor_asks_the_real_broker(run: Run, settings: Settings, broker: Broker) -> None:
    result = run("doctor", "--json", SEMBLANTE_BROKER_URL=broker.url)
    assert checks(result)["broker"]


def test_migrate_makes_a_database_that_doctor_accepts(run: Run, tmp_path: Path) -> None:
    assert run("migrate").exit_code == 0
    assert run("migrate").exit_code == 0
    assert (tmp_path / "data" / "semblante.sqlite3").exists()
    assert checks(run("doctor", "--json"))["database"]


def test_models_are_imported_shown_and_removed(run: Run, tmp_path: Path) -> None:
    source = write_bundle(tmp_path / "bundle")
    name = json.loads((source / "card.json").read_bytes())["name"]
    assert run("models", "import", source).exit_code == 0
    listed = json.loads(run("models", "list", "--json").stdout)
    assert [(one["name"], one["packaged"]) for one in listed] == [("starter", True), (name, False)]
    assert json.loads(run("models", "show", name, "--json").stdout)["card"]["name"] == name
    assert "Accuracy" in run("models", "show", "starter").stdout
    assert run("models", "remove", name).exit_code == 0
    assert len(run("models", "list").stdout.splitlines()) == 1


def test_a_packaged_model_stays(run: Run) -> None:
    result = run("models", "remove", "starter")
    assert result.exit_code == 2
    assert "[bundle_in_use]" in result.stderr


def test_predict_refuses_addresses_and_missing_files(run: Run, tmp_path: Path) -> None:
    assert "download the image first" in run("predict", "https://example.org/a.jpg").stderr
    assert "[no_file]" in run("predict", tmp_path / "nothing.jpg").stderr


def test_predict_in_this_process(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    result = run("predict", tmp_path / "a.jpg", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["width"], answer["height"]) == (32, 32)
    assert sum(answer["faces"][0]["probabilities"].values()) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("folder", "is a folder"),
        ("nowhere/r.csv", "its folder is missing"),
        ("a.zip", "would overwrite the images"),
    ],
)
def test_label_refuses_an_output_that_cannot_be(
    run: Run, tmp_path: Path, output: str, message: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.zip").write_bytes(b"precious")
    result = run("label", tmp_path / "a.zip", "-o", tmp_path / output)
    assert result.exit_code == 2
    assert message in result.stderr
    assert (tmp_path / "a.zip").read_bytes() == b"precious"


def test_label_refuses_before_anything_starts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x05\x06")
    words = ("label", tmp_path / "a.zip", "-o", tmp_path / "r.csv")
    assert "[model_not_found]" in run(*words, "--model", "nobody").stderr
    assert "choose one" in run("label", tmp_path / "a.zip", "-o", "-", "--json").stderr
    assert "is an archive" in run(*words, tmp_path / "a.zip").stderr
    assert not (tmp_path / "data").exists()
