"""Keys: what is kept of a token, who has it, and when it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from semblante import audit, keys
from semblante.cli import cli
from semblante.database import Database
from semblante.errors import Conflict, NotFound, Refused
from semblante.secret import signing_secret
from semblante.services import Services
from semblante.settings import Settings


def test_a_token_is_known_by_its_hash_only(services: Services) -> None:
    with services.database.writing() as session:
        key, token = keys.create(session, "ana", "submit", "lab")
        assert (key.name, key.owner, key.scope) == ("ana", "lab", "submit")
    assert len(token) == len(keys.PREFIX) + 43
    with services.database.writing() as session:
        found = keys.find_by_token(session, token)
        assert found is not None
        assert found.id == key.id
        assert keys.find_by_token(session, token + "x") is None
        assert keys.find_by_token(session, "") is None
        assert keys.find_by_token(session, found.digest) is None
        assert keys.is_use_to_note(found)
        keys.note_use(session, found)
        session.refresh(found)
        assert not keys.is_use_to_note(found)
        keys.revoke(session, "ana")
        session.flush()
        assert keys.find_by_token(session, token) is None
        assert keys.find(session, key.id) is None
    assert token.encode() not in (services.settings.data / "semblante.sqlite3").read_bytes()


def test_names(services: Services) -> None:
    with services.database.writing() as session:
        assert keys.create(session, "ana", "read")[0].owner == "ana"
        session.flush()
        with pytest.raises(Conflict) as taken:
            keys.create(session, "ana", "read")
        assert taken.value.code == "key_exists"
        with pytest.raises(Conflict):
            keys.create(session, keys.OPERATOR, "read")  # the log could not tell them apart
        for name in ("", "a b", "x" * 65, "a\n", "../a"):
            with pytest.raises(Refused):
                keys.create(session, name, "read")
        with pytest.raises(Refused):
            keys.create(session, "bob", "read", "no owner")
        with pytest.raises(NotFound) as missing:
            keys.revoke(session, "bob")
        assert missing.value.code == "key_not_found"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("SEMBLANTE_DATA", str(tmp_path / "data"))

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(cli, ["keys", *words], prog_name="semblante")

    return invoke


def test_the_command_line(run: Callable[..., Result], tmp_path: Path) -> None:
    made = run("create", "ana", "--scope", "admin", "--owner", "lab")
    assert made.exit_code == 0
    token = made.stdout.strip()
    assert token.startswith(keys.PREFIX)
    assert "ana (admin), of lab" in made.stderr
    assert "[key_exists]" in run("create", "ana").stderr
    (listed,) = json.loads(run("list", "--json").stdout)
    assert listed["name"] == "ana"
    assert listed["revoked"] is None
    assert token not in run("list").stdout
    assert run("revoke", "ana").exit_code == 0
    assert json.loads(run("list", "--json").stdout)[0]["revoked"]
    assert "[key_not_found]" in run("revoke", "bob").stderr
    database = Database(f"sqlite:///{tmp_path / 'data' / 'semblante.sqlite3'}")
    with database.reading() as session:
        actions = [(entry.action, entry.subject) for entry in audit.newest(session)]
    assert actions == [("key_revoke", "ana"), ("key_create", "ana")]


def test_one_secret_for_all_processes(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "new")
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: signing_secret(settings), range(32)))
    assert len(secrets) == 1
    assert len(secrets.pop()) >= 43
    (file,) = (tmp_path / "new").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert signing_secret(Settings(data=tmp_path, secret_key="s")) == "s"
