"""Where the web may listen, and where requests need a key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from semblante import keys
from semblante.binding import check_binding, is_loopback, needs_login
from semblante.errors import Refused
from semblante.services import Services
from semblante.settings import Settings


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("[::1]", True), ("localhost", True), ("10.0.0.1", False)],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("values", "safe"),
    [
        ({}, True),
        ({"host": "0.0.0.0"}, False),
        ({"host": "0.0.0.0", "api_key": "k"}, False),
        ({"host": "0.0.0.0", "secret_key": "s"}, False),
        ({"host": "0.0.0.0", "secret_key": "s", "login": "on"}, False),
        ({"host": "0.0.0.0", "api_key": "k", "secret_key": "s"}, True),
        ({"host": "::", "login": "off"}, True),
        ({"proxy_hops": 1}, False),
        ({"proxy_hops": 1, "api_key": "k", "secret_key": "s"}, True),
    ],
)
def test_other_machines_need_a_login(tmp_path: Path, values: dict[str, Any], safe: bool) -> None:
    settings = Settings(data=tmp_path, **values)
    if safe:
        check_binding(settings)
        return
    with pytest.raises(Refused) as caught:
        check_binding(settings)
    assert caught.value.code == "unsafe_binding"
    assert list(tmp_path.iterdir()) == []


def test_a_key_in_the_database_is_a_login(services: Services) -> None:
    wide = {"host": "0.0.0.0", "secret_key": "s", "data": services.settings.data}
    with pytest.raises(Refused):
        check_binding(Settings(**wide))  # type: ignore[arg-type]
    with services.database.writing() as session:
        assert not needs_login(session, services.settings)
        keys.create(session, "ana", "read")
        assert needs_login(session, services.settings)
        assert not needs_login(session, Settings(login="off", host="0.0.0.0"))
    check_binding(Settings(**wide))  # type: ignore[arg-type]


def test_a_missing_database_is_no_login() -> None:
    url = "postgresql+psycopg://nobody@127.0.0.1:9/none?connect_timeout=1"
    with pytest.raises(Refused):
        check_binding(Settings(host="0.0.0.0", secret_key="s", database_url=url))
