from __future__ import annotations

from pathlib import Path

import pytest

from semblante.errors import Unavailable
from semblante.stack.broker import Broker
from semblante.stack.socket_path import choose_socket_path
from semblante.stack.supervisor import Supervisor

LONG = "a-folder-with-a-name-that-is-too-long-for-a-socket" * 2


@pytest.fixture
def runtime(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("r")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def test_longest_path_that_fits_stays_in_the_folder() -> None:
    folder = Path("/") / ("x" * (103 - len("//valkey.sock")))
    assert choose_socket_path(folder) == folder / "valkey.sock"
    assert len(str(folder / "valkey.sock")) == 103


def test_length_is_counted_in_bytes(runtime: Path) -> None:
    folder = Path("/") / ("ñ" * 60)
    assert choose_socket_path(folder).is_relative_to(runtime)


def test_long_folder_gets_a_private_short_one_always_the_same(
    tmp_path: Path, runtime: Path
) -> None:
    path = choose_socket_path(tmp_path / LONG)
    assert path.parent.parent == runtime
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(str(path)) < 104
    assert choose_socket_path(tmp_path / LONG) == path
    assert choose_socket_path(tmp_path / (LONG + "2")) != path


def test_broker_works_in_a_long_folder(tmp_path: Path, runtime: Path) -> None:
    broker = Broker(tmp_path / LONG)
    with Supervisor(tmp_path / "logs", [[broker.component()]]):
        assert broker.answers()
        assert (tmp_path / LONG / "appendonlydir").is_dir()


def test_missing_runtime_folder_falls_back_to_the_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "absent"))
    path = choose_socket_path(tmp_path / LONG)
    try:
        assert not path.is_relative_to(tmp_path)
    finally:
        path.parent.rmdir()


@pytest.mark.parametrize("kind", ["open to others", "a link"])
def test_folder_that_is_not_ours_alone_is_refused(tmp_path: Path, runtime: Path, kind: str) -> None:
    private = choose_socket_path(tmp_path / LONG).parent
    if kind == "a link":
        private.rmdir()
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        private.symlink_to(tmp_path / "elsewhere")
    else:
        private.chmod(0o755)
    with pytest.raises(Unavailable, match="not a folder of this user alone") as raised:
        choose_socket_path(tmp_path / LONG)
    assert raised.value.code == "component_failed"
