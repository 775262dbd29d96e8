"""A data folder that an older version wrote goes on in this one, and so does its backup."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from click.testing import CliRunner

from factory import CLASSES, reload, start
from semblante import chunks, jobs, results
from semblante.cli import cli
from semblante.export import csv_blocks
from semblante.migrations import alembic_config, check, upgrade
from semblante.results import ResultRow
from semblante.services import Services, open_services
from semblante.tables import Job

SCRIPTS = ScriptDirectory.from_config(alembic_config("sqlite://"))
OLDER = [script.revision for script in SCRIPTS.walk_revisions()][1:]


def run(*arguments: str | Path) -> None:
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output


def label(services: Services, job: Job, first: int) -> None:
    """Finish one chunk, as a worker does."""
    with services.database.writing() as session:
        claim = chunks.claim(session, services.queue, job.id, first, services.settings)
        assert claim is not None
        assert chunks.complete(session, claim)
        indexes = range(first, first + claim.count)
        rows = [ResultRow(index, 0, "ok", emotion=CLASSES[index]["id"]) for index in indexes]
        open_job = jobs.get(session, job.id)
        results.write(session, open_job, rows, replaces_failed=False)
        session.flush()
        jobs.finish_when_done(session, services.queue, open_job)


def csv_of(services: Services, job: Job) -> bytes:
    with services.database.reading() as session:
        return b"".join(csv_blocks(session, jobs.get(session, job.id)))


@pytest.mark.parametrize("revision", OLDER)
def test_a_job_goes_on_after_the_upgrade(services: Services, revision: str, tmp_path: Path) -> None:
    job = start(services, images=3, per_chunk=2)
    label(services, job, 0)
    before = csv_of(services, job)
    data, backup, restored = services.settings.data, tmp_path / "backup", tmp_path / "restored"
    command.downgrade(alembic_config(services.settings.database), revision)
    run("backup", backup, "--data", data)
    run("restore", backup, "--data", restored)
    run("migrate", "--data", data)

    for folder in (data, restored):
        opened = open_services(services.settings.model_copy(update={"data": folder}))
        check(opened.settings.database)
        assert csv_of(opened, job) == before
        label(opened, job, 2)
        assert reload(opened, job).state == "finalizing"
        opened.queue.app.close()
        opened.database.dispose()


def test_a_migration_that_leaves_rows_without_their_job_is_undone(services: Services) -> None:
    """SQLite's foreign keys rest while tables are made anew, so they are checked at the end."""
    start(services, images=1, per_chunk=1)
    url = services.settings.database
    services.database.dispose()
    command.downgrade(alembic_config(url), OLDER[0])
    with closing(sqlite3.connect(services.settings.data / "semblante.sqlite3")) as connection:
        connection.execute("DELETE FROM jobs")
        connection.commit()
    with pytest.raises(RuntimeError, match="refer to nothing"):
        upgrade(url)
    with closing(sqlite3.connect(services.settings.data / "semblante.sqlite3")) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            (OLDER[0],)
        ]
