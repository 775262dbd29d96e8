"""Webhooks: told with the end of a job, signed, tried again, kept; to allowed addresses only."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from standardwebhooks.webhooks import Webhook

from factory import reload, start
from keyed import changed
from receiver import Receiver, receiver
from semblante import jobs, webhooks
from semblante.errors import NotFound, Refused
from semblante.message import Message
from semblante.services import Services
from semblante.tables import Job
from semblante.webhook_tables import WebhookAttempt, WebhookEvent
from semblante_worker.deliver import deliver_event
from semblante_worker.sweep import sweep

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def services(services: Services) -> Services:
    return changed(services, url_networks=LOOPBACK, webhook_retries=(5.0, 300.0))


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def ended(services: Services, url: str) -> Job:
    """Return a cancelled job with a webhook."""
    job = start(services, 1, 1)
    with services.database.writing() as session:
        job = jobs.get(session, job.id)
        job.options = {"webhook": url}
        jobs.cancel(session, job)
    return job


def event_of(services: Services, job: Job) -> tuple[WebhookEvent, list[WebhookAttempt]]:
    with services.database.reading() as session:
        [found] = webhooks.events(session, job.id)
        return found


def make_due(services: Services, event: WebhookEvent) -> None:
    with services.database.writing() as session:
        session.get_one(WebhookEvent, event.id).next_at = datetime.now(UTC)


def test_an_end_is_told_and_signed(services: Services, hook: Receiver) -> None:
    job = ended(services, hook.url)
    event, attempts = event_of(services, job)
    assert (event.type, event.state, attempts) == ("job.cancelled", "pending", [])
    deliver_event(services, event.id)
    deliver_event(services, event.id)  # a message that comes twice
    [(headers, body)] = hook.received
    with services.database.writing() as session:
        secret = webhooks.secret_of(session, job.owner)
        assert webhooks.secret_of(session, job.owner) == secret
        assert webhooks.secret_of(session, "other") != secret
    told = Webhook(secret).verify(body, headers)
    assert (told["type"], told["data"]["id"]) == ("job.cancelled", job.id)
    assert told["data"]["counts"]["total"] == 1
    assert headers["webhook-id"] == event.id
    event, [attempt] = event_of(services, job)
    assert (event.state, attempt.status, attempt.error) == ("delivered", 200, None)
    with services.database.writing() as session:
        replaced = webhooks.replace_secret(session, job.owner)
        assert webhooks.secret_of(session, job.owner) == replaced != secret


def test_a_job_without_a_webhook_tells_nothing(services: Services) -> None:
    job = start(services, 1, 1)
    with services.database.writing() as session:
        jobs.cancel(session, jobs.get(session, job.id))
    with services.database.reading() as session:
        assert list(webhooks.events(session, job.id)) == []


def test_each_end_is_told_with_its_state(services: Services, hook: Receiver) -> None:
    job = start(services, 1, 1)
    with services.database.writing() as session:
        job = jobs.get(session, job.id)
        job.options = {"webhook": hook.url}
        jobs.fail(session, job, "no_images", Message("None."))
    event, _ = event_of(services, job)
    assert event.type == "job.failed"
    assert json.loads(event.body)["data"]["error"] == {"code": "no_images", "detail": "None."}


def test_what_is_rolled_back_is_not_told(services: Services, hook: Receiver) -> None:
    job = start(services, 1, 1)

    def half() -> None:
        with services.database.writing() as session:
            jobs.get(session, job.id).options = {"webhook": hook.url}
            jobs.cancel(session, jobs.get(session, job.id))
            raise NotFound("not_found", "Something went wrong after it.")

    with pytest.raises(NotFound):
        half()
    assert reload(services, job).state == "in_progress"
    with services.database.reading() as session:
        assert list(webhooks.events(session, job.id)) == []


def test_a_failure_is_tried_again_until_it_is_given_up(services: Services, hook: Receiver) -> None:
    hook.statuses = [500, 302, 503]
    hook.headers = {"Location": hook.url}  # redirects are not followed
    job = ended(services, hook.url)
    for number, wait in ((1, 5.0), (2, 300.0), (3, None)):
        event, _ = event_of(services, job)
        make_due(services, event)
        before = datetime.now(UTC)
        deliver_event(services, event.id)
        event, attempts = event_of(services, job)
        assert len(attempts) == len(hook.received) == number
        if wait is not None:
            assert timedelta(0) <= event.next_at - before - timedelta(seconds=wait)
    assert event.state == "given_up"
    assert [attempt.status for attempt in attempts] == [500, 302, 503]
    assert len({headers["webhook-id"] for headers, _ in hook.received}) == 1
    assert len({body for _, body in hook.received}) == 1
    with services.database.writing() as session:
        with pytest.raises(NotFound):
            webhooks.resend(session, "another job", event.id)
        webhooks.resend(session, job.id, event.id)
    deliver_event(services, event.id)
    assert event_of(services, job)[0].state == "delivered"


def test_a_receiver_that_is_gone_is_left_alone(services: Services, hook: Receiver) -> None:
    hook.statuses = [410]
    job = ended(services, hook.url)
    deliver_event(services, event_of(services, job)[0].id)
    assert event_of(services, job)[0].state == "given_up"


def test_only_allowed_addresses_are_connected_to(services: Services, hook: Receiver) -> None:
    strict = changed(services, url_networks=())
    job = ended(strict, hook.url)
    deliver_event(strict, event_of(strict, job)[0].id)
    _, [attempt] = event_of(strict, job)
    assert attempt.status is None
    assert str(attempt.error).startswith("url_not_public")
    assert hook.received == []


def test_nobody_there(services: Services) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        job = ended(services, f"http://127.0.0.1:{listener.getsockname()[1]}/")
        deliver_event(services, event_of(services, job)[0].id)
    event, [attempt] = event_of(services, job)
    assert (event.state, attempt.status) == ("pending", None)
    assert "ConnectError" in str(attempt.error)


def test_the_sweep_sends_what_is_due(services: Services, hook: Receiver) -> None:
    """As after a broker that lost the message, or a worker that died while it delivered."""
    job = ended(services, hook.url)
    event, _ = event_of(services, job)
    with services.queue.app.connection_for_write() as connection:
        connection.default_channel.queue_purge("control")
    with services.database.writing() as session:
        assert webhooks.claim(session, event.id, 60) is not None
        assert webhooks.claim(session, event.id, 60) is None
    sweep(services)
    assert services.queue.depth("control") == 0
    make_due(services, event)
    sweep(services)
    assert services.queue.depth("control") == 1


def test_a_deleted_job_tells_nothing(services: Services, hook: Receiver) -> None:
    job = ended(services, hook.url)
    event, _ = event_of(services, job)
    deliver_event(services, event.id)
    with services.database.writing() as session:
        jobs.delete(session, jobs.get(session, job.id))
    deliver_event(services, event.id)
    assert len(hook.received) == 1


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://example.org/", "invalid_url"),
        ("https://user:word@example.org/", "invalid_url"),  # pragma: allowlist secret
        ("http://10.0.0.1/", "url_not_public"),
        ("http://[::1]/", "url_not_public"),
        ("http://2130706433/", "url_not_public"),
    ],
)
def test_addresses_that_never_work_are_refused(url: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        webhooks.check_address(url, ())
    assert caught.value.code == code
    webhooks.check_address("https://unknown.invalid/hook", ())
