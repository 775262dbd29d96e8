"""The catalogues: every message translated, nothing stale, and the same places filled in."""

from __future__ import annotations

import pytest
from babel.messages.catalog import Message

from semblante.errors import SemblanteError
from semblante_web import catalogue, refusals
from semblante_web.error_texts import ERRORS, error_texts

REMEDY = "run `python -m semblante_web.catalogue`"


def ids(messages: list[Message]) -> set[str]:
    return {str(message.id) for message in messages}


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_catalogue(language: str) -> None:
    kept = catalogue.read(language)
    today = catalogue.template()
    assert ids(list(kept)) == ids(list(today)), REMEDY
    assert [message.id for message in catalogue.untranslated(kept)] == []
    compiled = catalogue.po_path(language).with_suffix(".mo").read_bytes()
    assert compiled == catalogue.compiled(kept), REMEDY


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_places_are_kept(language: str) -> None:
    checked = 0
    for message in catalogue.read(language):
        if isinstance(message.id, str) and message.id:
            assert isinstance(message.string, str)
            assert sorted(catalogue.PLACES.findall(message.id)) == sorted(
                catalogue.PLACES.findall(message.string)
            )
            checked += 1
    assert checked > 100


def test_texts_of_errors_are_constant() -> None:
    """A text put together where it is raised could not be translated."""
    found = list(error_texts())
    assert [place for place, text in found if text is None] == []
    assert len(found) > 150


def test_every_error_is_looked_for() -> None:
    def names(kind: type[SemblanteError]) -> set[str]:
        return {kind.__name__}.union(*map(names, kind.__subclasses__()))

    assert refusals.HttpRefused.__name__ in names(SemblanteError)
    ours = {name for name in names(SemblanteError) if name != "StuckDecode"}
    assert ours - ERRORS == set(), "name them in error_texts.py"
