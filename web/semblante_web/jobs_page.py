"""The page that lists jobs: newest first, by state and text, with their sums."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import render_template, request
from pydantic import BaseModel, ConfigDict, Field

from semblante import job_list
from semblante.lifecycle import State
from semblante.views import job_view
from semblante_web.access import identity
from semblante_web.current import services
from semblante_web.validation import validated

JOBS_PER_PAGE = 20
blueprint = APIBlueprint("jobs_page", __name__, enable_openapi=False)


class Search(BaseModel):
    """Which jobs to show."""

    model_config = ConfigDict(extra="forbid")

    state: State | None = None
    text: str | None = Field(None, max_length=200)
    after: str | None = None


@blueprint.get("/jobs")
def list_jobs() -> str:
    """Show the newest jobs, and older ones page by page."""
    given = {name: text.strip() for name, text in request.args.items() if name != "lang"}
    search = validated(Search, {name: text for name, text in given.items() if text})
    narrowed = {"state": search.state, "text": search.text}
    owner = identity().only_owner
    with services().database.reading() as session:
        found = job_list.newest(
            session,
            owner=owner,
            state=search.state,
            text=search.text,
            after=search.after,
            limit=JOBS_PER_PAGE + 1,
        )
        views = [job_view(session, job) for job in found[:JOBS_PER_PAGE]]
        sums = job_list.sums(session, owner=owner, state=search.state, text=search.text)
    return render_template(
        "jobs.html",
        jobs=views,
        more=views[-1].id if len(found) > JOBS_PER_PAGE else None,
        search=search,
        chosen={name: value for name, value in narrowed.items() if value},
        sums=sums,
    )
