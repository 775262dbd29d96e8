"""Jobs over HTTP: create, list, look, change, delete."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request, url_for
from flask_babel import gettext
from pydantic import BaseModel, ConfigDict, Field

from semblante import job_list
from semblante.errors import Refused
from semblante.identifiers import ID_PATTERN
from semblante.job_view import JobView
from semblante.lifecycle import State
from semblante.views import job_view
from semblante_web.access import identity
from semblante_web.changes import Change, change, remove, view_of
from semblante_web.current import services
from semblante_web.job_options import JobFromFiles, JobFromUpload, JobFromUrl
from semblante_web.job_waiting import MAX_WAIT_SECONDS, wait_for_change
from semblante_web.openapi_problems import URL_CODES, problems
from semblante_web.recent_views import answer_about
from semblante_web.submission import Request, submit
from semblante_web.validation import json_object, validated

MAX_PAGE = 500
blueprint = APIBlueprint("jobs", __name__, url_prefix="/api/v1/jobs", tag="Jobs")


class JobQuery(BaseModel):
    """Which jobs to list."""

    model_config = ConfigDict(extra="forbid")

    state: State | None = Field(None, description="Only jobs in this state.")
    after: str | None = Field(None, pattern=ID_PATTERN, description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=MAX_PAGE, description="Most jobs to return.")


class WaitQuery(BaseModel):
    """How long the answer may take."""

    model_config = ConfigDict(extra="forbid")

    wait: float = Field(
        0,
        ge=0,
        le=MAX_WAIT_SECONDS,
        description="Seconds to wait until state or counts differ from those that `If-None-Match` "
        "names, without it from those of now. An ended job, and a busy server, answer at once.",
    )


class JobPage(BaseModel):
    """Jobs, newest first."""

    items: list[JobView]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


def read_submission() -> Request:
    """Return what the request asks for, sent as JSON or as a form.

    Raises:
        Refused: `invalid_request`.
    """
    key = request.headers.get("Idempotency-Key")
    if request.mimetype == "application/json":
        values = json_object()
        if "url" in values:
            return Request(validated(JobFromUrl, values), (), key)
        return Request(validated(JobFromUpload, values), (), key)
    if request.mimetype != "multipart/form-data":
        raise Refused("invalid_request", "Send multipart/form-data or application/json.")
    fields = {name: value for name, value in request.form.items() if value}
    # A browser sends an empty part for a file field that was left alone.
    files = [file for file in request.files.getlist("file") if file.filename]
    return Request(validated(JobFromFiles, fields), files, key)


@blueprint.post("")
@blueprint.output(JobView, status_code=201)
@blueprint.doc(
    operation_id="createJob",
    responses=problems(
        "no_file",
        "upload_not_found",
        "model_not_found",
        "upload_incomplete",
        "idempotency_mismatch",
        "too_large_upload",
        "queue_full",
        "quota_exceeded",
        *URL_CODES,
    ),
)
def create_job() -> tuple[JobView, int, dict[str, str]]:
    """Create a job.

    Over the files of a form (an archive, or images, which are packed into one zip under their
    names), or over what JSON names: a finished upload, or a URL to fetch. With the header
    `Idempotency-Key` a repeated request gives the job that the first one made.
    """
    job = submit(services(), read_submission())
    location = url_for("jobs.show_job", job_id=job.id)
    return view_of(services(), job.id), 201, {"Location": location}


@blueprint.get("")
@blueprint.input(JobQuery, location="query")
@blueprint.output(JobPage)
@blueprint.doc(operation_id="listJobs")
def list_jobs(query_data: JobQuery) -> JobPage:
    """List jobs, newest first."""
    limit = query_data.limit
    with services().database.reading() as session:
        found = job_list.newest(
            session,
            owner=identity().only_owner,
            state=query_data.state,
            after=query_data.after,
            limit=limit + 1,
        )
        items = [job_view(session, job, gettext) for job in found[:limit]]
    return JobPage(items=items, next=items[-1].id if len(found) > limit else None)


@blueprint.get("/<job_id>")
@blueprint.input(WaitQuery, location="query")
@blueprint.output(JobView)
@blueprint.doc(
    operation_id="getJob",
    responses={304: "Nothing has changed since the version that `If-None-Match` names."}
    | problems("job_not_found"),
)
def show_job(job_id: str, query_data: WaitQuery) -> Response:
    """Show a job, at once or as soon as it changes.

    `ETag` stands for its state and counts.
    """
    known = request.if_none_match
    is_known = known.contains_weak if known else None
    tag = wait_for_change(services(), job_id, is_known, query_data.wait)
    headers = {"ETag": f'W/"{tag}"', "Cache-Control": "private, no-cache"}
    headers["Vary"] = "Accept-Language"
    if is_known is not None and is_known(tag):
        return Response(status=304, headers=headers)
    answer = answer_about(services(), job_id, tag)
    answer.headers.update(headers)
    return answer


@blueprint.delete("/<job_id>")
@blueprint.doc(
    operation_id="deleteJob",
    responses={204: "Deleted."} | problems("job_not_found", "illegal_transition"),
)
def delete_job(job_id: str) -> Response:
    """Delete a job that has ended, with its results and its upload."""
    remove(services(), job_id)
    return Response(status=204)


def _add_change(what: Change, summary: str, *codes: str) -> None:
    """Add `POST /jobs/<id>/<what>`."""

    @blueprint.post(f"/<job_id>/{what}", endpoint=what)
    @blueprint.output(JobView)
    @blueprint.doc(
        operation_id=f"{what}Job",
        summary=summary,
        responses=problems("job_not_found", "illegal_transition", *codes),
    )
    def change_job(job_id: str) -> JobView:
        return change(services(), job_id, what)


_add_change("cancel", "Stop a job, or its retry alone; cancelling twice is no error")
_add_change("pause", "Take a job out of the queue; what a worker holds is finished")
_add_change("resume", "Go on with a paused job")
_add_change(
    "retry",
    "Work on the failed images of a completed job again",
    "nothing_to_retry",
    "model_removed",
)
