"""The seven emotions of the default model: the only place of their order and names."""

from __future__ import annotations

from typing import Literal, NamedTuple

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = ("en", "es")


class Emotion(NamedTuple):
    """A class of a model: `id` is what the CSV's header and the API use."""

    id: str
    en: str
    es: str

    def name(self, language: Language) -> str:
        """Return the emotion's name in `language`."""
        return self.es if language == "es" else self.en


EMOTIONS: tuple[Emotion, ...] = (
    Emotion("surprise", "surprise", "sorprendido"),
    Emotion("fear", "fear", "miedo"),
    Emotion("disgust", "disgust", "disgustado"),
    Emotion("happiness", "happiness", "feliz"),
    Emotion("sadness", "sadness", "triste"),
    Emotion("anger", "anger", "enojado"),
    Emotion("neutral", "neutral", "serio"),
)
"""RAF-DB's folders 1..7, in that order."""

OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "surprise": ("surprised",),
    "fear": ("afraid", "fearful"),
    "disgust": ("disgusted",),
    "happiness": ("happy",),
    "sadness": ("sad",),
    "anger": ("angry",),
    "neutral": (),
}
"""Names that other data sets use for the seven, FER2013's folders among them, by their ids."""
