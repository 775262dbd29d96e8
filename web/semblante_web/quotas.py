"""How much a key may ask for in a minute, and its owner take in a day. Admins have no limits."""

from __future__ import annotations

from sqlalchemy.orm import Session

from semblante import jobs, rate, usage
from semblante.message import Message
from semblante.services import Services
from semblante.settings import Settings
from semblante_web.identity import Identity
from semblante_web.refusals import TooMany

RETRY_AFTER_SECONDS = 30


def limit_rate(services: Services, name: str, most: int) -> None:
    """Count a request under `name`.

    Raises:
        TooMany: `too_many_requests`, beyond `most` in this minute.
    """
    if rate.count(services.queue.app, name) > most:
        raise _too_many(
            "too_many_requests",
            Message("More than %(most)s requests in a minute.", most=most),
            rate.seconds_left(),
        )


def check_open_jobs(session: Session, settings: Settings, sender: Identity) -> None:
    """Refuse a job while too many are unfinished, of the server or of the sender's owner.

    Raises:
        TooMany: `queue_full`.
    """
    _check_open_jobs(session, settings.max_open_jobs, None)
    if sender.scope != "admin":
        _check_open_jobs(session, settings.owner_open_jobs, sender.owner)


def check_quota(
    session: Session, settings: Settings, sender: Identity, size_bytes: int = 1
) -> None:
    """Refuse an upload or a job beyond what the sender's owner may take in a day.

    Args:
        session: Any transaction.
        settings: They say how much is too much.
        sender: Who wants to upload, or to create a job.
        size_bytes: What the upload will have, where that is known before.

    Raises:
        TooMany: `quota_exceeded`.
    """
    if sender.scope == "admin":
        return
    taken = usage.of_today(session, sender.owner)
    for what, amount, most in (
        (Message("jobs"), taken.jobs + 1, settings.owner_daily_jobs),
        (Message("bytes"), taken.bytes + size_bytes, settings.owner_daily_bytes),
        (Message("images"), taken.images + 1, settings.owner_daily_images),
    ):
        if amount > most:
            message = Message(
                "%(owner)s may have %(most)s %(what)s a day (UTC).",
                owner=sender.owner,
                most=most,
                what=what,
            )
            raise _too_many("quota_exceeded", message, usage.seconds_to_tomorrow())


def _check_open_jobs(session: Session, most: int, owner: str | None) -> None:
    if jobs.open_count(session, owner) >= most:
        raise _too_many(
            "queue_full",
            Message(
                "%(most)s jobs are unfinished; try again in %(seconds)s seconds.",
                most=most,
                seconds=RETRY_AFTER_SECONDS,
            ),
            RETRY_AFTER_SECONDS,
        )


def _too_many(code: str, message: Message, seconds: int) -> TooMany:
    return TooMany(code, message, {"Retry-After": str(seconds)})
