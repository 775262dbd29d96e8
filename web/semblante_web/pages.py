"""The pages about jobs: upload, list, one job with its live part, models, error codes."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, redirect, render_template, request, send_from_directory, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from semblante import jobs, retention, webhooks
from semblante.errors import (
    IMAGE_ERROR_CODES,
    JOB_ERROR_CODES,
    REQUEST_ERROR_CODES,
    Conflict,
    NotFound,
)
from semblante_web import words
from semblante_web.changes import CHANGES, change, remove
from semblante_web.current import services
from semblante_web.htmx import go_to, is_htmx
from semblante_web.job_options import JobFromUpload
from semblante_web.job_page import job_page
from semblante_web.models_api import model_views
from semblante_web.showing import explanation
from semblante_web.submission import Request, submit
from semblante_web.submit_form import SENDING_CODES, read_form
from semblante_web.validation import validated

KEPT_OPTIONS = ("lang", retention.OPTION, webhooks.OPTION)
"""What a job over the same images takes over unasked."""
blueprint = APIBlueprint("pages", __name__, enable_openapi=False)


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {"words": words, "default_detect": services().settings.detect}


@blueprint.get("/")
def show_upload() -> str:
    """Show where to choose and send images."""
    settings = services().settings
    return render_template(
        "upload.html",
        models=model_views(),
        max_bytes=settings.max_upload_bytes,
        max_url_bytes=min(settings.max_url_bytes, settings.max_upload_bytes),
        max_image_bytes=settings.max_image_bytes,
        codes={code: explanation(code) for code in SENDING_CODES},
    )


@blueprint.post("/submit")
def submit_form() -> WerkzeugResponse:
    """Create a job from the plain form, for browsers without JavaScript."""
    job = submit(services(), read_form())
    return redirect(url_for("pages.show_job", job_id=job.id), 303)


@blueprint.get("/jobs/<job_id>")
def show_job(job_id: str) -> str:
    """Show a job."""
    return render_template("job.html", page=job_page(services(), job_id))


@blueprint.get("/jobs/<job_id>/live")
def show_live_part(job_id: str) -> str:
    """Show the part of a job's page that changes; the page asks for it again and again."""
    return render_template("job_live.html", page=job_page(services(), job_id))


@blueprint.post("/jobs/<job_id>/again")
def label_again(job_id: str) -> WerkzeugResponse:
    """Create another job over the upload of this one."""
    choices = {name: request.form.get(name) or None for name in ("model", "detect")}
    with services().database.reading() as session:
        before = jobs.get(session, job_id)
    kept = {name: before.options[name] for name in KEPT_OPTIONS if name in before.options}
    asked = {**kept, **choices, "upload_id": before.upload_id, "metadata": before.note}
    job = submit(services(), Request(validated(JobFromUpload, asked), (), None))
    return redirect(url_for("pages.show_job", job_id=job.id), 303)


@blueprint.post("/jobs/<job_id>/<action>")
def change_job(job_id: str, action: str) -> str | WerkzeugResponse:
    """Do what a button of the job's page says; htmx gets the live part, others a redirect."""
    refusal: Conflict | None = None
    try:
        if action == "delete":
            remove(services(), job_id)
            return go_to(url_for("jobs_page.list_jobs"))
        if action not in CHANGES:
            raise NotFound("not_found", "A job cannot be told to %(action)s.", action=action)
        change(services(), job_id, action)
    except Conflict as error:
        if not is_htmx():
            raise
        refusal = error
    if is_htmx():
        page = job_page(services(), job_id)
        return render_template("job_live.html", page=page, refusal=refusal)
    return go_to(url_for("pages.show_job", job_id=job_id))


@blueprint.get("/errors")
def list_errors() -> str:
    """Explain all error codes."""
    groups = {"image": IMAGE_ERROR_CODES, "job": JOB_ERROR_CODES, "request": REQUEST_ERROR_CODES}
    return render_template("errors.html", groups=groups)


@blueprint.get("/favicon.ico")
def show_favicon() -> Response:
    """Return the icon for browsers that ask before they read the page."""
    return send_from_directory(f"{blueprint.root_path}/static/app", "favicon.svg")
