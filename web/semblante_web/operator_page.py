"""The operator's page: queues, workers, jobs and failures of the whole stack, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from apiflask import APIBlueprint
from flask import render_template, url_for
from werkzeug.wrappers import Response

from semblante import pausing, workers
from semblante.errors import Unavailable
from semblante.overview import Overview, overview
from semblante.queue import QueueName
from semblante.services import Services
from semblante_web.access import record, require
from semblante_web.current import services
from semblante_web.htmx import go_to, is_htmx

blueprint = APIBlueprint("operator", __name__, url_prefix="/operator", enable_openapi=False)


@dataclass(frozen=True)
class OperatorPage:
    """What the page shows."""

    found: Overview
    depths: Mapping[QueueName, int] | None
    """Messages that wait; None while the broker does not answer."""


@blueprint.before_request
def _admins_only() -> None:
    require("admin")


@blueprint.get("")
def show_page() -> str:
    """Show the whole stack."""
    return render_template("operator.html", page=_page(services()), is_lost=workers.is_lost)


@blueprint.get("/live")
def show_live_part() -> str:
    """Show the part of the page that changes; the page asks for it again and again."""
    return render_template("operator_live.html", page=_page(services()), is_lost=workers.is_lost)


@blueprint.post("/<any(pause, resume):action>")
def change_all(action: str) -> str | Response:
    """Pause the labelling of all jobs, or let it go on."""
    with services().database.writing() as session:
        if action == "pause":
            pausing.pause_all(session)
        else:
            pausing.end_pause(session)
            services().queue.send_on_commit(session, "semblante.sweep")  # which queues chunks
        record(session, f"{action}_all")
    return _done()


@blueprint.post("/workers/<name>/<any(drain, undrain):action>")
def change_worker(name: str, action: str) -> str | Response:
    """Let a worker finish its chunk and take no more, or let it take work again."""
    with services().database.writing() as session:
        workers.set_draining(session, name, action == "drain")
        record(session, action, name)
    return _done()


def _done() -> str | Response:
    if is_htmx():
        return show_live_part()
    return go_to(url_for("operator.show_page"))


def _page(services: Services) -> OperatorPage:
    with services.database.reading() as session:
        return OperatorPage(overview(session), _depths(services))


def _depths(services: Services) -> Mapping[QueueName, int] | None:
    try:
        return {queue: services.queue.depth(queue) for queue in get_args(QueueName)}
    except Unavailable:
        return None
