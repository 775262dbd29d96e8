from __future__ import annotations

import json
import subprocess
import sys

CODE = """
import logging, sys, warnings
import structlog
log = structlog.get_logger("semblante.test")
from semblante.logs import configure_logs
from semblante.settings import Settings
configure_logs(Settings(log_format=sys.argv[1], log_level=sys.argv[2]))
structlog.contextvars.bind_contextvars(job="one")
log.info("chunk done", images=256)
log.debug("hidden")
logging.getLogger("alembic.runtime.plugins").info("setup plugin")
logging.getLogger("library").warning("careful with %s", "this", extra={"depth": 3})
warnings.warn("old call", DeprecationWarning, stacklevel=1)
try:
    hidden = "do not print"
    raise ValueError("broken")
except ValueError:
    log.exception("failed")
"""


def output(form: str, level: str = "INFO") -> str:
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", CODE, form, level],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    return done.stderr


def test_json_has_one_object_per_line_for_both_libraries() -> None:
    lines = [json.loads(line) for line in output("json").splitlines()]
    assert [line["level"] for line in lines] == ["info", "warning", "warning", "error"]
    stamp = lines[0].pop("timestamp")
    assert stamp.endswith("Z")
    assert lines[0] == {
        "event": "chunk done",
        "images": 256,
        "job": "one",
        "level": "info",
        "logger": "semblante.test",
    }
    assert lines[1]["event"] == "careful with this"
    assert lines[1]["depth"] == 3
    assert lines[1]["logger"] == "library"
    assert "old call" in lines[2]["event"]
    assert "ValueError: broken" in lines[3]["exception"]


def test_console_is_readable_and_prints_no_local_variables() -> None:
    text = output("console")
    assert "chunk done" in text
    assert "images=256" in text
    assert "careful with this" in text
    assert "ValueError: broken" in text
    assert "do not print" not in text.replace('hidden = "do not print"', "")
    assert "\x1b[" not in text


def test_level_holds_for_both_libraries() -> None:
    lines = [json.loads(line) for line in output("json", "ERROR").splitlines()]
    assert [line["event"] for line in lines] == ["failed"]
