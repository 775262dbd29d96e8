"""A folder whose new images and archives become jobs: what is ready there, what was submitted."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from semblante.archive.names import is_image_name
from semblante.errors import Refused
from semblante.identifiers import new_id

MEMORY_NAME = ".semblante-submitted.jsonl"
MOST_WAIT_SECONDS = 60.0
"""Images that never cease to come become a job now and then."""
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")


class FoundFile(NamedTuple):
    """A file as it was seen; another size or time makes it another one."""

    path: Path
    size: int
    mtime_ns: int

    @property
    def is_archive(self) -> bool:
        """Whether the file becomes a job of its own."""
        return self.path.name.lower().endswith(ARCHIVE_SUFFIXES)


class Submission(NamedTuple):
    """Files that became, or were about to become, one job."""

    mark: str
    """The job has it in its metadata: so it is found if this process ended before its answer."""
    files: Sequence[FoundFile]
    job_id: str | None


class Memory:
    """What was submitted, in a file of one JSON object a line, which survives every end."""

    def __init__(self, file: Path) -> None:
        """Read what is there; a last line that was cut off is an attempt that never began.

        Raises:
            Refused: `invalid_request`, for a file of something else.
        """
        self._file = file
        self._known: dict[Path, FoundFile] = {}
        self._begun: dict[str, Submission] = {}
        for line in file.read_bytes().splitlines() if file.exists() else []:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            self._keep(_submission(entry, file))

    def knows(self, file: FoundFile) -> bool:
        """Whether the file was submitted as it is now."""
        return self._known.get(file.path) == file

    def begin(self, files: Sequence[FoundFile]) -> Submission:
        """Note that `files` are about to be submitted."""
        return self._write(Submission(new_id(), files, None))

    def finish(self, begun: Submission, job_id: str) -> None:
        """Note the job that `begun` became."""
        self._write(begun._replace(job_id=job_id))

    def unclear(self) -> list[Submission]:
        """Return what was begun without its end being known."""
        return list(self._begun.values())

    def forget(self, begun: Submission) -> None:
        """Give up what was begun: it became no job."""
        self._begun.pop(begun.mark, None)

    def _keep(self, entry: Submission) -> None:
        if entry.job_id is None:
            self._begun[entry.mark] = entry
            return
        self._begun.pop(entry.mark, None)
        self._known.update({file.path: file for file in entry.files})

    def _write(self, entry: Submission) -> Submission:
        files = [[str(file.path), file.size, file.mtime_ns] for file in entry.files]
        text = json.dumps({"mark": entry.mark, "job_id": entry.job_id, "files": files})
        with self._file.open("a", encoding="utf-8") as file:
            # On a line of its own, whatever was cut off before.
            file.write(f"\n{text}\n")
            file.flush()
            os.fsync(file.fileno())
        self._keep(entry)
        return entry


class WatchedFolder:
    """Tells which files of a folder are completely written: unchanged for some seconds."""

    def __init__(
        self, folder: Path, memory: Memory, settle_seconds: float, excluded: Path | None = None
    ) -> None:
        """Look at `folder` with all below it, but `excluded`."""
        self._folder = folder
        self._memory = memory
        self._settle_seconds = settle_seconds
        self._excluded = excluded
        self._since: dict[FoundFile, float] = {}
        self._refused: set[FoundFile] = set()

    @property
    def is_settled(self) -> bool:
        """Whether the last look found no file that may still be written."""
        return not self._since

    def ready(self) -> list[list[FoundFile]]:
        """Return new files that have settled, one list per job: archives alone, images together."""
        now = time.monotonic()
        found = {file for file in self._files() if not self._memory.knows(file)} - self._refused
        self._since = {file: self._since.get(file, now) for file in found}
        ages = {file: now - since for file, since in self._since.items()}
        ripe = {file for file, age in ages.items() if age >= self._settle_seconds}
        images = {file for file in ages if not file.is_archive}
        if images - ripe and all(ages[file] < MOST_WAIT_SECONDS for file in images):
            ripe -= images  # more are coming, which belong to those that are here
        for file in ripe:
            del self._since[file]
        jobs = [[file] for file in sorted(ripe) if file.is_archive]
        together = sorted(ripe & images)
        return [*jobs, together] if together else jobs

    def submitted(self) -> list[FoundFile]:
        """Return files that were submitted and are there still."""
        return [file for file in self._files() if self._memory.knows(file)]

    def refuse(self, files: Sequence[FoundFile]) -> None:
        """Leave out files that the server does not take, until they change."""
        self._refused.update(files)

    def _files(self) -> Iterator[FoundFile]:
        for folder, names, files in os.walk(self._folder):
            names[:] = sorted(
                name
                for name in names
                if not name.startswith(".") and Path(folder, name) != self._excluded
            )
            for name in files:
                is_wanted = is_image_name(name) or name.lower().endswith(ARCHIVE_SUFFIXES)
                if is_wanted and not name.startswith("."):
                    yield from _seen(Path(folder, name))


def _submission(entry: Any, file: Path) -> Submission:
    try:
        files = [FoundFile(Path(path), size, time_) for path, size, time_ in entry["files"]]
        return Submission(entry["mark"], files, entry["job_id"])
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(
            "invalid_request",
            "%(file)s is no memory of watch-folder; name another file by --memory.",
            file=file,
        ) from error


def _seen(path: Path) -> Iterator[FoundFile]:
    try:
        status = path.stat()
    except OSError:  # gone meanwhile, or a link to nothing
        return
    if status.st_size and stat.S_ISREG(status.st_mode):
        yield FoundFile(path, status.st_size, status.st_mtime_ns)
