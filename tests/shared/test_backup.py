"""A backup brings everything back that the embedded stack had, or says why not."""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from factory import jpeg, submit, zip_bytes
from semblante import jobs, uploads
from semblante.backup import read_backup, write_backup
from semblante.cli import cli
from semblante.errors import Conflict, Refused
from semblante.services import Services, open_services
from semblante.settings import Settings
from semblante.stack.lock import hold_folder

ARCHIVE = zip_bytes({"a.jpg": jpeg()})


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_everything_comes_back(services: Services, tmp_path: Path) -> None:
    job = submit(services, ARCHIVE)
    adopted = tmp_path / "adopted.zip"
    adopted.write_bytes(b"in place")
    with services.database.writing() as session:
        linked = uploads.begin(session, "adopted.zip", 8)
    services.storage.adopt(linked.storage_key, adopted)
    file, folder = tmp_path / "backup.tar", tmp_path / "restored"
    with hold_folder(services.settings.data):  # as while the stack runs
        assert "MiB" in run("backup", file, "--data", services.settings.data)
    adopted.unlink()
    run("restore", file, "--data", folder)
    restored = open_services(services.settings.model_copy(update={"data": folder}))
    with restored.database.reading() as session:
        assert jobs.get(session, job.id).state == "validating"
        key = uploads.get(session, job.upload_id).storage_key
    assert b"".join(restored.storage.blocks(key)) == ARCHIVE
    assert b"".join(restored.storage.blocks(linked.storage_key)) == b"in place"
    restored.database.dispose()
    assert sorted(path.name for path in folder.iterdir()) == [
        "lock",
        "semblante.sqlite3",
        "storage",
    ]
    restored.queue.app.close()


def test_nothing_is_overwritten(services: Services, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    write_backup(services.settings, file)
    content = file.read_bytes()
    with pytest.raises(Conflict, match="there already"):
        write_backup(services.settings, file)
    assert file.read_bytes() == content
    with pytest.raises(Conflict, match="holds data"):
        read_backup(services.settings, file)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar", "data"]


def test_a_backup_is_as_private_as_the_data_folder(services: Services, tmp_path: Path) -> None:
    write_backup(services.settings, tmp_path / "backup.tar")
    assert (tmp_path / "backup.tar").stat().st_mode & 0o077 == 0


def test_a_journal_without_its_database_is_data(services: Services, tmp_path: Path) -> None:
    write_backup(services.settings, tmp_path / "backup.tar")
    (tmp_path / "restored").mkdir()
    (tmp_path / "restored" / "semblante.sqlite3-wal").write_bytes(b"frames")
    with pytest.raises(Conflict, match="holds data"):
        read_backup(Settings(data=tmp_path / "restored"), tmp_path / "backup.tar")


def changed(path: Path, change: str) -> None:
    """Write the backup with a database of a newer version, or with another manifest."""
    folder = path.with_suffix("")
    with tarfile.open(path) as tar:
        tar.extractall(folder, filter="data")
    if change == "newer":
        with closing(sqlite3.connect(folder / "semblante.sqlite3")) as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
            database.commit()
    else:
        (folder / "manifest.json").write_text("[1]")
    with tarfile.open(path, "w") as tar:
        for name in ("manifest.json", "semblante.sqlite3"):
            tar.add(folder / name, name)


def climbing(path: Path) -> None:
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("../escaped"))


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "climbing", "newer", "list"])
def test_a_bad_backup_leaves_nothing(services: Services, tmp_path: Path, damage: str) -> None:
    file, folder = tmp_path / "backup.tar", tmp_path / "restored"
    write_backup(services.settings, file)
    if damage == "climbing":
        climbing(file)
    elif damage in ("newer", "list"):
        changed(file, damage)
    else:
        whole = file.read_bytes()
        file.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "text": b"text"}[damage])
    with pytest.raises(Refused) as error:
        read_backup(Settings(data=folder), file)
    assert error.value.code == "bad_backup"
    assert [path.name for path in folder.iterdir()] == ["lock"]
    assert not (tmp_path / "escaped").exists()


def test_a_running_stack_is_not_restored_into(services: Services, tmp_path: Path) -> None:
    file, folder = tmp_path / "backup.tar", tmp_path / "restored"
    write_backup(services.settings, file)
    with hold_folder(folder), pytest.raises(Conflict, match="Another Semblante"):
        read_backup(Settings(data=folder), file)


@pytest.mark.parametrize(
    "elsewhere", [{"database_url": "postgresql://host/db"}, {"storage_url": "s3://bucket"}]
)
def test_the_production_stack_has_its_own_ways(elsewhere: dict[str, str], tmp_path: Path) -> None:
    settings = Settings(data=tmp_path).model_copy(update=elsewhere)
    with pytest.raises(Refused, match="pg_dump") as error:
        write_backup(settings, tmp_path / "backup.tar")
    assert error.value.code == "not_embedded"


def test_there_must_be_something_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="nothing to back up"):
        write_backup(Settings(data=tmp_path / "empty"), tmp_path / "backup.tar")
    assert list(tmp_path.iterdir()) == []
