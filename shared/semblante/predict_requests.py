"""Requests for one image's label, and their answers: lists of the broker, several to a message.

A request waits in a list, and the message `semblante.predict` wakes a worker, which takes requests
until none comes for a moment: while it does, no message is needed. Who waits wakes again every
second, so a message may be lost. What a worker had in hand when it failed is asked again, each
request alone: the one at which a worker fails once more is told so, and no other. One failure is
none of a request's: somebody may have killed the worker, or a disk has failed once. The image's
bytes lie in the storage; the broker has ids only.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from semblante.detection import Detect
from semblante.errors import ERROR_CODES, Unavailable
from semblante.identifiers import new_id
from semblante.message import Message
from semblante.queue import PREDICT_WAITING, Queue
from semblante.telemetry import carried

TASK = "semblante.predict"
MOST_AT_ONCE = 8
"""Requests that a worker takes together."""

MOST_FOR_HOT = 2
"""With more than these, one more worker is woken, though one is at it."""

WAKE_SECONDS = 1.0
LINGER_SECONDS = 0.1
"""How long a worker waits for one more request; the broker looks at its clock as often."""

KEPT_SECONDS = 300
ALONE = "semblante:{predict}:alone"
HOT = "semblante:{predict}:hot"
"""There while a worker will look what waits without being woken."""

WOKEN = "semblante:{predict}:woken"
TAKEN = "semblante:{predict}:taken:"
ANSWER = "semblante:{predict}:answer:"
TAKE = """
local alone = redis.call('LPOP', KEYS[2])
local taken = alone and {alone} or redis.call('LPOP', KEYS[1], ARGV[1])
if not taken then return {} end
redis.call('RPUSH', KEYS[3], unpack(taken))
redis.call('EXPIRE', KEYS[3], ARGV[2])
redis.call('SET', KEYS[4], 1, 'PX', ARGV[3])
return taken
"""
"""Waiting, alone, taken and hot: what is in hand is on record from when it waits no more."""

Answer = Mapping[str, Any]
"""`ok`: the faces as the API shows them; or `error`: `code` and `detail`, as `Message` has them."""


@dataclass(frozen=True)
class PredictRequest:
    """One image to label by the model with `digest`, and the trace that it belongs to."""

    digest: str
    detect: Detect
    id: str = field(default_factory=new_id)
    headers: dict[str, str] = field(default_factory=carried)
    again: bool = False
    """Whether a worker has failed that had it in hand."""

    @property
    def key(self) -> str:
        """The image's place in the storage."""
        return f"predict/{self.id}"


class PredictRequests:
    """The lists; every method raises RedisError when the broker does not answer, but for `ask`."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._redis: Redis = queue.app.backend.client

    def ask(self, request: PredictRequest, seconds: float) -> Answer:
        """Let the request wait; return the answer.

        Raises:
            Unavailable: `broker_unavailable`, or `worker_unavailable` when none comes in time.
        """
        packed, deadline = _packed(request), time.monotonic() + seconds
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.rpush(PREDICT_WAITING, packed)
                pipeline.exists(HOT)
                waiting, hot = pipeline.execute()
            if waiting > (MOST_FOR_HOT if hot else 0):
                self.wake()
            while (left := deadline - time.monotonic()) > 0:
                found = self._redis.blpop([ANSWER + request.id], min(left, WAKE_SECONDS))
                if found is not None:
                    answer: Answer = json.loads(found[1])
                    return answer
                if self._redis.set(WOKEN, 1, px=int(WAKE_SECONDS * 1000), nx=True):
                    self.wake()  # one of all who wait does so: messages must not pile up
            self._redis.lrem(PREDICT_WAITING, 1, packed)
            self._redis.lrem(ALONE, 1, _packed(replace(request, again=True)))
        except RedisError as error:
            raise Unavailable(
                "broker_unavailable", "The message broker does not answer."
            ) from error
        raise Unavailable(
            "worker_unavailable", "No worker answered in %(seconds)g s.", seconds=seconds
        )

    def wake(self) -> None:
        """Let a worker look what waits."""
        self._queue.send(TASK)

    def take(self, taker: str) -> list[PredictRequest]:
        """Return what waits, at most `MOST_AT_ONCE`; `taker` has it in hand until it answers.

        Where nothing waits, it lingers for `LINGER_SECONDS`; nothing comes back if nothing came.
        """
        return self._take(taker) or self._linger(taker)

    def _take(self, taker: str) -> list[PredictRequest]:
        keys = [PREDICT_WAITING, ALONE, TAKEN + taker, HOT]
        facts = [MOST_AT_ONCE, KEPT_SECONDS, int(WAKE_SECONDS * 1000)]
        packed = self._redis.eval(TAKE, len(keys), *keys, *facts)
        return [_unpacked(one) for one in packed]

    def _linger(self, taker: str) -> list[PredictRequest]:
        self._redis.set(HOT, 1, px=int(WAKE_SECONDS * 1000))
        one = self._redis.blmove(
            PREDICT_WAITING,
            TAKEN + taker,
            LINGER_SECONDS,  # type: ignore[arg-type] # the broker takes fractions
            "LEFT",
            "RIGHT",
        )
        if one is None:
            self._redis.delete(HOT)
            return self._take(taker)  # what came before the mark was gone has woken nobody
        self._redis.expire(TAKEN + taker, KEPT_SECONDS)
        return [_unpacked(one)]

    def answer(self, taker: str, request: PredictRequest, answer: Answer) -> None:
        """Answer a request that `taker` has taken."""
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.rpush(ANSWER + request.id, json.dumps(answer))
            pipeline.expire(ANSWER + request.id, KEPT_SECONDS)
            pipeline.lrem(TAKEN + taker, 1, _packed(request))
            pipeline.execute()

    def give_back(self, taker: str) -> None:
        """Let all that `taker` has in hand wait again: it must end, and none of it is to blame."""
        for request in self._in_hand(taker):
            self._return(taker, request, PREDICT_WAITING, request)

    def give_up(self, taker: str, code: str) -> None:
        """Ask again for each alone what `taker` had in hand when it failed.

        What was asked again already is told `code`, one of `ERROR_CODES`, so that no request fails
        one worker after the other.
        """
        detail = Message(ERROR_CODES[code]).to_json()
        for request in self._in_hand(taker):
            if request.again:
                self.answer(taker, request, {"error": {"code": code, "detail": detail}})
            else:
                self._ask_again(taker, request)

    def inherit(self, worker: str) -> None:
        """Ask again for each alone what takers `worker/...` of an earlier process had in hand."""
        prefix = f"{TAKEN}{worker}/"
        for key in self._redis.scan_iter(match=f"{TAKEN}*"):
            if (name := key.decode()).startswith(prefix):
                taker = name.removeprefix(TAKEN)
                for request in self._in_hand(taker):
                    self._ask_again(taker, request)

    def _in_hand(self, taker: str) -> list[PredictRequest]:
        packed = self._redis.lrange(TAKEN + taker, 0, -1)
        return [_unpacked(one) for one in packed]

    def _ask_again(self, taker: str, request: PredictRequest) -> None:
        self._return(taker, request, ALONE, replace(request, again=True))

    def _return(self, taker: str, taken: PredictRequest, where: str, put: PredictRequest) -> None:
        self._redis.rpush(where, _packed(put))
        self._redis.lrem(TAKEN + taker, 1, _packed(taken))
        self.wake()


def _packed(request: PredictRequest) -> str:
    return json.dumps(asdict(request))


def _unpacked(packed: bytes | str) -> PredictRequest:
    return PredictRequest(**json.loads(packed))
