"""Every command of README and docs is run as it stands there, or has a reason not to be."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic import command

from flow.docs_folder import write_files
from semblante.migrations import alembic_config, upgrade
from semblante.settings import Settings
from semblante.stack.stack import embedded_stack

pytestmark = pytest.mark.flow
REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SERVER = "http://127.0.0.1:8000"
NEEDS_SERVER = re.compile(r"semblante (submit|list|status|watch|download|retry|delete)|Client\(")
ENGINE = "a container engine"
NOT_RUN = {
    "bin/test": "it runs this test",
    "bin/semblante up": "it serves until Ctrl-C; the pages are tested on the same stack",
    "bin/semblante webcam": "needs a camera",
    "bin/semblante webcam 1 --lang es": "needs two cameras",
    "bin/semblante models pull yunet": "asks another host",
    "bin/semblante train dataset.zip --recipe finetune -o my-model": "ImageNet's weights come from "
    "another host; tests/worker/training starts without",
    "bin/semblante export my-model dataset.zip": "the one below it does more, for most of a minute",
    'bin/semblante pause "$JOB"': "the example is labelled before; tests/flow/test_control.py",
    'bin/semblante resume "$JOB"': "the example is labelled before; tests/flow/test_control.py",
    'bin/semblante retry "$JOB"': "nothing is there to try again; tests/flow/test_control.py",
    "bin/semblante watch-folder /data/camera --move /data/camera/done": "it watches until Ctrl-C; "
    "tests/shared/cli/test_watch_folder.py",
    "curl -s 'http://127.0.0.1:8000/api/v1/predict?profile=deepface' -F img=@face.jpg "
    "-F detector_backend=skip": "its port is another one here; tests/web/test_predict_api.py",
    "bin/semblante operator drain batch@host": "a worker has its host's name here; "
    "tests/flow/test_operator.py",
    "bin/semblante bench --images 2000 --size 100x100": "it takes minutes; tests/worker/bench",
    "deploy/make-secrets": "writes to the clone; see tests/deploy",  # pragma: allowlist secret
    "cat deploy/secrets/api_key": "needs deploy/make-secrets",  # pragma: allowlist secret
    "docker compose up --detach --build": ENGINE,
    "docker compose --profile gpu up --detach --build": ENGINE,
    "docker compose build": ENGINE,
    "docker compose up --detach": ENGINE,
    "deploy/install web /opt/semblante-web": "writes to /opt; CI runs it by deploy/check",
    "deploy/install worker-cpu /opt/semblante-worker": "writes to /opt; CI runs it by deploy/check",
}
"""Commands that cannot run here, and why."""
BEFORE = {
    "evaluation.md": "import numpy as np\nfrom pathlib import Path\n"
    "from semblante.emotions import EMOTIONS as classes\n"
    "truth = np.arange(70) % 7\nlogits = 3 * np.eye(7, dtype=np.float32)[truth]\n"
    "probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)\n"
    "folder, records = Path('report'), None\n"
}
"""What the reader of a page's Python has already."""
ELSEWHERE = {"README.md", "webhooks.md"}
"""Whose Python other tests run: test_readme.py, and for a receiver test_webhooks.py."""


def blocks(page: Path, language: str) -> list[str]:
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [text for kind, text in found if kind == language]


def commands(page: Path) -> list[str]:
    """Return the commands of a page in their order, without comments."""
    lines = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    bare = (re.sub(r"(^|\s+)#\s.*$", "", line).strip() for line in lines)
    return [line for line in bare if line]


def pages_with(language: str) -> list[str]:
    return [page.name for page in PAGES if blocks(page, language)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path)


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """Return the variables of the page's commands."""
    return {**os.environ, "SEMBLANTE_DATA": str(folder / "own"), "HOME": str(folder)}


@contextmanager
def server_for(code: str, settings: Settings, environment: dict[str, str]) -> Iterator[None]:
    """Run a server, and name it to the commands, where `code` needs one."""
    with ExitStack() as running:
        if NEEDS_SERVER.search(code):
            stack = running.enter_context(embedded_stack(settings, web=True, predict_worker=True))
            environment["SEMBLANTE_SERVER"] = stack.url
        yield


@pytest.mark.parametrize("name", pages_with("sh"))
def test_the_commands_of_a_page_work(
    name: str,
    folder: Path,
    settings: Settings,
    environment: dict[str, str],
    request: pytest.FixtureRequest,
) -> None:
    """Exit status 3 says that some images failed: one of the example is broken."""
    page = next(page for page in PAGES if page.name == name)
    lines = [line for line in commands(page) if line not in NOT_RUN]
    if any("yunet.onnx" in line for line in lines):
        shared = request.getfixturevalue("shared_data")
        shutil.copy(shared / "weights" / "face_detection_yunet_2023mar.onnx", folder / "yunet.onnx")
    checked = "case $? in 0|3) ;; *) exit 1;; esac"
    script = "\n".join(f"{line}\n{checked}" for line in lines)
    with server_for(script, settings, environment):
        run = subprocess.run(
            ["bash", "-xuc", script], cwd=folder, env=environment, capture_output=True, text=True
        )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("name", [name for name in pages_with("python") if name not in ELSEWHERE])
def test_the_python_of_a_page_works(
    name: str, folder: Path, settings: Settings, environment: dict[str, str]
) -> None:
    """Only README's is elsewhere, with what it prints: tests/flow/test_readme.py."""
    code = BEFORE.get(name, "") + "".join(blocks(REPOSITORY / "docs" / name, "python"))
    with server_for(code, settings, environment):
        code = code.replace(SERVER, environment.get("SEMBLANTE_SERVER", SERVER))
        run = subprocess.run(
            [sys.executable, "-P", "-c", code],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("name", pages_with("sql"))
def test_the_sql_of_a_page_works(name: str, postgresql: str) -> None:
    base = postgresql.replace("+psycopg", "")
    database = f"docs_{uuid4().hex}"
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database}"'.encode())
    url = postgresql.replace("/postgres?", f"/{database}?")
    upgrade(url)
    with psycopg.connect(
        base.replace("/postgres?", f"/{database}?"), autocommit=True
    ) as connection:
        for block in blocks(REPOSITORY / "docs" / name, "sql"):
            connection.execute(block.encode())
        command.downgrade(alembic_config(url), "0004")  # the one after it names indexes of results
        upgrade(url)
        day = "01a1fb67-1800-7000-8000-000000000000"
        with connection.transaction(force_rollback=True):
            connection.execute("ALTER TABLE results DROP CONSTRAINT fk_results_job_id_jobs")
            insert = (
                "INSERT INTO results (job_id, image_index, face_id, status) VALUES (%s, %s, 0, '')"
            )
            for job_id, index in ((day, 5), (day, 10**8), ("02", 0)):
                connection.execute(insert.encode(), (job_id, index))
            places = connection.execute(b"SELECT tableoid::regclass::text FROM results")
            assert {place for (place,) in places} == {
                "results_20261121_0",
                "results_20261121_rest",
                "results_rest",
            }


def test_what_is_not_run_is_still_there() -> None:
    shown = {line for page in PAGES for line in commands(page)}
    assert set(NOT_RUN) <= shown


def test_every_block_says_what_it_is() -> None:
    for page in PAGES:
        kinds = {kind for kind, _text in BLOCK.findall(page.read_text(encoding="utf-8"))}
        assert kinds <= {"json", "sh", "python", "sql", "text"}, page.name
        assert "\n    semblante" not in page.read_text(encoding="utf-8"), page.name
