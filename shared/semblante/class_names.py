"""Which class a folder, or a cell of a table, names."""

from __future__ import annotations

from collections.abc import Sequence

from semblante.emotions import EMOTIONS, Emotion
from semblante.errors import Refused


class ClassNames:
    """The classes of a model by every name that data sets use for them.

    A class is named by its id, its English or its Spanish name, whatever the case. The seven of
    RAF-DB are also named by their folders' numbers there, 1 to 7.
    """

    def __init__(self, classes: Sequence[Emotion]) -> None:
        self._classes = tuple(classes)
        self._numbers: dict[str, int] = {}
        for attribute in ("id", "en", "es"):
            for number, emotion in enumerate(self._classes):
                self._numbers.setdefault(_plain(getattr(emotion, attribute)), number)
        ids = [emotion.id for emotion in self._classes]
        if set(ids) == {emotion.id for emotion in EMOTIONS}:
            for folder, emotion in enumerate(EMOTIONS, 1):
                self._numbers.setdefault(str(folder), ids.index(emotion.id))

    def knows(self, name: str) -> bool:
        """Whether `name` is one of the model's classes."""
        return _plain(name) in self._numbers

    def find(self, name: str, place: str) -> int:
        """Return the number of the class called `name`; `place` says where that stands.

        Raises:
            Refused: `class_not_in_model`, when it is one of the seven emotions but not of this
                model's; `unknown_class`, when it is nothing that we know.
        """
        number = self._numbers.get(_plain(name))
        if number is not None:
            return number
        if emotion := _emotion(name):
            raise Refused(
                "class_not_in_model",
                "%(place)s: the model has no class %(name)r. It has: %(known)s. Leave these "
                "images out, or choose another model.",
                place=place,
                name=emotion.id,
                known=self._listed(),
            )
        raise Refused(
            "unknown_class",
            "%(place)s: there is no class %(name)r. It could be: %(known)s.",
            place=place,
            name=name,
            known=self._listed(),
        )

    def _listed(self) -> str:
        return ", ".join(
            emotion.id if emotion.id == emotion.es else f"{emotion.id} ({emotion.es})"
            for emotion in self._classes
        )


def _plain(name: str) -> str:
    return name.strip().casefold()


def _emotion(name: str) -> Emotion | None:
    """The emotion of the seven that `name` means, by name or RAF-DB's number."""
    for number, emotion in enumerate(EMOTIONS, 1):
        if _plain(name) in (*map(_plain, emotion), str(number)):
            return emotion
    return None
