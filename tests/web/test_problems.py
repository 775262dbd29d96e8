"""Errors: problem+json for programs, a page for people, the same code for both."""

from __future__ import annotations

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from factory import submit
from semblante import jobs
from semblante.archive.directory import corrupt
from semblante.database import Database
from semblante.errors import ArchiveError
from semblante.message import Message
from semblante.migrations import upgrade
from semblante.services import Services
from semblante_web.app import create_app


def test_a_problem_of_the_api(client: FlaskClient) -> None:
    answer = client.get("/api/v1/jobs/none")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert answer.get_json() == {
        "type": "/errors#job_not_found",
        "title": "No such job.",
        "status": 404,
        "code": "job_not_found",
        "detail": "There is no job none.",
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("PUT", "/api/v1/jobs", 405, "method_not_allowed"),
        ("GET", "/api/v1/jobs?limit=0", 400, "invalid_request"),
        ("GET", "/api/v1/jobs?limit=501", 400, "invalid_request"),
        ("GET", "/api/v1/jobs?limit=ten", 400, "invalid_request"),
        ("GET", "/api/v1/jobs?state=done", 400, "invalid_request"),
        ("GET", "/api/v1/jobs?sort=name", 400, "invalid_request"),
        ("GET", "/api/v1/models/none", 404, "model_not_found"),
        ("DELETE", "/api/v1/jobs/none", 404, "job_not_found"),
    ],
)
def test_codes(client: FlaskClient, method: str, path: str, status: int, code: str) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.get_json()["status"], answer.get_json()["code"]) == (
        status,
        status,
        code,
    )
    assert answer.content_type == "application/problem+json"


def test_the_field_is_named(client: FlaskClient) -> None:
    detail = client.get("/api/v1/jobs?limit=0").get_json()["detail"]
    assert detail == "query.limit: Input should be greater than or equal to 1"


@pytest.mark.parametrize(
    ("path", "title", "detail"),
    [
        ("/api/v1/jobs/none", "Ese trabajo no existe.", "No existe el trabajo none."),
        (
            "/api/v1/jobs?state=x&limit=0",
            "La solicitud no tiene",
            "query.state: El valor debe ser uno de 'validating', 'in_progress', 'finalizing', ",
        ),
        ("/api/v1/none", "Esa dirección no existe.", "No hay nada en esta dirección"),
        ("/api/v1/models/x", "", "Ningún modelo se llama 'x'. Hay: "),
    ],
)
def test_a_problem_in_spanish(client: FlaskClient, path: str, title: str, detail: str) -> None:
    answer = client.get(path, headers={"Accept-Language": "es-MX, en;q=0.5"})
    problem = answer.get_json()
    assert problem["title"].startswith(title)
    assert problem["detail"].startswith(detail)
    assert "Accept-Language" in answer.headers["Vary"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            corrupt(Message("its gzip bytes are damaged (%(reason)s)", reason="-3")),
            "El archivo no se puede leer: sus bytes de gzip están dañados (-3).",
        ),
        (
            ArchiveError("no_images", "The upload holds no image that Semblante reads."),
            "Lo subido no contiene ninguna imagen que Semblante lea.",
        ),
    ],
)
def test_why_a_job_failed_in_spanish(
    client: FlaskClient, services: Services, error: ArchiveError, told: str
) -> None:
    job = submit(services, b"x")
    with services.database.writing() as session:
        jobs.fail(session, jobs.get(session, job.id), error.code, error.said)
    spanish = {"Accept-Language": "es"}
    address = f"/api/v1/jobs/{job.id}"
    assert client.get(address, headers=spanish).get_json()["error"]["detail"] == told
    [listed] = client.get("/api/v1/jobs", headers=spanish).get_json()["items"]
    assert listed["error"]["detail"] == told
    assert told in client.get(f"/jobs/{job.id}", headers=spanish).text
    assert client.get(address).get_json()["error"]["detail"] == error.message


def test_a_page_for_people(client: FlaskClient) -> None:
    answer = client.get("/jobs/none", headers={"Accept": "text/html", "Accept-Language": "es"})
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "Ese trabajo no existe." in answer.text
    assert (
        client.get("/none", headers={"Accept": "application/json"}).get_json()["code"]
        == "not_found"
    )


def test_a_defect_is_answered_and_tells_nothing(app: APIFlask, client: FlaskClient) -> None:
    @app.get("/api/v1/defect")
    def fail() -> str:
        raise RuntimeError("the password is 1234")

    answer = client.get("/api/v1/defect")
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal_error")
    assert "1234" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/v1/jobs/%00", None, 400),
        ("GET", "/jobs/%00", None, 400),
        ("GET", "/api/v1/jobs?after=%00", None, 400),
        ("POST", "/api/v1/jobs", {"upload_id": "\0"}, 400),
        ("GET", "/api/v1/models/%00", None, 404),
    ],
)
def test_a_value_that_postgresql_cannot_hold(
    services: Services, postgresql: str, method: str, path: str, body: object, status: int
) -> None:
    upgrade(postgresql)
    database = Database(postgresql)
    # Whatever keys other tests left in this database.
    settings = services.settings.model_copy(update={"login": "off"})
    strict = Services(settings, database, services.storage, services.queue)
    answer = create_app(settings, strict).test_client().open(path, method=method, json=body)
    database.dispose()
    assert answer.status_code == status
