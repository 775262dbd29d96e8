from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import psutil
import pytest
from celery import Celery

from semblante.errors import Conflict
from semblante.settings import Settings
from semblante.stack.ready_file import ready_file
from semblante.stack.stack import embedded_stack

Until = Callable[[Callable[[], object]], None]

# Stands for `semblante`: a worker that says it is ready, and a web that tells its environment.
PROGRAM = """
import http.server, json, os, pathlib, sys, time
data = pathlib.Path(os.environ["SEMBLANTE_DATA"])
if sys.argv[1] == "worker":
    assert sys.stdin.readline()
    print(json.dumps(sys.argv[1:]), flush=True)
    (data / "run" / f"{sys.argv[3]}.ready").touch()
    time.sleep(600)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ)).encode())
address = (os.environ["SEMBLANTE_HOST"], int(os.environ["SEMBLANTE_PORT"]))
http.server.HTTPServer(address, Handler).serve_forever()
"""

HOLDING = """
import pathlib, sys
from semblante.logs import configure_logs
from semblante.settings import Settings
from semblante.stack.stack import embedded_stack
configure_logs(Settings(log_level="ERROR"))
program = (sys.executable, sys.argv[2])
settings = Settings(data=pathlib.Path(sys.argv[1]), port=0)
with embedded_stack(settings, web=True, predict_worker=True, program=program) as stack:
    try:
        print(*(stack.supervisor.pid(n) for n in ("broker", "batch", "predict", "web")), flush=True)
        stack.wait()
    except KeyboardInterrupt:  # it came before wait()
        pass
"""


@pytest.fixture
def program(tmp_path: Path) -> tuple[str, str]:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    return sys.executable, str(script)


def fetch(url: str) -> dict[str, str]:
    with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
        return dict(json.load(answer))


def test_whole_stack_serves_and_ends(tmp_path: Path, program: tuple[str, str]) -> None:
    data = tmp_path / "data"
    settings = Settings(data=data, port=0, lease_seconds=7)
    with embedded_stack(settings, web=True, predict_worker=True, program=program) as stack:
        assert stack.settings.port != 0
        assert stack.url == f"http://127.0.0.1:{stack.settings.port}"
        environment = fetch(stack.url)
        assert environment["SEMBLANTE_DATA"] == str(data)
        assert environment["SEMBLANTE_LEASE_SECONDS"] == "7.0"
        assert environment["SEMBLANTE_BROKER_URL"] == stack.settings.broker_url
        with (
            Celery("test", broker=stack.settings.broker_url, set_as_current=False) as app,
            app.connection_for_write() as connection,
        ):
            connection.ensure_connection(max_retries=1)
        with closing(sqlite3.connect(data / "semblante.sqlite3")) as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE name = 'jobs'")
            assert tables.fetchall() == [("jobs",)]
        assert ready_file(data, "batch").exists()
        batch, web = (psutil.Process(stack.supervisor.pid(name)) for name in ("batch", "web"))
        assert batch.nice() > web.nice()  # answers are not to wait for a job
    assert json.loads((data / "logs" / "batch.log").read_text()) == [
        "worker",
        "--name",
        "batch",
        "--queues",
        "control,classify",
        "--held",
    ]
    assert json.loads((data / "logs" / "predict.log").read_text()) == [
        "worker",
        "--name",
        "predict",
        "--queues",
        "predict",
        "--held",
    ]
    with pytest.raises(urllib.error.URLError):
        fetch(stack.url)


def test_label_needs_only_the_worker(tmp_path: Path, program: tuple[str, str]) -> None:
    settings = Settings(data=tmp_path / "data")
    with embedded_stack(settings, web=False, predict_worker=False, program=program) as stack:
        assert stack.supervisor.pid("batch") is not None
        with pytest.raises(KeyError):
            stack.supervisor.pid("web")
        with pytest.raises(KeyError):
            stack.supervisor.pid("predict")
    assert sorted(path.name for path in (tmp_path / "data" / "logs").iterdir()) == [
        "batch.log",
        "broker.log",
    ]


def test_given_broker_is_used_instead_of_ours(tmp_path: Path, program: tuple[str, str]) -> None:
    settings = Settings(data=tmp_path / "data", broker_url="redis://broker.example/0")
    with embedded_stack(settings, web=False, predict_worker=False, program=program) as stack:
        assert stack.settings.broker_url == "redis://broker.example/0"
        with pytest.raises(KeyError):
            stack.supervisor.pid("broker")


def test_two_stacks_run_side_by_side_but_not_in_one_folder(
    tmp_path: Path, program: tuple[str, str]
) -> None:
    one = Settings(data=tmp_path / "one", port=0)
    two = Settings(data=tmp_path / "two", port=0)
    with (
        embedded_stack(one, web=True, predict_worker=False, program=program) as first,
        embedded_stack(two, web=True, predict_worker=False, program=program) as second,
    ):
        assert fetch(first.url)["SEMBLANTE_DATA"] == str(tmp_path / "one")
        assert fetch(second.url)["SEMBLANTE_DATA"] == str(tmp_path / "two")
        with (
            pytest.raises(Conflict, match="Another Semblante") as raised,
            embedded_stack(one, web=False, predict_worker=False, program=program),
        ):
            pytest.fail("two stacks in one folder")
        assert raised.value.code == "already_running"
        assert fetch(first.url)["SEMBLANTE_PORT"] == str(first.settings.port)


def test_relative_data_folder_becomes_absolute(
    tmp_path: Path, program: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(data=Path("data"))
    with embedded_stack(settings, web=False, predict_worker=False, program=program) as stack:
        assert stack.settings.data == tmp_path / "data"


def test_socket_outside_a_long_data_folder_leaves_nothing(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    program: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = tmp_path_factory.mktemp("r")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    settings = Settings(data=tmp_path / ("a long name of a data folder " * 4))
    with embedded_stack(settings, web=False, predict_worker=False, program=program) as stack:
        folders = list(runtime.iterdir())
        assert len(folders) == 1
        assert stack.settings.broker_url is not None
        assert folders[0].name in stack.settings.broker_url
    assert list(runtime.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_process_stays_and_the_folder_is_free(
    tmp_path: Path,
    program: tuple[str, str],
    python: Callable[..., subprocess.Popen[str]],
    until: Until,
    gone: Callable[[int], bool],
    number: signal.Signals,
) -> None:
    data = tmp_path / "data"
    holder = python(HOLDING, data, program[1])
    assert holder.stdout is not None
    pids = [int(pid) for pid in holder.stdout.readline().split()]
    assert len(pids) == 4
    os.kill(holder.pid, number)
    assert holder.wait(60) == (-9 if number == signal.SIGKILL else 0)
    for pid in pids:
        until(partial(gone, pid))
    with embedded_stack(
        Settings(data=data), web=False, predict_worker=False, program=program
    ) as stack:
        assert stack.supervisor.restarts("broker") == 0
