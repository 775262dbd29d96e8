"""Which class a folder, or a cell of a table, names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from semblante.emotions import EMOTIONS, OTHER_NAMES, Emotion
from semblante.errors import Refused


class ClassNames:
    """The classes of a model by every name that data sets use for them.

    A class is named by its id, its English or its Spanish name, whatever the case. Those of the
    seven emotions have other usual names, too, and all seven together RAF-DB's numbers, 1 to 7.
    `folders` are a recipe's further names by class id; where there are numbers among them, RAF-DB's
    mean nothing. Of classes that could have the same name, it is that of the one whose own it is.
    """

    def __init__(
        self, classes: Sequence[Emotion], folders: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._classes = tuple(classes)
        self._numbers: dict[str, int] = {}
        for attribute in ("id", "en", "es"):
            for number, emotion in enumerate(self._classes):
                self._numbers.setdefault(_plain(getattr(emotion, attribute)), number)
        ids = [emotion.id for emotion in self._classes]
        for further in (folders or {}, _usual(ids, folders or {})):
            for number, one in enumerate(ids):
                for name in further.get(one, ()):
                    self._numbers.setdefault(_plain(name), number)

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
        emotion = _emotion(name)
        if emotion and emotion.id not in {one.id for one in self._classes}:
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


def _usual(ids: Sequence[str], folders: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """Return the usual names of the classes `ids` beside a recipe's `folders`."""
    has_numbers = any(name.strip().isdecimal() for names in folders.values() for name in names)
    if has_numbers or set(ids) != {emotion.id for emotion in EMOTIONS}:
        return OTHER_NAMES
    return {e.id: (str(folder), *OTHER_NAMES[e.id]) for folder, e in enumerate(EMOTIONS, 1)}


def _emotion(name: str) -> Emotion | None:
    """The emotion of the seven that `name` means, by name or RAF-DB's number."""
    for number, emotion in enumerate(EMOTIONS, 1):
        if _plain(name) in (*map(_plain, emotion), str(number), *OTHER_NAMES[emotion.id]):
            return emotion
    return None
