"""The catalogues: every message translated, nothing stale, and the same places filled in."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Message

from semblante_web import catalogue

PLACES = re.compile(r"%\(\w+\)s|\{\w+\}")
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
            assert sorted(PLACES.findall(message.id)) == sorted(PLACES.findall(message.string))
            checked += 1
    assert checked > 100
