"""The page where a person gives a key, which a signed cookie then stands for."""

from __future__ import annotations

from datetime import timedelta

from apiflask import APIBlueprint
from flask import Flask, redirect, render_template, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from werkzeug.wrappers import Response

from semblante import audit
from semblante.binding import needs_login
from semblante.secret import signing_secret
from semblante.settings import Settings
from semblante_web.current import services
from semblante_web.identity import by_token, to_cookie
from semblante_web.quotas import limit_rate

MAX_TOKEN = 512
LOGINS_PER_MINUTE = 30
"""Of one address, right or wrong."""
blueprint = APIBlueprint("login_page", __name__, enable_openapi=False)


class _Sessions(SecureCookieSessionInterface):
    """Cookies that a browser never sends without encryption once it got them encrypted."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002
        return request.is_secure


def register_sessions(app: Flask, settings: Settings) -> None:
    """Have `app` keep who has logged in, in a cookie hidden from scripts and other sites."""
    app.secret_key = signing_secret(settings)
    app.session_interface = _Sessions()
    app.config.update(
        SESSION_COOKIE_NAME="semblante",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.session_hours),
    )


@blueprint.get("/login")
def show_login() -> str | Response:
    """Show where to give the key."""
    with services().database.reading() as database:
        if not needs_login(database, services().settings):
            return redirect(_next())
    return render_template("login.html", next=_next())


@blueprint.post("/login")
def log_in() -> Response | tuple[str, int]:
    """Set the cookie and go to the page that was wanted, if the key is right."""
    limit_rate(services(), f"login {request.remote_addr}", LOGINS_PER_MINUTE)
    token = request.form.get("key", "").strip()[:MAX_TOKEN]
    with services().database.writing() as database:
        found = by_token(database, services().settings, token)
        actor = found.name if found else ""
        action = "login" if found else "login_refused"
        audit.record(database, actor, request.remote_addr or "", action)
    if found is None:
        return render_template("login.html", next=_next(), refusal="unauthorized"), 401
    session.clear()
    session.permanent = True
    session.update(to_cookie(found))
    return redirect(_next(), 303)


@blueprint.post("/logout")
def log_out() -> Response:
    """Forget who has logged in."""
    session.clear()
    return redirect(url_for("login_page.show_login"), 303)


def _next() -> str:
    """Return the page to go on with: one of this server, whatever the request says."""
    wanted = request.values.get("next", "")
    # A browser reads `//host` and `/\host` as another server.
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_ours and wanted.isprintable() else url_for("pages.show_upload")
