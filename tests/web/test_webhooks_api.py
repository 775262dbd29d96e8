"""Webhooks over HTTP and on the pages: asked for, seen, sent again, their secret."""

from __future__ import annotations

import io
import json
import re

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from factory import jpeg, zip_bytes
from keyed import client_of, make_key
from semblante import jobs, webhooks
from semblante.cli import cli
from semblante.client import Client
from semblante.errors import NotFound
from semblante.message import Message
from semblante.services import Services
from semblante.webhooks import Attempt

ARCHIVE = zip_bytes({"a.jpg": jpeg()})
URL = "https://93.184.215.14/hook"  # an address needs no name server
API = "/api/v1/jobs"


def submit(client: FlaskClient, webhook: str) -> str:
    form = {"file": (io.BytesIO(ARCHIVE), "a.zip"), "webhook": webhook}
    answer = client.post(API, data=form)
    assert answer.status_code == 201, answer.text
    assert answer.get_json()["webhook"] == webhook
    return str(answer.get_json()["id"])


def test_a_webhook_from_its_job_to_its_attempts(client: FlaskClient, services: Services) -> None:
    job_id = submit(client, URL)
    assert client.get(f"{API}/{job_id}/webhooks").get_json() == {"items": []}
    assert "It is told when the job has ended" in client.get(f"/jobs/{job_id}").text
    client.post(f"{API}/{job_id}/cancel")
    [event] = client.get(f"{API}/{job_id}/webhooks").get_json()["items"]
    assert (event["type"], event["state"], event["url"]) == ("job.cancelled", "pending", URL)
    with services.database.writing() as session:
        [(found, _)] = webhooks.events(session, job_id)
        for status in (503, None, 200):
            error = None if status else Message("ConnectError: x")
            attempt = Attempt(found.created_at, 0.5, status, error)
            webhooks.settle(session, found.id, attempt, services.settings.webhook_retries)
    [event] = client.get(f"{API}/{job_id}/webhooks").get_json()["items"]
    assert (event["state"], event["next_at"]) == ("delivered", None)
    assert [attempt["status"] for attempt in event["attempts"]] == [503, None, 200]
    page = client.get(f"/jobs/{job_id}", headers={"Accept-Language": "es"}).text
    assert "Entregado" in page
    assert "ConnectError: x" in page
    again = client.post(f"{API}/{job_id}/webhooks/{event['id']}/resend")
    assert (again.status_code, again.get_json()["state"]) == (202, "pending")
    page = client.get(f"/jobs/{job_id}").text
    parts = [re.search(f'<[^>]+id="{part}"[^>]*>', page) for part in ("job-live", "job-webhook")]
    # What a person chooses for another job stays while the event waits.
    assert ["hx-get" in part[0] for part in parts if part] == [False, True]
    assert client.post(f"/jobs/{job_id}/webhooks/{event['id']}/resend").status_code == 303
    missing = client.post(f"{API}/{job_id}/webhooks/none/resend")
    assert (missing.status_code, missing.get_json()["code"]) == (404, "event_not_found")
    assert client.delete(f"{API}/{job_id}").status_code == 204
    log = client.get("/api/v1/audit").get_json()["items"]
    assert [entry["action"] for entry in log].count("webhook_resend") == 2


def test_a_bad_address_is_refused_before_anything_is_kept(client: FlaskClient) -> None:
    form = {"file": (io.BytesIO(ARCHIVE), "a.zip"), "webhook": "http://127.0.0.1/"}
    answer = client.post(API, data=form)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "url_not_public")
    assert client.get(API).get_json()["items"] == []


def test_the_secret_is_its_owners(services: Services) -> None:
    ana = client_of(services, make_key(services, "ana", "submit"))
    bob = client_of(services, make_key(services, "bob", "submit"))
    reader = client_of(services, make_key(services, "eye", "read", "ana"))
    address = "/api/v1/webhooks/secret"
    first = ana.get(address).get_json()["secret"]
    assert first.startswith("whsec_")
    assert ana.get(address).get_json()["secret"] == first
    assert first in ana.get("/webhooks").text
    assert bob.get(address).get_json()["secret"] != first
    assert (reader.get(address).status_code, reader.get("/webhooks").status_code) == (403, 403)
    assert ana.post(address).get_json()["secret"] != first
    second = ana.get(address).get_json()["secret"]
    assert ana.post("/webhooks", headers={"Origin": "http://localhost"}).status_code == 303
    assert ana.get(address).get_json()["secret"] not in (first, second)


def test_the_client_sees_webhooks(address: str, services: Services, client: FlaskClient) -> None:
    job_id = submit(client, URL)
    with Client(address) as api:
        api.cancel(job_id)
        [event] = api.webhook_events(job_id)
        assert api.resend_webhook_event(job_id, event["id"])["state"] == "pending"
        assert api.webhook_secret() == api.webhook_secret()
        assert api.webhook_secret(replace=True) == api.webhook_secret()
        with pytest.raises(NotFound):
            api.resend_webhook_event(job_id, "..")
    with services.database.reading() as session:
        assert jobs.get(session, job_id).options["webhook"] == URL


def test_the_commands(address: str, client: FlaskClient) -> None:
    job_id = submit(client, URL)
    client.post(f"{API}/{job_id}/cancel")

    def run(*words: str) -> str:
        result = CliRunner().invoke(cli, ["webhooks", *words, "--server", address])
        assert result.exit_code == 0, result.output
        return result.stdout

    line = run("events", job_id).split()
    assert line[1:] == ["job.cancelled", "pending", URL]
    assert json.loads(run("events", job_id, "--json"))[0]["id"] == line[0]
    assert run("resend", job_id, line[0]) == f"{line[0]} is pending.\n"
    secret = run("secret").strip()
    assert json.loads(run("secret", "--replace", "--json"))["secret"] != secret
