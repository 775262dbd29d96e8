"""Backups of the embedded stack: one tar with the database and the bytes that it speaks of."""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from semblante import __version__
from semblante.errors import Conflict, Refused
from semblante.migrations import is_revision
from semblante.settings import Settings
from semblante.stack.lock import hold_folder
from semblante.storage_keys import PARTIAL

MANIFEST, DATABASE, STORAGE = "manifest.json", "semblante.sqlite3", "storage"
FORMAT = 1
NO_BACKUP = (errno.ENOENT, errno.EISDIR)
"""Errors of a tar with other members; any other one is this machine's, a full disk for example."""


def write_backup(settings: Settings, target: Path) -> int:
    """Write a backup to `target`, also while the stack runs; return its bytes.

    The database is copied first, at one moment; what jobs add meanwhile is not in it, and what they
    delete meanwhile may be missing beside it. Archives that `label` uses in place are copied.

    Raises:
        Refused: `not_embedded`, when database or storage lie elsewhere.
        Conflict: `data_exists`, when `target` is there.
        NotFound, OSError: There is nothing to back up, or no space.
    """
    database, storage = _places(settings)
    if target.exists():
        raise Conflict("data_exists", f"{target} is there already; name another file.")
    manifest = {"format": FORMAT, "version": __version__, "made_at": datetime.now(UTC).isoformat()}
    with _in_place(target) as partial, tempfile.TemporaryDirectory(dir=partial.parent) as folder:
        copy = Path(folder) / DATABASE
        _copy_database(database, copy)
        (Path(folder) / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        partial.touch(mode=0o600)  # as private as the data folder
        with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar:
            for name in (MANIFEST, DATABASE):
                tar.add(Path(folder) / name, name)
            for path in sorted(storage.rglob("*")):
                if path.is_file() and not path.name.startswith(PARTIAL):
                    _add(tar, path, f"{STORAGE}/{path.relative_to(storage).as_posix()}")
        return partial.stat().st_size


def read_backup(settings: Settings, source: Path) -> None:
    """Unpack a backup into the data folder, which must have no database; all or nothing.

    Raises:
        Refused: `bad_backup`, or `not_embedded`.
        Conflict: `data_exists`, or `already_running`.
    """
    database, storage = _places(settings)
    with hold_folder(settings.data):
        # A journal that was left without its database would be played into ours.
        if storage.exists() or any(settings.data.glob(f"{DATABASE}*")):
            raise Conflict(
                "data_exists",
                f"{settings.data} holds data already; name an empty folder by --data.",
            )
        with tempfile.TemporaryDirectory(dir=settings.data, prefix=".restore-") as folder:
            _unpack(source, Path(folder))
            (Path(folder) / STORAGE).mkdir(exist_ok=True)
            (Path(folder) / STORAGE).rename(storage)
            (Path(folder) / DATABASE).rename(database)  # last: with it, the restore is complete


def _unpack(source: Path, folder: Path) -> None:
    try:
        with tarfile.open(source, "r:") as tar:
            tar.extractall(folder, filter="data")
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        with closing(sqlite3.connect(folder / DATABASE)) as database:
            [sound] = database.execute("PRAGMA integrity_check").fetchone()
            [revision] = database.execute("SELECT version_num FROM alembic_version").fetchone()
        is_known = manifest["format"] == FORMAT and is_revision(revision)
    except (tarfile.TarError, ValueError, KeyError, TypeError, OSError, sqlite3.Error) as error:
        if isinstance(error, OSError) and error.errno not in NO_BACKUP:
            raise
        raise Refused("bad_backup", f"{source} is no whole backup: {error}") from error
    if not is_known or sound != "ok":
        raise Refused("bad_backup", f"{source} is damaged, or of a newer version of Semblante.")


def _places(settings: Settings) -> tuple[Path, Path]:
    storage = urlsplit(settings.storage)
    if settings.database_url is not None or storage.scheme != "file":
        raise Refused(
            "not_embedded",
            "Only the embedded database and a storage folder are backed up by this command: use "
            "pg_dump and your storage's own copies; see docs/operations.md.",
        )
    return settings.data / DATABASE, Path(unquote(storage.path))


def _copy_database(database: Path, copy: Path) -> None:
    if not database.exists():
        raise Refused("bad_backup", f"There is no {database}: nothing to back up.")
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    """Add the file's bytes, a link's target included, as many as there are at this moment."""
    try:
        file = path.open("rb")
    except FileNotFoundError:  # deleted meanwhile
        return
    with file:
        tar.addfile(tar.gettarinfo(arcname=name, fileobj=file), file)


@contextmanager
def _in_place(target: Path) -> Iterator[Path]:
    """Give a partial file's name that becomes `target` at the end, or goes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".backup-", dir=target.parent))
    try:
        yield folder / target.name
        (folder / target.name).rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
