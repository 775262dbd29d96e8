"""The page of the webhooks' secret, and the button that has an event sent again."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import redirect, render_template, url_for
from werkzeug.wrappers import Response

from semblante_web.webhooks_api import own_secret, replace_own_secret, send_again

blueprint = APIBlueprint("webhooks_page", __name__, enable_openapi=False)


@blueprint.get("/webhooks")
def show_secret() -> str:
    """Show what signs the webhooks of the person's jobs."""
    return render_template("webhooks.html", secret=own_secret())


@blueprint.post("/webhooks")
def replace_secret() -> Response:
    """Make another secret."""
    replace_own_secret()
    return redirect(url_for("webhooks_page.show_secret"), 303)


@blueprint.post("/jobs/<job_id>/webhooks/<event_id>/resend")
def resend_event(job_id: str, event_id: str) -> Response:
    """Deliver an event once more, now."""
    send_again(job_id, event_id)
    return redirect(url_for("pages.show_job", job_id=job_id), 303)
