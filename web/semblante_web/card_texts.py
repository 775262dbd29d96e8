"""Sentences in cards of models: the pages translate those of the models that are shipped."""

from __future__ import annotations

from collections.abc import Iterator

from flask_babel import gettext

from semblante.bundles import shipped_bundles


def shipped_texts() -> Iterator[tuple[str, str]]:
    """Yield the name of each shipped model with each of its card's texts."""
    for bundle in shipped_bundles():
        card = bundle.card
        for text in (card.description, card.terms, card.limits, card.training.data):
            yield card.name, text


def translated(text: str) -> str:
    """Return a card's text in the language of the page; an imported card's as it is."""
    return gettext(text) if text else text
