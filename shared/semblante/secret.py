"""The secret that signs cookies where no setting names one: random, kept in the data folder."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from semblante.settings import Settings

SECRET_BYTES = 32


def signing_secret(settings: Settings) -> str:
    """Return the secret of the settings, else that of the data folder, made at the first call.

    Several processes may call this at once: all get the same one.

    Raises:
        OSError: When the data folder cannot be written to.
    """
    if settings.secret_key:
        return settings.secret_key
    path = settings.data / "secret"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".secret-", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(SECRET_BYTES))
            with suppress(FileExistsError):  # another process was first
                path.hardlink_to(temporary)
        finally:
            Path(temporary).unlink()
    return path.read_text()
