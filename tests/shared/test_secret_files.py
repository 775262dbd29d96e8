"""Secrets may lie in files, as container engines hand them over."""

from __future__ import annotations

from pathlib import Path

import pytest
from click import UsageError

from semblante.cli.options import make_settings
from semblante.secret_files import SECRETS
from semblante.settings import Settings


def test_every_secret_may_lie_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        (tmp_path / name).write_text(f"the {name}\n")
        monkeypatch.setenv(f"SEMBLANTE_{name.upper()}_FILE", str(tmp_path / name))
    settings = Settings()
    assert {name: getattr(settings, name) for name in SECRETS} == {
        name: f"the {name}" for name in SECRETS
    }
    monkeypatch.setenv("SEMBLANTE_API_KEY", "from the variable")
    assert Settings().api_key == "from the variable"  # pragma: allowlist secret


def test_other_settings_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "host").write_text("example.org")
    monkeypatch.setenv("SEMBLANTE_HOST_FILE", str(tmp_path / "host"))
    assert Settings().host == "127.0.0.1"


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMBLANTE_API_KEY_FILE", "/nowhere/key")
    with pytest.raises(UsageError, match=r"SEMBLANTE_API_KEY_FILE: .*/nowhere/key"):
        make_settings()
