"""What an evaluation is about: the model, the data, and how they were brought together."""

from __future__ import annotations

from dataclasses import dataclass

from semblante.bundles import Model


@dataclass(frozen=True)
class Subject:
    """What a report says besides figures; empty texts are not shown.

    `temperature` is that of the probabilities (None: not known), `engine` what computed them,
    `openvino` what the card says of int8; `only_in_results` and
    `only_in_truth` count paths that one of two CSV files lacks; `outside` counts images of the
    data set that lie in no class folder, `other_classes` those of classes that the model lacks.
    """

    model: str
    data: str = ""
    split: str | None = None
    temperature: float | None = None
    engine: str = ""
    openvino: str = ""
    description: str = ""
    training: str = ""
    terms: str = ""
    limits: str = ""
    only_in_results: int = 0
    only_in_truth: int = 0
    outside: int = 0
    other_classes: int = 0


def subject_of(
    model: Model,
    *,
    data: str,
    split: str | None,
    temperature: float | None,
    engine: str = "",
    outside: int = 0,
    other_classes: int = 0,
) -> Subject:
    """Return the subject of an evaluation of `model`, with what its card says."""
    card = model.card
    return Subject(
        model=model.reference,
        data=data,
        split=split,
        temperature=temperature,
        engine=engine,
        openvino=card.openvino.describe() if card.openvino else "",
        description=card.description,
        training=card.training.data,
        terms=card.terms,
        limits=card.limits,
        outside=outside,
        other_classes=other_classes,
    )
