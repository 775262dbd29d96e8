"""What one call of `semblante label` labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from semblante.packing import Packing, is_sent_as_it_is, plan_packing, refuse_special


@dataclass(frozen=True)
class LabelInput:
    """What one call of `semblante label` labels; `fingerprint` tells it from any other input."""

    filename: str
    size: int
    fingerprint: str
    path: Path | None
    """The one archive or image that is used where it lies; None when `packing` says what to do."""
    packing: Packing | None


def describe_input(paths: Sequence[Path]) -> LabelInput:
    """Look at `paths`, without reading the images; raises Refused as `plan_packing` does."""
    if is_sent_as_it_is(list(paths)):
        refuse_special(paths[0])
        path = paths[0].absolute()
        status = path.stat()
        parts = [str(path), str(status.st_size), str(status.st_mtime_ns)]
        return LabelInput(path.name, status.st_size, _digest(parts), path, None)
    packing = plan_packing(list(paths))
    parts = [str(path.absolute()) for path in paths]
    parts += [f"{file.name}\0{file.size}\0{file.mtime_ns}" for file in packing.files]
    return LabelInput(packing.filename, packing.size, _digest(parts), None, packing)


def _digest(parts: list[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()
