from __future__ import annotations

import os
from pathlib import Path

import pytest

from semblante.errors import Unavailable
from semblante.stack import server as server_module
from semblante.stack.server import find_server


def test_server_on_the_path_is_the_fallback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "get_binary_path", lambda: tmp_path / "not-there")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="install `valkey-server` or `redis-server`") as raised:
        find_server()
    assert raised.value.code == "component_missing"
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_server() == program


def test_packaged_server_is_found() -> None:
    assert find_server().name == "valkey-server"
    assert os.access(find_server(), os.X_OK)
