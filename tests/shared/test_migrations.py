"""The schema: an empty database reaches head, on SQLite and PostgreSQL, and equals the tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import inspect

from bundle_factory import write_bundle
from factory import start, submit
from semblante import audit, chunks, jobs, keys, registry, usage, webhooks
from semblante.bundle_import import discard_unused, import_bundle
from semblante.bundle_store import is_stored
from semblante.database import Database
from semblante.default_model import choose, set_default
from semblante.identifiers import new_id
from semblante.jobs import ModelOfJob
from semblante.message import Message
from semblante.migrations import alembic_config, check, upgrade
from semblante.queue import Queue, make_app
from semblante.services import Services
from semblante.settings import Settings
from semblante.storage import open_storage
from semblante.tables import Table


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.sqlite3'}"
    return str(request.getfixturevalue("postgresql"))


def test_an_empty_database_reaches_head_and_equals_the_tables(url: str) -> None:
    upgrade(url)
    upgrade(url)
    check(url)
    database = Database(url)
    names = set(inspect(database.engine).get_table_names())
    database.dispose()
    assert names == {*Table.metadata.tables, "alembic_version"}
    command.downgrade(alembic_config(url), "base")
    upgrade(url)


@pytest.fixture
def services(url: str, settings: Settings) -> Iterator[Services]:
    upgrade(url)
    settings = settings.model_copy(update={"database_url": url})
    services = Services(settings, Database(url), open_storage(settings), Queue(make_app(settings)))
    yield services
    services.queue.app.close()
    services.database.dispose()


def test_models_work_on_both_databases(services: Services, tmp_path: Path) -> None:
    model = import_bundle(services.database, services.storage, write_bundle(tmp_path / "bundle"))
    with services.database.writing() as session:
        assert set_default(session, "mine").digest == model.digest
        assert choose(session, services.settings, lock=True).digest == model.digest
    job = submit(services, b"x", model=ModelOfJob.of(model))
    for ended in (False, True):
        with services.database.writing() as session:
            if ended:
                jobs.fail(session, jobs.get(session, job.id), "no_images", Message("None."))
            else:
                assert registry.remove(session, "mine") == [model.reference]
        discard_unused(services.database, services.storage)
        assert is_stored(services.storage, model) != ended


def test_access_works_on_both_databases(services: Services) -> None:
    owner = "of the " + services.database.url.get_backend_name()
    for _ in range(2):
        with services.database.writing() as session:
            usage.add(session, owner, jobs=1, size_bytes=2**40, images=3)
    with services.database.writing() as session:
        _key, token = keys.create(session, new_id(), "read")
        session.flush()
        assert keys.find_by_token(session, token) is not None
        audit.record(session, "ana", "", "submit")
        audit.forget_old(session, 1)
        taken = usage.of_today(session, owner)
        assert (taken.jobs, taken.bytes, taken.images) == (2, 2**41, 6)
        assert len(audit.newest(session, limit=1)) == 1
        assert webhooks.secret_of(session, owner) == webhooks.secret_of(session, owner)


def test_the_domain_works_on_both_databases(services: Services) -> None:
    settings = services.settings
    job = start(services, images=3, per_chunk=2)
    with services.database.writing() as session:
        claim = chunks.claim(session, services.queue, job.id, 0, settings)
        assert claim is not None
    with services.database.writing() as session:
        assert chunks.complete(session, claim)
    with services.database.reading() as session:
        assert chunks.count(session, job.id, "queued") == 1
