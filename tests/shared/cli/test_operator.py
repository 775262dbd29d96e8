"""`semblante operator`: on the database that the settings name, with an entry in the audit log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from semblante import audit, pausing, workers
from semblante.cli import cli
from semblante.services import Services


@pytest.fixture(autouse=True)
def environment(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMBLANTE_DATA", str(services.settings.data))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["operator", *arguments])


def test_all_jobs_pause_and_go_on(services: Services) -> None:
    assert run("pause").exit_code == 0
    with services.database.reading() as session:
        assert pausing.is_all_paused(session)
    assert "Labelling of all jobs is paused." in run("status").output
    assert run("resume").exit_code == 0
    with services.database.reading() as session:
        assert not pausing.is_all_paused(session)
        assert [entry.action for entry in audit.newest(session)] == ["resume_all", "pause_all"]


def test_a_worker_is_drained(services: Services) -> None:
    with services.database.writing() as session:
        workers.announce(session, "batch@lab", ["classify"], "cpu")
    assert run("drain", "batch@lab").exit_code == 0
    (worker,) = json.loads(run("status", "--json").stdout)["workers"]
    assert (worker["name"], worker["state"], worker["chunks"]) == ("batch@lab", "draining", [])
    assert run("undrain", "batch@lab").exit_code == 0
    assert json.loads(run("status", "--json").stdout)["workers"][0]["state"] == "on"
    refused = run("drain", "no@body")
    assert refused.exit_code == 2
    assert "worker_not_found" in refused.output
    with services.database.reading() as session:
        assert len(audit.newest(session)) == 2


def test_looking_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMBLANTE_DATA", str(tmp_path / "none"))
    assert run("status").exit_code == 0
    assert not (tmp_path / "none").exists()
