"""The Python client: submit images to a Semblante server, follow the job, download its results."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self
from urllib.parse import quote

from semblante.detection import Detect
from semblante.emotions import Language
from semblante.errors import NotFound, Unavailable
from semblante.http_transport import Transport, to_job, to_json
from semblante.lifecycle import State
from semblante.packing import is_sent_as_it_is, opened
from semblante.profiles import Profile
from semblante.replace import replaced_file
from semblante.tus_upload import Progress, upload_file
from semblante.upload_note import UploadNote
from semblante.views import JobView

StrPath = str | os.PathLike[str]
ResultFormat = Literal["csv", "jsonl", "parquet", "errors"]
RESULT_FILES: dict[ResultFormat, str] = {
    "csv": "results.csv",
    "jsonl": "results.jsonl",
    "parquet": "results.parquet",
    "errors": "errors.csv",
}
FIRST_POLL_SECONDS = 0.2
LAST_POLL_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
"""How long `wait` bears a server that does not answer: a restart takes less."""


class Client:
    """Talks to one server. Use it as a context manager: it keeps connections open.

    Every method raises Unavailable (`server_unavailable`) when the server does not answer, and the
    SemblanteError that the server's problem document names otherwise.
    """

    def __init__(self, server: str, api_key: str | None = None) -> None:
        """Prepare; nothing is sent yet.

        Args:
            server: `http://host:port` of the server, with a path if it lies below one.
            api_key: The server's key, if it asks for one.

        Raises:
            Refused: `invalid_request`, when `server` is no http address.
        """
        self._api = Transport(server, api_key)
        self.server = self._api.server

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._api.close()

    def submit(
        self,
        paths: StrPath | Sequence[StrPath],
        *,
        model: str | None = None,
        detect: Detect | None = None,
        lang: Language | None = None,
        metadata: Mapping[str, Any] | None = None,
        on_progress: Progress | None = None,
    ) -> JobView:
        """Send an archive or image, or pack a folder or several images; return the new job.

        A file whose sending was killed goes on where it was when it is submitted again.

        Args:
            paths: What to label.
            model: The model's name; the server's default otherwise.
            detect: Whether images are searched for faces; the server's default otherwise.
            lang: Language of the emotions in results.csv.
            metadata: Anything; the job gives it back unchanged.
            on_progress: Called with (bytes received, bytes in all).

        Raises:
            Refused: `invalid_request` (no image, or an archive among several paths), and what the
                server refuses: `too_large_upload`, `queue_full`, `model_not_found`, ...
            OSError: When a file cannot be read.
        """
        several = [paths] if isinstance(paths, str | os.PathLike) else paths
        given = [Path(path) for path in several]
        note = UploadNote(self.server, given[0]) if is_sent_as_it_is(given) else None
        with opened(given) as (name, file, size):
            upload_id = upload_file(self._api.http, file, size, name, on_progress, note=note)
        options = {"model": model, "detect": detect, "lang": lang, "metadata": metadata}
        view = self._create_job({"upload_id": upload_id, **options})
        if note is not None:
            note.forget()
        return view

    def submit_url(
        self,
        url: str,
        *,
        model: str | None = None,
        detect: Detect | None = None,
        lang: Language | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> JobView:
        """Have the server fetch an archive or image from the public internet; return the new job.

        The other arguments are those of `submit`.

        Raises:
            Refused: `invalid_url`, `url_not_public`, `url_type`, `url_failed` or `url_busy`.
        """
        options = {"model": model, "detect": detect, "lang": lang, "metadata": metadata}
        return self._create_job({"url": url, **options})

    def _create_job(self, body: Mapping[str, Any]) -> JobView:
        fields = {name: value for name, value in body.items() if value is not None}
        # The key makes a repetition harmless, should the answer to the first request be lost.
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        try:
            answer = self._api.send("POST", "jobs", json=fields, headers=headers)
        except Unavailable:
            answer = self._api.send("POST", "jobs", json=fields, headers=headers)
        return to_job(answer)

    def jobs(self, state: State | None = None) -> Iterator[JobView]:
        """Yield all jobs, newest first; pages are fetched as they are needed."""
        query = {"limit": "50", **({"state": state} if state else {})}
        while True:
            page = to_json(self._api.send("GET", "jobs", params=query))
            for item in page["items"]:
                yield JobView.model_validate(item)
            if not page.get("next"):
                return
            query["after"] = page["next"]

    def job(self, job_id: str) -> JobView:
        """Return the job; raises NotFound."""
        return to_job(self._api.send("GET", _of_job(job_id)))

    def wait(
        self,
        job_id: str,
        *,
        on_progress: Callable[[JobView], None] | None = None,
        timeout: float | None = None,
    ) -> JobView:
        """Return the job when it has ended; a server that restarts meanwhile is waited for.

        Args:
            job_id: The job.
            on_progress: Called with the job, about every second.
            timeout: Seconds to wait at most.

        Raises:
            TimeoutError: When the job has not ended within `timeout`.
        """
        deadline = time.monotonic() + timeout if timeout is not None else None
        pause, answered = FIRST_POLL_SECONDS, time.monotonic()
        while True:
            try:
                view = self.job(job_id)
            except Unavailable:
                if time.monotonic() - answered > PATIENCE_SECONDS:
                    raise
            else:
                answered = time.monotonic()
                if on_progress is not None:
                    on_progress(view)
                if not view.is_open:
                    return view
            if deadline is not None and time.monotonic() + pause > deadline:
                raise TimeoutError(f"Job {job_id} has not ended within {timeout:g} s.")
            time.sleep(pause)
            pause = min(pause * 1.5, LAST_POLL_SECONDS)

    def cancel(self, job_id: str) -> JobView:
        """Stop the job for good."""
        return to_job(self._api.send("POST", f"{_of_job(job_id)}/cancel"))

    def pause(self, job_id: str) -> JobView:
        """Let the job rest; chunks at work are finished."""
        return to_job(self._api.send("POST", f"{_of_job(job_id)}/pause"))

    def resume(self, job_id: str) -> JobView:
        """Go on with a paused job."""
        return to_job(self._api.send("POST", f"{_of_job(job_id)}/resume"))

    def retry(self, job_id: str) -> JobView:
        """Label the failed images of a completed job again."""
        return to_job(self._api.send("POST", f"{_of_job(job_id)}/retry"))

    def delete(self, job_id: str) -> None:
        """Remove a job that has ended, its results, and its upload if no other job uses it."""
        self._api.send("DELETE", _of_job(job_id))

    def download(
        self,
        job_id: str,
        target: StrPath | BinaryIO,
        *,
        format: ResultFormat = "csv",  # noqa: A002 (the word that users expect)
        lang: Language | None = None,
        profile: Profile | None = None,
    ) -> None:
        """Write the results of a completed job to a file; a path gets all bytes or none.

        Args:
            job_id: The job.
            target: A path, or a file open for writing bytes.
            format: `csv`, `jsonl`, `parquet`, or `errors` (a CSV of the failed images only).
            lang: Language of the emotions in CSV and Parquet; what the job asked for otherwise.
            profile: The tool whose columns are used: `semblante`, `deepface` or `py-feat`.
        """
        address = f"{_of_job(job_id)}/{RESULT_FILES[format]}"
        given = {"lang": lang, "profile": profile} if format != "errors" else {}
        params = {name: value for name, value in given.items() if value is not None}
        if isinstance(target, str | os.PathLike):
            with replaced_file(Path(target)) as file:
                self._api.stream(address, file, params)
        else:
            self._api.stream(address, target, params)

    def predict(
        self, path: StrPath, *, model: str | None = None, detect: Detect | None = None
    ) -> dict[str, Any]:
        """Label the faces of one image at once.

        Returns:
            `{model, detector, width, height, faces: [{emotion, confidence, box, ...}]}`.

        Raises:
            OSError: When the file cannot be read.
        """
        form = {name: value for name, value in (("model", model), ("detect", detect)) if value}
        with Path(path).open("rb") as file:
            files = {"file": (Path(path).name, file)}
            response = self._api.send("POST", "predict", files=files, data=form)
        return dict(to_json(response))

    def predict_url(
        self, url: str, *, model: str | None = None, detect: Detect | None = None
    ) -> dict[str, Any]:
        """Have the server fetch one image and label its faces; returns what `predict` does."""
        body = {"url": url, "model": model, "detect": detect}
        return dict(to_json(self._api.send("POST", "predict", json=body)))

    def models(self) -> list[dict[str, Any]]:
        """Return the server's models: `[{reference, is_default, origin, card, ...}]`."""
        return list(to_json(self._api.send("GET", "models"))["items"])


def _of_job(job_id: str) -> str:
    if not job_id.strip("./"):
        raise NotFound("job_not_found", f"{job_id!r} is no job's id.")
    return f"jobs/{quote(job_id, safe='')}"
