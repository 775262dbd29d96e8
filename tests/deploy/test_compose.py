"""docker-compose.yml without a container engine: its schema, its rules, and what it calls."""

from __future__ import annotations

import json
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from semblante.cli import cli
from semblante.secret_files import SECRETS
from semblante.settings import Settings

REPOSITORY = Path(__file__).parents[2]
COMPOSE = REPOSITORY / "docker-compose.yml"
DOCUMENT: dict[str, Any] = YAML(typ="safe").load(COMPOSE)
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
OURS = [name for name in SERVICES if name.startswith(("web", "worker", "migrate"))]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")


def test_the_file_follows_the_published_schema() -> None:
    command = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_little_harm(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] not in ("root", "0")
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert "healthcheck" in service
    assert name == "proxy" or service["networks"] == ["inside"]


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert DOCUMENT["networks"]["inside"] == {"internal": True}


@pytest.mark.parametrize("name", OURS)
def test_our_services_call_what_exists(name: str) -> None:
    service = SERVICES[name]
    command, *options = service["command"]
    shown = CliRunner().invoke(cli, [command, "--help"])
    assert shown.exit_code == 0, shown.output
    assert {option for option in options if option.startswith("--")} <= set(shown.output.split())
    assert f"AS {service['build']['target']}\n" in DOCKERFILE
    for variable, value in service["environment"].items():
        setting = variable.removeprefix("SEMBLANTE_").lower()
        if variable.endswith("_FILE"):
            assert setting.removesuffix("_file") in SECRETS
            assert value.removeprefix("/run/secrets/") in service["secrets"]
        else:
            assert setting in Settings.model_fields


def test_every_volume_and_secret_is_declared_and_used() -> None:
    used = {volume.split(":")[0] for one in SERVICES.values() for volume in one.get("volumes", ())}
    assert {name for name in used if not name.startswith(".")} == set(DOCUMENT["volumes"])
    secrets = {secret for one in SERVICES.values() for secret in one.get("secrets", ())}
    assert secrets == set(DOCUMENT["secrets"])


def test_the_secrets_are_written_once(tmp_path: Path) -> None:
    script = shutil.copy(REPOSITORY / "deploy" / "make-secrets", tmp_path)
    subprocess.run([script], check=True)
    folder = tmp_path / "secrets"
    assert {path.name for path in folder.iterdir()} == set(DOCUMENT["secrets"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    secret = (folder / "s3_secret_key").read_text()
    [identity] = json.loads((folder / "s3.json").read_text())["identities"]
    assert identity["credentials"] == [{"accessKey": "semblante", "secretKey": secret}]
    password = (folder / "database_password").read_text()
    assert f":{password}@database/" in (folder / "database_url").read_text()
    again = subprocess.run([script], capture_output=True, text=True)
    assert again.returncode == 2
    assert (folder / "s3_secret_key").read_text() == secret


def test_the_dockerfile_runs_only_scripts_that_ci_runs() -> None:
    steps = DOCKERFILE.replace("\\\n", " ").splitlines()
    runs = [shlex.split(step.removeprefix("RUN ")) for step in steps if step.startswith("RUN ")]
    scripts = [run for run in runs if run[0] != "useradd"]
    assert {run[0] for run in scripts} == {"deploy/install"}
    assert {run[1] for run in scripts} == {"web", "worker-cpu", "worker-gpu", "s3"}
