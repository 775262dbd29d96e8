from __future__ import annotations

from pathlib import Path

import pytest

from semblante.settings import Settings
from semblante.stack.environment import child_environment


def test_child_reads_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMBLANTE_PORT", "1234")
    monkeypatch.setenv("semblante_api_key", "of the shell")
    monkeypatch.setenv("SOMETHING_ELSE", "kept")
    settings = Settings(
        data=tmp_path,
        api_key=None,
        port=4321,
        broker_url="redis+socket:///b/valkey.sock?virtual_host=0",
        trusted_hosts=("faces.example", "[::1]"),
        lease_seconds=1.5,
    )
    environment = child_environment(settings)
    assert environment["SEMBLANTE_DATA"] == str(tmp_path)
    assert environment["SEMBLANTE_PORT"] == "4321"
    assert environment["SEMBLANTE_LEASE_SECONDS"] == "1.5"
    assert environment["SEMBLANTE_TRUSTED_HOSTS"] == '["faces.example", "[::1]"]'
    assert environment["SOMETHING_ELSE"] == "kept"
    assert "semblante_api_key" not in environment
    assert "SEMBLANTE_API_KEY" not in environment
    monkeypatch.delenv("semblante_api_key")
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    assert Settings() == settings
