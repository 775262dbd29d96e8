"""The texts of errors that pages and problems may show, found in the code for the translators.

An error's text is a constant where it is raised, its values stand beside it (`semblante.message`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from semblante.input_error import KINDS
from semblante_web.problems import HTTP_TEXTS

ROOT = Path(__file__).parents[2]
FOLDERS = ("shared/semblante", "web/semblante_web", "worker/semblante_worker")
COMMANDS_ONLY = tuple(
    f"shared/semblante/{name}"
    for name in (
        *("backup.py", "binding.py", "cli/", "client.py", "client_results.py", "client_wait.py"),
        *("http_problem.py", "http_transport.py", "local_models.py", "packing.py", "stack/"),
        *("telemetry.py", "tus_upload.py"),
    )
) + tuple(
    f"worker/semblante_worker/{name}"
    for name in (
        "bench/",
        "datasets/",
        "evaluation/",
        "export/",
        "training/",
        "vision.py",
        "webcam/",
    )
)
"""Code that only commands run, which speak English."""
ERRORS = frozenset(
    {
        *("SemblanteError", "Refused", "NotFound", "Conflict", "Unauthorized", "TooLarge"),
        *("ArchiveError", "ImageError", "BundleError", "TrainingError", "Unavailable"),
        *("HttpRefused", "KeyMissing", "Forbidden", "UnsupportedVersion", "UnsupportedMediaType"),
        *("TooMany", "ChecksumMismatch"),
    }
)
TREE = "shared/semblante/errors.py"
"""Where the errors themselves are defined."""
PLACES_OF_TEXT = dict.fromkeys(ERRORS, 1) | {"Message": 0}


class Found(NamedTuple):
    """Where a text is given; `text` is None for one that no translator can know."""

    place: str
    text: str | None


def error_texts() -> Iterator[Found]:
    """Yield the texts of our errors, of pydantic's and of HTTP's rules."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(COMMANDS_ONLY):
                yield from _of_code(name, path.read_text(encoding="utf-8"))
    for kind, text in KINDS.items():
        yield Found(f"input error {kind}", text)
    for status, text in HTTP_TEXTS.items():
        yield Found(f"HTTP {status}", text)


def _of_code(name: str, code: str) -> Iterator[Found]:
    for call in ast.walk(ast.parse(code)):
        if isinstance(call, ast.Call):
            called = ast.unparse(call.func).rpartition(".")[2]
            place = PLACES_OF_TEXT.get(called)
            if place is not None and name != TREE and len(call.args) > place:
                for text in _texts(call.args[place], called):
                    yield Found(f"{name}:{call.lineno}", text)


def _texts(given: ast.expr, called: str) -> Iterator[str | None]:
    """Yield the constant that `given` is; nothing for a message or for the text of a code."""
    if isinstance(given, ast.Constant):
        yield str(given.value)
    elif not _is_known_elsewhere(given, called):
        yield None


def _is_known_elsewhere(given: ast.expr, called: str) -> bool:
    """Whether `given` is a message, made by its own call, or the text of a code."""
    words = ast.unparse(given)
    if isinstance(given, ast.Subscript):
        return words.partition("[")[0].endswith(("ERROR_CODES", "KINDS", "HTTP_TEXTS"))
    return called != "Message" and words.startswith(("Message", "message", "input_error"))
