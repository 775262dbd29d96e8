"""The commands that work on this machine alone: doctor, migrate, models, predict."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bundle_factory import write_bundle
from factory import jpeg
from semblante.bundles import shipped_bundle, shipped_bundles
from semblante.cli import cli
from semblante.detector_weights import YUNET_FILE
from semblante.settings import Settings
from semblante.stack.broker import Broker

Run = Callable[..., Result]
SHIPPED = [(bundle.card.name, "shipped") for bundle in shipped_bundles()]


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


@pytest.mark.parametrize(
    "url", ["foo", "mysql://x", "postgresql://x/y", "postgresql+psycopg://h:p/x"]
)
def test_a_database_of_no_kind_is_refused(run: Run, url: str) -> None:
    found = run("doctor", "--json", SEMBLANTE_DATABASE_URL=url)
    assert found.exit_code == 1
    assert not checks(found)["database"]
    result = run("migrate", SEMBLANTE_DATABASE_URL=url)
    assert result.exit_code == 2
    assert "SEMBLANTE_DATABASE_URL is no address" in result.stderr


def test_a_database_of_a_newer_version_is_refused(run: Run, tmp_path: Path) -> None:
    assert run("migrate").exit_code == 0
    with closing(sqlite3.connect(tmp_path / "data" / "semblante.sqlite3")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    result = run("migrate")
    assert result.exit_code == 2
    assert "[database_unavailable]" in result.stderr


def test_doctor_asks_the_real_broker(run: Run, settings: Settings, broker: Broker) -> None:
    result = run("doctor", "--json", SEMBLANTE_BROKER_URL=broker.url)
    assert checks(result)["broker"]


def test_doctor_wants_a_broker_that_is_new_enough(
    run: Run, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("semblante.cli.checks.OLDEST_BROKER", (1_000, 0))
    result = run("doctor", SEMBLANTE_BROKER_URL=broker.url)
    assert "-> Take Valkey, or Redis 6.2 or newer." in result.stdout


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
    found = [(one["name"], one["origin"]) for one in listed]
    assert found == [*SHIPPED, (name, "imported")]
    assert listed[-1]["size_bytes"] == sum(path.stat().st_size for path in source.iterdir())
    assert json.loads(run("models", "show", name, "--json").stdout)["card"]["name"] == name
    accuracy = shipped_bundle("resnet18-raf7").card.metrics["validation"].accuracy
    assert f"accuracy: {accuracy:.2%}" in run("models", "show", "resnet18-raf7").stdout
    assert run("models", "remove", name).exit_code == 0
    assert len(run("models", "list").stdout.splitlines()) == 1 + len(SHIPPED)


def test_looking_at_models_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    lines = run("models", "list").stdout.splitlines()
    assert lines[0].split() == [
        "name",
        "version",
        "classes",
        "size",
        "validation",
        "origin",
        "reference",
    ]
    [default] = [line for line in lines if line.startswith("* ")]
    model = shipped_bundle(Settings().model)
    assert default.split()[1:4] == [model.card.name, model.card.version, "7"]
    assert default.split()[-2:] == ["shipped", model.reference]
    assert run("models", "default").stdout == f"{model.reference}\n"
    assert "[model_not_found]" in run("models", "show", "nobody").stderr
    assert not (tmp_path / "data").exists()


def test_the_default_is_chosen_and_given_back(run: Run, tmp_path: Path) -> None:
    shipped = run("models", "default").stdout
    run("models", "import", write_bundle(tmp_path / "bundle"))
    chosen = run("models", "default", "mine").stdout
    assert chosen.startswith("mine@")
    assert run("models", "default", SEMBLANTE_MODEL="resnet18-raf7").stdout == chosen
    listed = json.loads(run("models", "list", "--json").stdout)
    assert [one["name"] for one in listed if one["is_default"]] == ["mine"]
    assert "[model_not_found]" in run("models", "default", "nobody").stderr
    assert run("models", "default", "mine", "--reset").exit_code == 2
    assert run("models", "default", "--reset").stdout == shipped
    run("models", "default", "mine")
    run("models", "remove", "mine")
    assert run("models", "default").stdout == shipped


def test_doctor_looks_at_an_imported_default(run: Run, tmp_path: Path) -> None:
    run("models", "import", write_bundle(tmp_path / "bundle"))
    run("models", "default", "mine")
    assert checks(run("doctor", "--json"))["model"]
    [weights] = (tmp_path / "data" / "storage" / "models").glob("*/model.safetensors")
    weights.write_bytes(b"damage!")
    result = run("doctor")
    assert result.exit_code == 1
    assert "model.safetensors: its sha256 is not the one in the card" in result.stdout


def test_a_database_without_the_schema_is_named(run: Run, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    result = run("models", "list", SEMBLANTE_DATABASE_URL=database)
    assert result.exit_code == 2
    assert "run `semblante migrate`. [database_unavailable]" in result.stderr


def test_a_packaged_model_stays(run: Run) -> None:
    result = run("models", "remove", "resnet18-raf7")
    assert result.exit_code == 2
    assert "[bundle_in_use]" in result.stderr


def test_predict_refuses_missing_files(run: Run, tmp_path: Path) -> None:
    assert "[no_file]" in run("predict", tmp_path / "nothing.jpg").stderr


def test_predict_in_this_process(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    result = run("predict", tmp_path / "a.jpg", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["width"], answer["height"]) == (32, 32)
    assert sum(answer["faces"][0]["probabilities"].values()) == pytest.approx(1, abs=0.001)
    assert (answer["detector"], answer["faces"][0]["box"]) == (None, None)


def test_predict_says_where_faces_are_and_that_there_is_none(
    run: Run, tmp_path: Path, shared_data: Path
) -> None:
    weights = shared_data / "weights" / YUNET_FILE
    assert run("models", "pull", "yunet", "--from", weights).exit_code == 0
    assert checks(run("doctor", "--json"))["face detector"]
    photos = shared_data / "fixtures" / "photos_ccby"
    answer = json.loads(run("predict", photos / "happy_045.jpg", "--detect", "on", "--json").stdout)
    [face] = answer["faces"]
    assert (answer["detector"], face["emotion"]) == ("yunet_2023mar", "happiness")
    assert face["face_confidence"] > 0.8
    assert 0 < face["box"]["x"] < answer["width"] - face["box"]["w"]
    forest = photos / "noface_forest-5524569_640.jpg"
    assert run("predict", forest, "--detect", "auto").stdout == f"{forest}: no face\n"
    (tmp_path / "data" / "detectors" / YUNET_FILE).write_bytes(b"damage")
    assert not checks(run("doctor", "--json"))["face detector"]
    assert "models pull yunet" in run("predict", forest, "--detect", "on").stderr


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
