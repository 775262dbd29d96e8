"""Which upload a file was on its way in, so that a client that was killed goes on with it."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

import platformdirs

ID = re.compile(r"[\w-]{1,64}")


class UploadNote:
    """The id of the upload of one file to one server, in the user's state folder.

    Another size or time of change makes another file of it.
    """

    def __init__(self, server: str, path: Path) -> None:
        """Prepare; raises OSError when there is no such file."""
        status = path.stat()
        facts = (server, str(path.resolve()), str(status.st_size), str(status.st_mtime_ns))
        name = hashlib.sha256("\0".join(facts).encode("utf-8", "surrogateescape")).hexdigest()
        self._note = platformdirs.user_state_path("semblante") / "uploads" / name

    def read(self) -> str | None:
        """Return the id, if there is one."""
        try:
            text = self._note.read_text()
        except OSError:
            return None
        return text if ID.fullmatch(text) else None

    def write(self, upload_id: str) -> None:
        """Keep the id; a disk that takes no note costs only the chance to go on."""
        with suppress(OSError):
            self._note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial = self._note.with_name(f"{self._note.name}.{os.getpid()}")
            partial.write_text(upload_id)
            partial.replace(self._note)

    def forget(self) -> None:
        """Remove the note."""
        with suppress(OSError):
            self._note.unlink(missing_ok=True)
