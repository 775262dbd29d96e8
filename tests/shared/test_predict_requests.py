"""Requests for one image's label: the lists between web and worker, on a real broker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import hypothesis
import pytest
from hypothesis import strategies

from semblante import predict_requests
from semblante.errors import Unavailable
from semblante.predict_requests import (
    MOST_AT_ONCE,
    TASK,
    Answer,
    PredictRequest,
    PredictRequests,
)
from semblante.queue import Queue
from semblante.services import Services

MOST = MOST_AT_ONCE + 4
OK: Answer = {"ok": {"faces": []}}


class Wakes(Queue):
    """A queue that counts its messages; nobody takes them."""

    def __init__(self, services: Services) -> None:
        super().__init__(services.queue.app)
        self.sent = threading.Semaphore(0)
        self.count = 0

    def send(self, task: str, priority: int = 0, **ids: object) -> bool:
        """Count a message of the one task."""
        assert (task, ids) == (TASK, {})
        self.count += 1
        self.sent.release()
        return True


@pytest.fixture
def queue(services: Services) -> Wakes:
    return Wakes(services)


@pytest.fixture
def requests(queue: Wakes) -> PredictRequests:
    return PredictRequests(queue)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(MOST) as executor:
        yield executor


def some(number: int) -> list[PredictRequest]:
    return [PredictRequest("digest", "off") for _ in range(number)]


def test_an_answer_reaches_who_asked(
    requests: PredictRequests, queue: Wakes, executor: ThreadPoolExecutor
) -> None:
    first, second = some(2)
    asked = executor.submit(requests.ask, first, 60)
    queue.sent.acquire()
    asked_too = executor.submit(requests.ask, second, 60)
    taken: list[PredictRequest] = []
    while len(taken) < 2:
        taken += requests.take("worker")
    assert taken == [first, second]
    requests.answer("worker", second, {"ok": {"faces": [2]}})
    requests.answer("worker", first, OK)
    assert (asked.result(), asked_too.result()) == (OK, {"ok": {"faces": [2]}})
    requests.give_up("worker", "worker_crash")
    assert not requests.take("worker"), "answered requests are in nobody's hand"


def test_a_worker_that_looks_anyway_is_not_woken(
    requests: PredictRequests,
    queue: Wakes,
    executor: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(predict_requests, "WAKE_SECONDS", 60)

    def answer_the_next() -> None:
        while not (taken := requests.take("worker")):
            pass
        for request in taken:
            requests.answer("worker", request, OK)

    first, second, third = some(3)
    asked = executor.submit(requests.ask, first, 60)
    queue.sent.acquire()
    answer_the_next()
    assert requests.take("worker") == [], "it has looked in vain, and is gone"
    assert asked.result() == OK
    looking = executor.submit(answer_the_next)
    asked = executor.submit(requests.ask, second, 60)
    looking.result()
    assert asked.result() == OK
    woken = queue.count
    asked = executor.submit(requests.ask, third, 60)
    answer_the_next()
    assert asked.result() == OK
    assert queue.count == woken, "it has answered a request, and looks again"


def test_who_waits_wakes_again_and_gives_up_at_last(
    requests: PredictRequests, queue: Wakes
) -> None:
    [request] = some(1)
    with pytest.raises(Unavailable) as caught:
        requests.ask(request, 1.1)
    assert caught.value.code == "worker_unavailable"
    assert queue.count == 2
    assert queue.depth("predict") == 0
    assert not requests.take("worker"), "nobody waits for it any more"


def test_what_is_given_back_is_to_be_had_again(
    requests: PredictRequests, executor: ThreadPoolExecutor
) -> None:
    asked = executor.submit(requests.ask, some(1)[0], 60)
    while not (taken := requests.take("ending")):
        pass
    requests.give_back("ending")
    assert requests.take("worker") == taken
    requests.answer("worker", taken[0], OK)
    assert asked.result() == OK


def test_a_new_worker_asks_again_what_its_predecessor_had_in_hand(
    requests: PredictRequests, queue: Wakes, executor: ThreadPoolExecutor
) -> None:
    asked: list[Future[Answer]] = []

    def take(taker: str, number: int) -> list[PredictRequest]:
        asked.extend(executor.submit(requests.ask, request, 60) for request in some(number))
        while queue.depth("predict") < number:
            pass
        return requests.take(taker)

    killed, other = take("worker@a/1", 2), take("worker@ab/1", 1)
    requests.inherit("worker@a")
    again = [requests.take("worker@a/2"), requests.take("worker@a/3")]
    assert sorted([one.id for one in taken] for taken in again) == sorted(
        [one.id] for one in killed
    )
    for taker, [request] in (("worker@a/2", again[0]), ("worker@a/3", again[1])):
        requests.answer(taker, request, OK)
    requests.answer("worker@ab/1", other[0], OK)
    assert [one.result() for one in asked] == [OK] * 3


def test_a_failure_is_told_at_the_second_time_and_as_what_it_was(
    requests: PredictRequests, queue: Wakes, executor: ThreadPoolExecutor
) -> None:
    asked = executor.submit(requests.ask, some(1)[0], 60)
    queue.sent.acquire()
    assert [request.again for request in requests.take("a")] == [False]
    requests.give_up("a", "worker_crash")
    assert [request.again for request in requests.take("b")] == [True]
    requests.give_up("b", "storage_unavailable")
    assert asked.result()["error"]["code"] == "storage_unavailable"
    assert requests.take("c") == []


def test_nobody_is_asked_again_for_who_waits_no_more(requests: PredictRequests) -> None:
    [request] = some(1)

    def fail() -> None:
        while not requests.take("failed"):
            pass
        requests.give_up("failed", "worker_crash")

    with ThreadPoolExecutor(1) as other:
        failing = other.submit(fail)
        with pytest.raises(Unavailable):
            requests.ask(request, 1.0)
        failing.result()
    assert not requests.take("worker")


@hypothesis.settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(poison=strategies.lists(strategies.booleans(), min_size=1, max_size=MOST))
def test_only_the_request_that_ends_its_worker_is_told_so(
    requests: PredictRequests, queue: Wakes, executor: ThreadPoolExecutor, poison: list[bool]
) -> None:
    """A worker ends with all that it has in hand as soon as one of them is poison."""
    asked = some(len(poison))
    deadly = {request.id for request, is_deadly in zip(asked, poison, strict=True) if is_deadly}
    answers = [executor.submit(requests.ask, request, 60) for request in asked]
    worker = 0
    while not all(answer.done() for answer in answers):
        worker += 1
        taken = requests.take(str(worker))
        if any(request.id in deadly for request in taken):
            requests.give_up(str(worker), "worker_crash")
            continue
        for request in taken:
            requests.answer(str(worker), request, OK)
    for request, answer in zip(asked, answers, strict=True):
        code = answer.result().get("error", {}).get("code")
        assert code == ("worker_crash" if request.id in deadly else None)
    assert queue.depth("predict") == 0
