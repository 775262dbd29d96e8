"""Lists of file names, one per line."""

from __future__ import annotations

from pathlib import Path

from semblante.errors import Refused


def read_names(path: Path) -> list[str]:
    """Return the lines of a list of file names.

    Raises:
        Refused: `bad_table`, when it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("bad_table", f"The list {path} cannot be read: {error}.") from error
    return [line.strip() for line in lines if line.strip()]
