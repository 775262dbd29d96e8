"""OpenVINO's converter and NNCF, without the reports that both send to their makers.

Warnings of what they use and should not (PyTorch's old names, say) are left out, too.

They ask their environment before they report, and stay silent on machines that build software:
`CI` is the converter's word for these, `NNCF_CI` that of NNCF, which looks when it is imported.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from semblante.errors import Unavailable

_SILENT = {"CI": "true", "NNCF_CI": "true"}


def require_tools() -> None:
    """Check that networks can be exported here, before anything long is begun.

    Raises:
        Unavailable: `component_missing`.
    """
    missing = [name for name in ("nncf", "openvino", "torch") if find_spec(name) is None]
    if missing:
        raise Unavailable(
            "component_missing",
            f"An export needs {' and '.join(missing)}: install semblante-worker[train].",
        )


@contextmanager
def silent_tools() -> Iterator[None]:
    """Let the tools be imported and used inside; the environment is put back afterwards."""
    before = {name: os.environ.get(name) for name in _SILENT}
    os.environ.update(_SILENT)
    try:
        with warnings.catch_warnings(action="ignore"):
            import nncf

            nncf.set_log_level(logging.WARNING)
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
