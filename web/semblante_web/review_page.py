"""The page where a person checks labels, the least sure one first, by keys or buttons."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import redirect, render_template, request, url_for
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.wrappers import Response as WerkzeugResponse

from semblante import jobs, review
from semblante.label_export import class_folders
from semblante.views import image_view, job_view
from semblante_web.corrections_api import correct as correct_face
from semblante_web.corrections_api import undo as undo_face
from semblante_web.current import services
from semblante_web.htmx import is_htmx
from semblante_web.validation import validated

UNCLEAR = ""
blueprint = APIBlueprint(
    "review", __name__, url_prefix="/jobs/<job_id>/review", enable_openapi=False
)


class Verdict(BaseModel):
    """What a person says about a face; an empty emotion means that nobody could say."""

    model_config = ConfigDict(extra="forbid")

    index: int = Field(ge=0, lt=review.MOST_INDEX)
    face: int = Field(ge=0, lt=review.MOST_FACE)
    emotion: str


class Undone(BaseModel):
    """The face whose verdict is taken back; without one, the newest of all who review."""

    model_config = ConfigDict(extra="forbid")

    index: int | None = Field(None, ge=0, lt=review.MOST_INDEX)
    face: int | None = Field(None, ge=0, lt=review.MOST_FACE)

    @property
    def place(self) -> review.Place | None:
        """The face; None where the form names none."""
        if self.index is None or self.face is None:
            return None
        return review.Place(self.index, self.face)


@blueprint.get("")
def show_next(job_id: str) -> str:
    """Show the least sure face that nobody has reviewed."""
    return _page(job_id)


@blueprint.post("")
def correct(job_id: str) -> str | WerkzeugResponse:
    """Keep what the person says, and show the next face."""
    verdict = validated(Verdict, request.form.to_dict())
    place = review.Place(verdict.index, verdict.face)
    correct_face(job_id, place, verdict.emotion or None)
    return _answer(job_id, place)


@blueprint.post("/undo")
def undo(job_id: str) -> str | WerkzeugResponse:
    """Take the last verdict of this page back, and show its face again."""
    undo_face(job_id, validated(Undone, request.form.to_dict()).place)
    return _answer(job_id)


def _answer(job_id: str, last: review.Place | None = None) -> str | WerkzeugResponse:
    if is_htmx():
        return _page(job_id, last)
    return redirect(url_for("review.show_next", job_id=job_id), 303)


def _page(job_id: str, last: review.Place | None = None) -> str:
    with services().database.reading() as session:
        job = jobs.get(session, job_id)
        row = review.next_face(session, job)
        return render_template(
            "review_face.html" if is_htmx() else "review.html",
            job=job_view(session, job),
            classes=job.classes,
            folders=class_folders(job),
            row=image_view(row, job) if row is not None else None,
            done=review.count(session, job_id),
            last=last or review.newest(session, job_id),
        )
