"""What an evaluation is about: the model, the data, and how they were brought together."""

from __future__ import annotations

from dataclasses import dataclass

from semblante.bundles import Bundle


@dataclass(frozen=True)
class Subject:
    """What a report says besides figures; empty texts are not shown.

    `temperature` is that of the probabilities (None: not known); `only_in_results` and
    `only_in_truth` count paths that one of two CSV files lacks; `outside` counts images of the
    data set that lie in no class folder.
    """

    model: str
    data: str = ""
    split: str | None = None
    temperature: float | None = None
    description: str = ""
    training: str = ""
    terms: str = ""
    limits: str = ""
    only_in_results: int = 0
    only_in_truth: int = 0
    outside: int = 0


def subject_of(
    bundle: Bundle, *, data: str, split: str | None, temperature: float | None, outside: int = 0
) -> Subject:
    """Return the subject of an evaluation of `bundle`, with what its card says."""
    card = bundle.card
    return Subject(
        model=bundle.reference,
        data=data,
        split=split,
        temperature=temperature,
        description=card.description,
        training=card.training.data,
        terms=card.terms,
        limits=card.limits,
        outside=outside,
    )
