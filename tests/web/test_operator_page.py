"""The operator's page: what it tells, what its buttons do, and who may see it."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from keyed import changed, client_of, make_key
from semblante import pausing, workers
from semblante.services import Services
from semblante.tables import AuditEntry, Job

HTMX = {"HX-Request": "true"}


@pytest.fixture
def worker_name(services: Services) -> str:
    with services.database.writing() as session:
        workers.announce(session, "batch@lab.example", ["control", "classify"], "cpu")
    return "batch@lab.example"


def actions(services: Services) -> list[tuple[str, str]]:
    with services.database.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(entry.action, entry.subject) for entry in entries]


def test_it_shows_workers_jobs_and_failures(
    client: FlaskClient, worker_name: str, finished_job: Job, open_job: Job
) -> None:
    page = client.get("/operator").text
    assert "lab.example" in page
    assert "control, classify" in page
    assert "/jobs?state=completed" in page
    assert "The file is no image, or of a format that Semblante does not read." in page
    assert 'hx-get="/operator/live"' in page
    assert "<html" not in client.get("/operator/live").text


def test_it_says_that_the_broker_is_away(services: Services) -> None:
    away = changed(services, broker_url="redis://127.0.0.1:1/0")
    from semblante.queue import Queue, make_app

    queue = Queue(make_app(away.settings))
    client = client_of(Services(away.settings, away.database, away.storage, queue), None)
    page = client.get("/operator")
    assert page.status_code == 200
    assert "The message broker does not answer." in page.text
    queue.app.close()


def test_all_jobs_pause_and_go_on(client: FlaskClient, services: Services, open_job: Job) -> None:
    assert "All jobs are paused" in client.post("/operator/pause", headers=HTMX).text
    with services.database.reading() as session:
        assert pausing.is_all_paused(session)
    assert "paused by the operator" in client.get(f"/jobs/{open_job.id}").text
    plain = client.post("/operator/resume")
    assert (plain.status_code, plain.headers["Location"]) == (303, "/operator")
    with services.database.reading() as session:
        assert not pausing.is_all_paused(session)
    assert services.queue.depth("control") >= 1  # a sweep was sent, which queues the chunks
    assert actions(services) == [("pause_all", ""), ("resume_all", "")]


def test_a_worker_is_drained(client: FlaskClient, services: Services, worker_name: str) -> None:
    shown = client.post(f"/operator/workers/{worker_name}/drain", headers=HTMX).text
    assert "Drained" in shown
    assert "Take work again" in shown
    client.post(f"/operator/workers/{worker_name}/undrain")
    with services.database.reading() as session:
        assert not workers.is_draining(session, worker_name)
    assert client.post("/operator/workers/no@body/drain").status_code == 404
    assert actions(services) == [("drain", worker_name), ("undrain", worker_name)]


@pytest.mark.parametrize("address", ["/operator", "/operator/live", "/keys", "/audit"])
def test_only_admins_see_it(services: Services, address: str) -> None:
    tokens = {scope: make_key(services, scope, scope) for scope in ("submit", "admin")}
    assert client_of(services, tokens["submit"]).get(address).status_code == 403
    assert client_of(services, tokens["admin"]).get(address).status_code == 200
    assert address not in client_of(services, tokens["submit"]).get("/jobs").text


def test_only_admins_change_it(services: Services, worker_name: str) -> None:
    client = client_of(services, make_key(services, "ana"))
    for address in ("pause", "resume", f"workers/{worker_name}/drain"):
        assert client.post(f"/operator/{address}").status_code == 403
    with services.database.reading() as session:
        assert not pausing.is_all_paused(session)
        assert not workers.is_draining(session, worker_name)
