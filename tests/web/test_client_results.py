"""Results by the Python client from the real application: rows, files, tables."""

from __future__ import annotations

import importlib
import io
from types import ModuleType

import pytest

from semblante.client import Client
from semblante.errors import Conflict, Unavailable
from semblante.tables import Job


def test_rows_come_one_by_one(address: str, finished_job: Job) -> None:
    with Client(address) as client:
        rows = list(client.results(finished_job.id))
    assert [row["image_path"] for row in rows] == [
        "caras/niña.jpg",
        "caras/=cmd.jpg",
        "caras/broken.png",
    ]
    assert rows[0]["probabilities"]["happiness"] == 0.9


def test_a_table_has_the_csv_columns_typed(address: str, finished_job: Job) -> None:
    with Client(address) as client:
        job = client.job(finished_job.id)
        table = client.results(job).to_pandas()
        spanish = client.results(job, lang="es").to_pandas()
        theirs = client.results(job, profile="deepface").to_pandas()
        file = io.BytesIO()
        client.results(job).write(file)
    assert list(table.columns) == file.getvalue().decode().splitlines()[0].split(",")
    assert table["image_path"][1] == "caras/=cmd.jpg"  # as it is: no spreadsheet reads this
    assert table["width"].tolist()[:2] == [32, 32]
    assert table["emotion"].isna().tolist() == [False, False, True]
    assert table["confidence"].dtype == "Float64"
    assert spanish["emotion"].tolist()[:2] == ["feliz", "miedo"]
    assert theirs["dominant_emotion"][0] == "happy"


def test_no_table_of_an_unfinished_job(address: str, open_job: Job) -> None:
    with Client(address) as client:
        with pytest.raises(Conflict) as caught:
            client.results(open_job.id).to_pandas()
        assert caught.value.code == "job_not_finished"
        with pytest.raises(Conflict):
            next(iter(client.results(open_job.id)))


def test_without_pandas_the_extra_is_named(
    address: str, finished_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.import_module

    def without(name: str, package: str | None = None) -> ModuleType:
        if name == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name="pandas")
        return found(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    with Client(address) as client, pytest.raises(Unavailable) as caught:
        client.results(finished_job.id).to_pandas()
    assert caught.value.code == "component_missing"
    assert "semblante[pandas]" in caught.value.message
