"""What the command line's exit status says (the same for every command)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from semblante.job_view import JobView

OK = 0
JOB_FAILED = 1
REFUSED = 2
SOME_IMAGES_FAILED = 3
INTERRUPTED = 130


def exit_code_of(view: JobView) -> int:
    """Return the status for a job that has ended: 0, 3 (some images failed) or 1 (no result)."""
    if view.state != "completed":
        return JOB_FAILED
    return SOME_IMAGES_FAILED if view.counts.failed else OK
