"""The Flask application: pages and API."""

from __future__ import annotations

from apiflask import APIFlask
from werkzeug.middleware.proxy_fix import ProxyFix

from semblante.services import Services, open_services
from semblante.settings import Settings
from semblante_web import (
    audit_api,
    compare_page,
    corrections_api,
    docs,
    download,
    gallery_page,
    health,
    images_api,
    jobs_api,
    jobs_page,
    keys_page,
    labels_api,
    live_page,
    login_page,
    metrics,
    models_api,
    models_page,
    operator_page,
    pages,
    pictures_api,
    predict_api,
    predict_page,
    review_page,
    truth_api,
    upload,
    webhooks_api,
    webhooks_page,
)
from semblante_web.access import register_access
from semblante_web.cors import register_cors
from semblante_web.current import attach
from semblante_web.guard import register_guard
from semblante_web.job_waiting import register_seats
from semblante_web.json_bodies import register_json
from semblante_web.language import register_language
from semblante_web.login_page import register_sessions
from semblante_web.openapi import configure_openapi
from semblante_web.problems import register_problems
from semblante_web.recent_views import register_recent_views
from semblante_web.showing import register_filters
from semblante_web.tracing import trace_requests

FORM_OVERHEAD_BYTES = 1024 * 1024
MAX_FORM_PARTS = 20_000


def create_app(settings: Settings, services: Services | None = None) -> APIFlask:
    """Return the application over `services`, by default those that `settings` describe.

    Raises:
        Unavailable: `broker_unavailable`, when no broker is named.
    """
    app = APIFlask(
        __name__,
        title="Semblante",
        spec_path="/api/v1/openapi.json",
        docs_path=None,
        json_errors=False,
    )
    hops = settings.proxy_hops
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    register_sessions(app, settings)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_upload_bytes + FORM_OVERHEAD_BYTES
    app.config["MAX_FORM_PARTS"] = MAX_FORM_PARTS
    register_json(app)
    attach(app, services or open_services(settings))
    register_seats(app, settings)
    register_recent_views(app)
    trace_requests(app)
    register_guard(app)
    register_cors(app)
    register_access(app)
    register_problems(app)
    configure_openapi(app)
    register_language(app)
    register_filters(app)
    app.register_blueprint(upload.blueprint)
    app.register_blueprint(jobs_api.blueprint)
    app.register_blueprint(download.blueprint)
    app.register_blueprint(images_api.blueprint)
    app.register_blueprint(pictures_api.blueprint)
    app.register_blueprint(labels_api.blueprint)
    app.register_blueprint(corrections_api.blueprint)
    app.register_blueprint(truth_api.blueprint)
    app.register_blueprint(predict_api.blueprint)
    app.register_blueprint(models_api.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    app.register_blueprint(docs.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(jobs_page.blueprint)
    app.register_blueprint(models_page.blueprint)
    app.register_blueprint(gallery_page.blueprint)
    app.register_blueprint(review_page.blueprint)
    app.register_blueprint(compare_page.blueprint)
    app.register_blueprint(predict_page.blueprint)
    app.register_blueprint(live_page.blueprint)
    app.register_blueprint(login_page.blueprint)
    app.register_blueprint(operator_page.blueprint)
    app.register_blueprint(keys_page.blueprint)
    app.register_blueprint(audit_api.blueprint)
    app.register_blueprint(webhooks_api.blueprint)
    app.register_blueprint(webhooks_page.blueprint)
    return app
