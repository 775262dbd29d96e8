"""Results as files, streamed: CSV, JSON lines, Parquet, failed images; and a job summed up."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from semblante import export, jobs, profile_export
from semblante.emotions import Language
from semblante.errors import Conflict, NotFound
from semblante.profile_names import Profile
from semblante.profiles import Column, columns
from semblante.services import Services
from semblante.tables import Job
from semblante_web.current import services
from semblante_web.openapi_problems import problems
from semblante_web.summary import Summary, summary_of

CSV = "text/csv; charset=utf-8; header=present"
JSON_LINES = "application/jsonl; charset=utf-8"
PARQUET = "application/vnd.apache.parquet"
blueprint = APIBlueprint("download", __name__, url_prefix="/api/v1/jobs/<job_id>", tag="Results")

Blocks = Callable[[Session, Job], Iterator[bytes]]


class ResultQuery(BaseModel):
    """Which columns, and how the values of `emotion` are named."""

    model_config = ConfigDict(extra="forbid")

    profile: Profile = Field(
        "semblante", description="`deepface` and `py-feat`: the columns and names of these tools."
    )
    lang: Language | None = Field(
        None, description="Of `semblante`'s emotions; without it, the language the job asked for."
    )

    def columns(self, job: Job) -> list[Column]:
        """Return the columns of the file."""
        return columns(self.profile, job, self.language(job))

    def language(self, job: Job) -> Language:
        """Return the language in force."""
        asked: Language = job.options.get("lang", "en")
        return self.lang or asked


def _file_of(what: str, mime_type: str) -> dict[int, Any]:
    return {200: {"description": what, "content": {mime_type: {}}}} | problems(
        "job_not_found", "job_not_finished"
    )


@blueprint.get("/results.csv")
@blueprint.input(ResultQuery, location="query")
@blueprint.doc(operation_id="downloadCsv", responses=_file_of("The CSV.", "text/csv"))
def download_csv(job_id: str, query_data: ResultQuery) -> Response:
    """Download all rows as CSV (RFC 4180, UTF-8), one per face, in the archive's order."""
    job = _completed(job_id)
    language = query_data.language(job)

    def blocks(session: Session, job: Job) -> Iterator[bytes]:
        if query_data.profile == "semblante":
            return export.csv_blocks(session, job, language=language)
        return profile_export.csv_blocks(session, job, query_data.columns(job))

    is_stored = query_data.profile == "semblante" and language == "en"
    if is_stored and (stored := _stored_csv(services(), job)):
        return stored
    return _streamed(job, blocks, CSV, "results.csv")


@blueprint.get("/results.jsonl")
@blueprint.input(ResultQuery, location="query")
@blueprint.doc(
    operation_id="downloadJsonLines", responses=_file_of("JSON lines.", "application/jsonl")
)
def download_json_lines(job_id: str, query_data: ResultQuery) -> Response:
    """Download all rows as JSON, one object per line.

    The keys are the CSV's columns; `semblante` has the classes in one object `probabilities`, and
    the ids of emotions whatever the language.
    """

    def blocks(session: Session, job: Job) -> Iterator[bytes]:
        if query_data.profile == "semblante":
            return export.json_lines(session, job)
        return profile_export.json_lines(session, job, query_data.columns(job))

    return _streamed(_completed(job_id), blocks, JSON_LINES, "results.jsonl")


@blueprint.get("/results.parquet")
@blueprint.input(ResultQuery, location="query")
@blueprint.doc(operation_id="downloadParquet", responses=_file_of("The Parquet file.", PARQUET))
def download_parquet(job_id: str, query_data: ResultQuery) -> Response:
    """Download all rows as Parquet, with the CSV's columns, typed."""

    def blocks(session: Session, job: Job) -> Iterator[bytes]:
        from semblante_web.parquet import parquet_blocks  # pyarrow takes 35 MB and 0.3 s

        return parquet_blocks(session, job, query_data.columns(job))

    return _streamed(_completed(job_id), blocks, PARQUET, "results.parquet")


@blueprint.get("/errors.csv")
@blueprint.doc(operation_id="downloadErrors", responses=_file_of("The CSV.", "text/csv"))
def download_errors(job_id: str) -> Response:
    """Download the rows of failed images as CSV."""

    def blocks(session: Session, job: Job) -> Iterator[bytes]:
        return export.csv_blocks(session, job, status="failed")

    return _streamed(_completed(job_id), blocks, CSV, "errors.csv")


@blueprint.get("/summary")
@blueprint.output(Summary)
@blueprint.doc(operation_id="summarizeJob", responses=problems("job_not_found", "job_not_finished"))
def summarize(job_id: str) -> Summary:
    """Sum a completed job up: counts, emotions with shares, errors by code, times."""
    _completed(job_id)
    with services().database.reading() as session:
        return summary_of(session, jobs.get(session, job_id))


def _completed(job_id: str) -> Job:
    with services().database.reading() as session:
        job = jobs.get(session, job_id)
    if job.state != "completed":
        raise Conflict(
            "job_not_finished",
            "The job is %(state)s; its results are not complete.",
            state=job.state,
        )
    return job


def _stored_csv(services: Services, job: Job) -> Response | None:
    """Return the file that the step `finish` wrote; None when there is none."""
    key = f"{jobs.results_folder(job.id)}/results.csv"
    try:
        size = services.storage.size(key)
    except NotFound:
        return None
    response = as_file(job, services.storage.blocks(key), CSV, "results.csv")
    response.content_length = size
    return response


def _streamed(job: Job, blocks: Blocks, content_type: str, name: str) -> Response:
    database = services().database

    def body() -> Iterator[bytes]:
        with database.reading() as session, closing(blocks(session, job)) as parts:  # type: ignore[type-var]
            yield from parts

    return as_file(job, body(), content_type, name)


def as_file(job: Job, body: Iterator[bytes], content_type: str, name: str) -> Response:
    """Return `body` as a download, named after what was uploaded."""
    response = Response(body, content_type=content_type)
    stem = PurePath(job.filename).name.split(".")[0] or job.id
    response.headers.set("Content-Disposition", "attachment", **_file_names(job, stem, name))
    return response


def _file_names(job: Job, stem: str, name: str) -> dict[str, str]:
    """Return the parameters of RFC 6266: a name in ASCII, and the real one where that differs."""
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().strip()
    names = {"filename": f"{plain or job.id}-{name}"}
    if plain != stem:
        names["filename*"] = f"UTF-8''{quote(f'{stem}-{name}', safe='')}"
    return names
