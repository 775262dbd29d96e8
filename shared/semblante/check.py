"""One finding of `semblante doctor`; other distributions add theirs by entry point."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """Whether one thing is there: what was found, and what to do when it is not."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    needed: bool = True
    """Whether Semblante cannot work on this machine without it."""
