"""The Python client: submit images to a Semblante server, follow the job, download its results."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self
from urllib.parse import quote

from semblante.client_results import ResultFormat, Results
from semblante.client_wait import wait_for_end
from semblante.detection import Detect
from semblante.emotions import Language
from semblante.errors import NotFound, Unavailable
from semblante.http_transport import Transport, to_job, to_json
from semblante.job_view import JobView
from semblante.lifecycle import State
from semblante.packing import is_sent_as_it_is, opened
from semblante.profile_names import Profile
from semblante.replace import replaced_file
from semblante.tus_upload import Progress, upload_file
from semblante.upload_note import UploadNote

StrPath = str | os.PathLike[str]


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
            Refused: `invalid_request`, when `server` is no http address, or `api_key` no key.
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
        webhook: str | None = None,
        on_progress: Progress | None = None,
    ) -> JobView:
        """Send an archive or image, or pack a folder or several images; return the new job.

        A file whose sending broke off, however it did, goes on where it was when it is submitted
        again. Of images that are packed, nothing stays on the server then.

        Args:
            paths: What to label.
            model: The model's name; the server's default otherwise.
            detect: Whether images are searched for faces; the server's default otherwise.
            lang: Language of the emotions in results.csv.
            metadata: Anything; the job gives it back unchanged.
            webhook: Address that is told when the job ends; see docs/webhooks.md.
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
        view = self._create_job({"upload_id": upload_id, "webhook": webhook, **options})
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
        webhook: str | None = None,
    ) -> JobView:
        """Have the server fetch an archive or image from the public internet; return the new job.

        The other arguments are those of `submit`.

        Raises:
            Refused: `invalid_url`, `url_not_public`, `url_type`, `url_failed` or `url_busy`.
        """
        options = {"model": model, "detect": detect, "lang": lang, "metadata": metadata}
        return self._create_job({"url": url, "webhook": webhook, **options})

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

    def job(self, job: JobView | str) -> JobView:
        """Return the job as it is now; raises NotFound."""
        return to_job(self._api.send("GET", _of_job(job)))

    def wait(
        self,
        job: JobView | str,
        *,
        on_progress: Callable[[JobView], None] | None = None,
        timeout: float | None = None,
    ) -> JobView:
        """Return the job when it has ended; a server that restarts meanwhile is waited for.

        Not by asking again and again: the server answers when the job changes.

        Args:
            job: The job, or its id.
            on_progress: Called with the job whenever it has changed, at most every second.
            timeout: Seconds to wait at most.

        Raises:
            TimeoutError: When the job has not ended within `timeout`.
        """
        return wait_for_end(self._api, _of_job(job), on_progress, timeout)

    def cancel(self, job: JobView | str) -> JobView:
        """Stop the job for good."""
        return to_job(self._api.send("POST", f"{_of_job(job)}/cancel"))

    def pause(self, job: JobView | str) -> JobView:
        """Let the job rest; chunks at work are finished."""
        return to_job(self._api.send("POST", f"{_of_job(job)}/pause"))

    def resume(self, job: JobView | str) -> JobView:
        """Go on with a paused job."""
        return to_job(self._api.send("POST", f"{_of_job(job)}/resume"))

    def retry(self, job: JobView | str) -> JobView:
        """Label the failed images of a completed job again."""
        return to_job(self._api.send("POST", f"{_of_job(job)}/retry"))

    def delete(self, job: JobView | str) -> None:
        """Remove a job that has ended, its results, and its upload if no other job uses it."""
        self._api.send("DELETE", _of_job(job))

    def download(
        self,
        job: JobView | str,
        target: StrPath | BinaryIO,
        *,
        format: ResultFormat = "csv",  # noqa: A002 (the word that users expect)
        lang: Language | None = None,
        profile: Profile | None = None,
    ) -> None:
        """Write the results of a completed job to a file; a path gets all bytes or none.

        Args:
            job: The job, or its id.
            target: A path, or a file open for writing bytes.
            format: `csv`, `jsonl`, `parquet`, or `errors` (a CSV of the failed images only).
            lang: Language of the emotions in CSV and Parquet; what the job asked for otherwise.
            profile: The tool whose columns are used: `semblante`, `deepface` or `py-feat`.
        """
        results = self.results(job, lang=lang, profile=profile)
        if isinstance(target, str | os.PathLike):
            with replaced_file(Path(target)) as file:
                results.write(file, format)
        else:
            results.write(target, format)

    def results(
        self,
        job: JobView | str,
        *,
        lang: Language | None = None,
        profile: Profile | None = None,
    ) -> Results:
        """Return the results of a job: iterate over its rows, or ask for `to_pandas()`.

        Args:
            job: The job, or its id.
            lang: Language of the emotions in CSV and tables; what the job asked for otherwise.
            profile: The tool whose columns are used: `semblante`, `deepface` or `py-feat`.
        """
        return Results(self._api, _of_job(job), lang, profile)

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
            name = Path(path).name.encode("utf-8", "replace").decode()
            files = {"file": (name, file)}
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

    def webhook_events(self, job: JobView | str) -> list[dict[str, Any]]:
        """Return what was told to a job's webhook: `[{id, type, state, attempts, ...}]`."""
        return list(to_json(self._api.send("GET", f"{_of_job(job)}/webhooks"))["items"])

    def resend_webhook_event(self, job: JobView | str, event_id: str) -> dict[str, Any]:
        """Have an event of a job delivered once more, and return it."""
        address = f"{_of_job(job)}/webhooks/{_quoted(event_id)}/resend"
        return dict(to_json(self._api.send("POST", address)))

    def webhook_secret(self, *, replace: bool = False) -> str:
        """Return what signs the webhooks of your jobs; with `replace`, a new one."""
        answer = self._api.send("POST" if replace else "GET", "webhooks/secret")
        return str(to_json(answer)["secret"])


def _of_job(job: JobView | str) -> str:
    return f"jobs/{_quoted(job.id if isinstance(job, JobView) else job)}"


def _quoted(text: str) -> str:
    """Return an id as a part of an address, which it never changes."""
    if not text.strip("./"):
        raise NotFound("job_not_found", f"{text!r} is no id.")
    return quote(text, safe="")
