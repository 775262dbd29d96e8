"""Pausing everything: what a person chose for the labelling of all jobs, whatever each one's flag.

Chunks that workers hold are finished; no claim succeeds meanwhile. Uploads are taken and indexed,
and single images answered, as always.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from semblante.tables import Choice

CHOICE = "all_paused"


def is_all_paused(session: Session) -> bool:
    """Whether no chunk may be begun."""
    return session.get(Choice, CHOICE) is not None


def pause_all(session: Session) -> None:
    """Let no worker begin a chunk."""
    session.merge(Choice(name=CHOICE, value="on"))


def end_pause(session: Session) -> None:
    """Let workers take chunks again; the next sweep queues them."""
    if (choice := session.get(Choice, CHOICE)) is not None:
        session.delete(choice)
