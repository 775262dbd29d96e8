"""A text for people that can be told in another language: a constant template, and its values.

Catalogues know the template; `%(name)s` stands for a value, which may be a message again. English
is what logs and commands show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Message:
    """`template` with `values`, filled in when it is shown."""

    def __init__(self, template: str, /, **values: object) -> None:
        self.template = template
        self.values = {name: _plain(value) for name, value in values.items()}

    def __str__(self) -> str:
        """Return the text in English."""
        return self.told(str)

    def told(self, translate: Callable[[str], str]) -> str:
        """Return the text; `translate` gives the template in the reader's language."""
        if not self.values:
            return translate(self.template)
        return translate(self.template) % {
            name: value.told(translate) if isinstance(value, Message) else value
            for name, value in self.values.items()
        }

    def to_json(self) -> dict[str, Any]:
        """Return the message as rows and answers of tasks keep it."""
        values = {
            name: value.to_json() if isinstance(value, Message) else value
            for name, value in self.values.items()
        }
        return {"template": self.template, "values": values}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Message:
        """Return the message that `to_json` gave."""
        values = {
            name: cls.from_json(value) if isinstance(value, dict) else value
            for name, value in kept["values"].items()
        }
        return cls(kept["template"], **values)


def _plain(value: object) -> str | int | float | Message:
    return value if isinstance(value, (str, int, float, Message)) else str(value)
