"""What a request may do: who sends it, which scope that takes, and whose job or upload it names.

Every address with a job's or an upload's id is checked here, before its function runs: one that is
added later cannot forget to.
"""

from __future__ import annotations

from flask import Flask, g, redirect, request, session, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from semblante import audit, jobs, keys, uploads
from semblante.binding import needs_login
from semblante.settings import Settings
from semblante.tables import Job, Scope, Upload
from semblante_web import identity as identities
from semblante_web.cors import allows_origin, refuse_unnamed
from semblante_web.current import services
from semblante_web.guard import SAFE_METHODS
from semblante_web.htmx import is_htmx
from semblante_web.identity import ANYBODY, Identity
from semblante_web.problems import is_for_program
from semblante_web.quotas import limit_rate
from semblante_web.refusals import Forbidden, KeyMissing

PUBLIC_ENDPOINTS = frozenset(
    {"static", "health.is_alive", "health.is_ready", "pages.show_favicon"}
    | {"login_page.show_login", "login_page.log_in", "login_page.log_out"}
)


def register_access(app: Flask) -> None:
    """Check every request of `app`; its templates know `identity`."""
    app.before_request(_check_access)
    app.context_processor(lambda: {"identity": g.get("identity", ANYBODY)})


def identity() -> Identity:
    """Return who sends the request at hand."""
    found: Identity = g.identity
    return found


def require(scope: Scope) -> None:
    """Let only those go on whose key has `scope`.

    Raises:
        Forbidden: `forbidden`.
    """
    if not identity().allows(scope):
        raise Forbidden("forbidden", "This needs a key with the scope %(scope)r.", scope=scope)


def record(session: Session, action: str, subject: str = "") -> None:
    """Write into the audit log what the sender of the request does, in its transaction."""
    audit.record(session, identity().name, request.remote_addr or "", action, subject)


def _check_access() -> Response | None:
    if request.endpoint in PUBLIC_ENDPOINTS:
        return None
    with services().database.reading() as database:
        found = _identify(database, services().settings)
        if found is None:
            return _ask_for_key()
        g.identity = found
        refuse_unnamed(found, services().settings)
        _refuse_unnamed_origin(found)
        require("read" if request.method in SAFE_METHODS else "submit")
        _check_owner(database)
    if found.scope != "admin":
        limit_rate(services(), f"key {found.name}", services().settings.key_requests_per_minute)
    if found.key is not None and keys.is_use_to_note(found.key):
        with services().database.writing() as database:
            keys.note_use(database, found.key)
            record(database, "key_use", found.name)
    return None


def _identify(database: Session, settings: Settings) -> Identity | None:
    if not needs_login(database, settings):
        return ANYBODY
    given = request.authorization
    if given is not None:
        is_bearer = given.type == "bearer" and given.token
        return identities.by_token(database, settings, given.token or "") if is_bearer else None
    # A page of another origin has its own key, or none: a cookie is for our pages.
    by_page = not allows_origin(settings)
    return identities.by_cookie(database, settings, session) if by_page else None


def _ask_for_key() -> Response:
    if is_for_program() or request.method not in SAFE_METHODS:
        raise KeyMissing(
            "unauthorized",
            "Send a key that is in force as `Authorization: Bearer`, or log in at /login.",
            {"WWW-Authenticate": "Bearer"},
        )
    if is_htmx():
        return Response(status=401, headers={"HX-Redirect": url_for("login_page.show_login")})
    wanted = request.full_path.rstrip("?")
    return redirect(url_for("login_page.show_login", next=wanted), 303)


def _refuse_unnamed_origin(found: Identity) -> None:
    """Take changes by cookie only with the headers by which `guard.py` knows a foreign page."""
    is_change = request.method not in SAFE_METHODS
    if (
        found.by_cookie
        and is_change
        and not {"Sec-Fetch-Site", "Origin"} & {*request.headers.keys()}
    ):
        raise Forbidden("foreign_origin", "A change by a browser must carry Origin.")


def _check_owner(database: Session) -> None:
    """Refuse a job or an upload of another owner as if there were none."""
    if identity().scope == "admin":  # sees those of all owners
        return
    names = request.view_args or {}
    for name, table, missing in (
        ("job_id", Job, jobs.missing),
        ("other_id", Job, jobs.missing),
        ("upload_id", Upload, uploads.missing),
    ):
        if name in names:
            owner = database.scalar(select(table.owner).where(table.id == names[name]))
            if owner is not None and not identity().sees(owner):
                raise missing(names[name])
