"""Requests that wait for a job: answered when it changes, bounded in number, with an ETag."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from flask.testing import FlaskClient

from factory import start
from keyed import changed
from semblante import jobs
from semblante.client import Client
from semblante.services import Services
from semblante.tables import Job
from semblante_web import job_waiting
from semblante_web.app import create_app


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def api(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{address}/api/v1", timeout=60) as client:
        yield client


def pause(services: Services, job: Job) -> None:
    with services.database.writing() as session:
        jobs.pause(session, jobs.get(session, job.id, lock=True))


def test_a_version_that_is_known_is_not_sent_again(client: FlaskClient, open_job: Job) -> None:
    address = f"/api/v1/jobs/{open_job.id}"
    first = client.get(address)
    tag = first.headers["ETag"]
    again = client.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert client.post(f"{address}/pause").status_code == 200
    other = client.get(address, headers={"If-None-Match": tag})
    assert (other.status_code, other.get_json()["paused"]) == (200, True)
    assert other.headers["ETag"] != tag
    # Already another version: nothing to wait for.
    late = client.get(address, query_string={"wait": 60}, headers={"If-None-Match": tag})
    assert late.status_code == 200


def test_a_change_is_answered_as_it_comes(
    api: httpx.Client, services: Services, open_job: Job, pool: ThreadPoolExecutor
) -> None:
    tag = api.get(f"/jobs/{open_job.id}").headers["ETag"]
    for headers in ({"If-None-Match": tag}, {}):
        waiting = pool.submit(api.get, f"/jobs/{open_job.id}", params={"wait": 60}, headers=headers)
        if headers:
            pause(services, open_job)
        else:  # it waits from its arrival on
            while not waiting.done():
                with services.database.writing() as session:
                    jobs.get(session, open_job.id).skipped += 1
                time.sleep(0.05)
        assert waiting.result().status_code == 200
        assert waiting.result().json()["paused"] is True


def test_a_wait_ends(client: FlaskClient, open_job: Job, finished_job: Job) -> None:
    address = f"/api/v1/jobs/{open_job.id}"
    tag = client.get(address).headers["ETag"]
    quiet = client.get(f"{address}?wait=0.3", headers={"If-None-Match": tag})
    assert quiet.status_code == 304
    assert client.get(f"{address}?wait=0.3").status_code == 200
    assert client.get(f"/api/v1/jobs/{finished_job.id}?wait=60").status_code == 200
    assert client.get("/api/v1/jobs/none?wait=60").status_code == 404
    for wrong in ("61", "-1", "soon", "nan"):
        answer = client.get(f"{address}?wait={wrong}")
        assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")


def test_too_many_are_answered_at_once(services: Services, open_job: Job) -> None:
    """One thread: nobody may hold it."""
    narrow = changed(services, web_threads=1)
    client = create_app(narrow.settings, narrow).test_client()
    assert client.get(f"/api/v1/jobs/{open_job.id}?wait=60").status_code == 200


def test_the_end_of_the_process_ends_waits(
    client: FlaskClient, open_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_waiting, "_ending", type(job_waiting._ending)())
    job_waiting.end_waits()
    assert client.get(f"/api/v1/jobs/{open_job.id}?wait=60").status_code == 200


def test_the_client_waits_so(
    address: str, services: Services, open_job: Job, pool: ThreadPoolExecutor
) -> None:
    seen = []
    with Client(address) as client:
        waiting = pool.submit(client.wait, open_job.id, on_progress=lambda view: seen.append(view))
        while not seen:
            time.sleep(0.01)
        client.cancel(open_job.id)
        assert waiting.result().state == "cancelled"
        with pytest.raises(TimeoutError):
            client.wait(start(services, 1, 1).id, timeout=0.1)
    assert [view.state for view in seen] == ["in_progress", "cancelled"]
