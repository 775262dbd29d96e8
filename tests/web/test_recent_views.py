"""An answer about a job is given again for a moment, unless its state or counts have changed."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from semblante import jobs
from semblante.errors import JOB_ERROR_CODES
from semblante.message import Message
from semblante.services import Services
from semblante.tables import Job
from semblante_web import recent_views


def note(services: Services, job: Job, text: str) -> None:
    """Change what the version of a job does not cover."""
    with services.database.writing() as session:
        jobs.get(session, job.id, lock=True).note = {"note": text}


def test_an_answer_is_given_again_for_a_moment(
    client: FlaskClient, services: Services, open_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_views, "FRESH_SECONDS", 3600.0)
    address = f"/api/v1/jobs/{open_job.id}"
    first = client.get(address)
    note(services, open_job, "later")
    again = client.get(address)
    assert (again.data, again.mimetype) == (first.data, "application/json")
    assert again.headers["ETag"] == first.headers["ETag"]
    monkeypatch.setattr(recent_views, "FRESH_SECONDS", 0.0)
    assert client.get(address).get_json()["metadata"] == {"note": "later"}


def test_a_change_is_seen_at_once(
    client: FlaskClient, services: Services, open_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_views, "FRESH_SECONDS", 3600.0)
    address = f"/api/v1/jobs/{open_job.id}"
    assert client.get(address).get_json()["counts"]["failed"] == 0
    with services.database.writing() as session:
        jobs.get(session, open_job.id, lock=True).failed = 3
    assert client.get(address).get_json()["counts"]["failed"] == 3


def test_few_answers_are_kept(
    client: FlaskClient, open_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_views, "MOST_ANSWERS", 1)
    kept = client.application.extensions[recent_views.EXTENSION]
    kept["another", "en"] = None
    client.get(f"/api/v1/jobs/{open_job.id}")
    assert list(kept) == [(open_job.id, "en")]


def test_each_language_has_its_answer(
    client: FlaskClient, services: Services, open_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_views, "FRESH_SECONDS", 3600.0)
    with services.database.writing() as session:
        job = jobs.get(session, open_job.id, lock=True)
        jobs.fail(session, job, "no_images", Message(JOB_ERROR_CODES["no_images"]))
    address = f"/api/v1/jobs/{open_job.id}"
    details = [
        client.get(address, headers={"Accept-Language": code}).get_json()["error"]["detail"]
        for code in ("en", "es")
    ]
    assert details[0] == JOB_ERROR_CODES["no_images"]
    assert details[1] != details[0]
