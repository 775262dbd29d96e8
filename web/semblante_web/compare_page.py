"""The pages that compare a job: with a truth, and with another job over the same upload."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from semblante import agreement, confusion, jobs, truth
from semblante.errors import Refused
from semblante.views import image_view, job_view
from semblante_web.attach_truth import MAX_TABLE_BYTES, attach
from semblante_web.current import services

TILES = 48
blueprint = APIBlueprint(
    "compare", __name__, url_prefix="/jobs/<job_id>/compare", enable_openapi=False
)


@blueprint.get("")
def show_truth(job_id: str) -> str:
    """Show how the labels fare against the truth, or how to attach one."""
    return _truth_page(job_id, unknown=request.args.get("unknown", 0, int))


@blueprint.post("")
def attach_truth(job_id: str) -> WerkzeugResponse | tuple[str, int]:
    """Take a table, or the names of folders, as the truth."""
    request.max_content_length = MAX_TABLE_BYTES
    file = request.files.get("file")
    try:
        if request.form.get("source") == "folders":
            attached = attach(services(), job_id, None)
        elif file is not None and file.filename:
            attached = attach(services(), job_id, file.stream, file.filename)
        else:
            raise Refused("no_file", "Choose a CSV.")
    except Refused as refusal:
        return _truth_page(job_id, refusal), refusal.http_status
    unknown = attached.unknown or None
    return redirect(url_for("compare.show_truth", job_id=job_id, unknown=unknown), 303)


@blueprint.get("/<other_id>")
def show_agreement(job_id: str, other_id: str) -> str:
    """Show where two jobs over the same upload agree, and the faces on which they do not."""
    pair = agreement.Pair(request.args.get("mine") or None, request.args.get("theirs") or None)
    with services().database.reading() as session:
        job, other = jobs.get(session, job_id), jobs.get(session, other_id)
        agreement.check_comparable(job, other)
        found = agreement.disagreements(
            session, job, other, pair, after=request.args.get("after"), limit=TILES
        )
        return render_template(
            "agreement.html",
            job=job_view(session, job),
            other=job_view(session, other),
            classes=job.classes,
            other_classes=other.classes,
            matrix=confusion.against_job(session, job, other),
            pair=pair,
            faces=[(image_view(row, job), theirs) for row, theirs in found.faces],
            after=found.after,
        )


def _truth_page(job_id: str, refusal: Refused | None = None, unknown: int = 0) -> str:
    with services().database.reading() as session:
        job = jobs.get(session, job_id)
        images = truth.count(session, job_id)
        others = [job_view(session, one) for one in agreement.siblings(session, job)]
        return render_template(
            "compare.html",
            job=job_view(session, job),
            classes=job.classes,
            matrix=confusion.against_truth(session, job) if images else None,
            others=others,
            refusal=refusal,
            unknown=unknown,
        )
