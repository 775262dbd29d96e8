"""Several images of `POST /predict` in one batch: each request has its own answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from factory import jpeg
from semblante.bundles import shipped_bundle
from semblante.errors import NotFound
from semblante.predict_requests import Answer, PredictRequest, PredictRequests
from semblante.services import Services
from semblante.storage import Storage
from semblante_worker.caps import StuckDecode
from semblante_worker.predict import Predictor
from semblante_worker.predict_answers import answer, answer_requests, answers

DEFAULT = shipped_bundle("resnet18-raf7")
THREE = shipped_bundle("mobilenetv2-tri3")


def stored(services: Services, data: bytes, digest: str = DEFAULT.digest) -> PredictRequest:
    request = PredictRequest(digest, "off")
    services.storage.write(request.key, [data], lasting=False)
    return request


def is_there(storage: Storage, key: str) -> bool:
    try:
        return storage.size(key) >= 0
    except NotFound:
        return False


def told(found: dict[str, Answer], request: PredictRequest) -> str:
    error = found[request.id].get("error")
    return str(error["code"]) if error else "ok"


def probabilities(answer: Answer) -> dict[str, float]:
    [face] = answer["faces"]
    values: dict[str, float] = face["probabilities"]
    return values


def test_a_batch_answers_each_as_alone(services: Services, predictor: Predictor) -> None:
    pictures = [jpeg(level) for level in (10, 90, 200)]
    good = [stored(services, data) for data in pictures]
    other = stored(services, pictures[0], THREE.digest)
    broken, unknown = stored(services, b"no image"), stored(services, pictures[0], "0" * 64)
    gone = PredictRequest(DEFAULT.digest, "off")
    asked = [broken, good[0], other, gone, good[1], unknown, good[2]]
    found = {request.id: said for request, said in answers(services, predictor, asked)}
    assert [told(found, request) for request in asked] == [
        "unsupported_format",
        "ok",
        "ok",
        "upload_missing",
        "ok",
        "model_unavailable",
        "ok",
    ]
    for request, data in zip(good, pictures, strict=True):
        alone = answer(predictor, DEFAULT, data, "off")
        together = found[request.id]["ok"]
        assert together["faces"][0]["emotion"] == alone["faces"][0]["emotion"]
        assert probabilities(together) == pytest.approx(probabilities(alone), abs=1e-3)
    assert found[other.id]["ok"]["model"] == THREE.reference
    assert is_there(services.storage, good[0].key), "a crash now would need it again"


def test_the_bytes_go_with_the_answer(services: Services, predictor: Predictor) -> None:
    requests = [stored(services, jpeg(level)) for level in (10, 90)]
    lists = PredictRequests(services.queue)
    with ThreadPoolExecutor(len(requests)) as executor:
        asked = [executor.submit(lists.ask, request, 60) for request in requests]
        while not all(one.done() for one in asked):
            answer_requests(services, predictor, "worker")
    for request, one in zip(requests, asked, strict=True):
        assert "ok" in one.result()
        assert not is_there(services.storage, request.key)


def test_a_decoder_that_never_ends_is_told_before_the_process_ends(
    services: Services, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest: Callable[..., object] = predictor.decode

    def decode(data: bytes, *rest: object) -> object:
        if data.endswith(b"<stuck>"):
            raise StuckDecode(0)
        return honest(data, *rest)

    monkeypatch.setattr(predictor, "decode", decode)
    stuck, other = stored(services, jpeg() + b"<stuck>"), stored(services, jpeg())
    lists = PredictRequests(services.queue)
    with ThreadPoolExecutor(2) as executor:
        asked = executor.submit(lists.ask, stuck, 60)
        while not services.queue.depth("predict"):
            pass
        asked_too = executor.submit(lists.ask, other, 60)
        while services.queue.depth("predict") < 2:
            pass
        with pytest.raises(StuckDecode):
            answer_requests(services, predictor, "worker")
        assert asked.result()["error"]["code"] == "worker_crash"
        answer_requests(services, predictor, "its successor")
        assert "ok" in asked_too.result(), "it was in hand with the other, and is not to blame"
