"""The environment of the stack's children: the settings in force, as SEMBLANTE_* variables."""

from __future__ import annotations

import json
import os

from semblante.settings import Settings

PREFIX = "SEMBLANTE_"


def child_environment(settings: Settings) -> dict[str, str]:
    """Return this process's environment with exactly `settings` in it.

    A setting that is None has no variable, also when this process's environment has one.
    """
    names = {(PREFIX + name).upper() for name in Settings.model_fields}
    environment = {name: text for name, text in os.environ.items() if name.upper() not in names}
    for name, value in settings.model_dump(mode="json", exclude_none=True).items():
        text = json.dumps(value) if isinstance(value, list | dict) else str(value)
        environment[(PREFIX + name).upper()] = text
    environment["PYTHONUNBUFFERED"] = "1"  # a log shows the last line before a kill
    return environment
