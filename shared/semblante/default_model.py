"""Which model a job runs that names none: the one that a person chose, or that of the settings."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy.orm import Session

from semblante.errors import NotFound
from semblante.registry import ListedModel, find, models
from semblante.settings import Settings
from semblante.tables import Choice

CHOICE = "default_model"


def choose(
    session: Session, settings: Settings, name: str | None = None, *, lock: bool = False
) -> ListedModel:
    """Return the model called `name`; without a name the default.

    A chosen default that is no more gives way to the setting.

    Raises:
        NotFound: `model_not_found`.
    """
    if name is not None:
        return find(session, name, lock=lock)
    if (choice := session.get(Choice, CHOICE)) is not None:
        with suppress(NotFound):
            return find(session, choice.value, lock=lock)
    return find(session, settings.model, lock=lock)


def set_default(session: Session, name_or_reference: str) -> ListedModel:
    """Make a model the default of all processes; a name goes on to mean its last import.

    Raises:
        NotFound: `model_not_found`.
    """
    model = find(session, name_or_reference, lock=True)
    session.merge(Choice(name=CHOICE, value=name_or_reference))
    return model


def reset_default(session: Session) -> None:
    """Let the setting decide again."""
    if (choice := session.get(Choice, CHOICE)) is not None:
        session.delete(choice)


def default_reference(session: Session, settings: Settings) -> str | None:
    """Return the reference of the default; None when there is no such model."""
    try:
        return choose(session, settings).reference
    except NotFound:
        return None


def forget_missing_default(session: Session) -> None:
    """Let the setting decide again when the chosen model is no more."""
    choice = session.get(Choice, CHOICE)
    if choice is not None and not any(one.is_called(choice.value) for one in models(session)):
        session.delete(choice)
