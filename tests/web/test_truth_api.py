"""Truths, agreement and corrections for programs, and what the audit log keeps of them."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from semblante import truth
from semblante.services import Services
from semblante.tables import Job

TABLE = "image_path,emotion\ncaras/niña.jpg,feliz\ncaras/=cmd.jpg,3\nother.jpg,anger\n"


def actions(client: FlaskClient) -> list[str]:
    log = client.get("/api/v1/audit").get_json()["items"]
    return [entry["action"] for entry in reversed(log)]


def test_a_truth_is_attached_read_and_removed(client: FlaskClient, finished_job: Job) -> None:
    address = f"/api/v1/jobs/{finished_job.id}/truth"
    assert client.get(address).get_json() == {"images": 0, "unknown": 0, "matrix": None}
    sent = client.put(address, data=TABLE.encode(), content_type="text/csv; charset=utf-8")
    found = sent.get_json()
    assert (sent.status_code, found["images"], found["unknown"]) == (200, 2, 1)
    matrix = found["matrix"]
    assert (matrix["total"], matrix["agreement"], matrix["mean_recall"]) == (2, 0.5, 0.5)
    at = matrix["counts"][matrix["rows"].index("disgust")][matrix["columns"].index("fear")]
    assert at == 1
    assert matrix["classes"]["happiness"] == {"support": 1, "recall": 1.0, "precision": 1.0}
    assert client.get(address).get_json() == found | {"unknown": 0}
    assert client.delete(address).status_code == 204
    assert client.get(address).get_json()["images"] == 0
    assert actions(client) == ["truth", "truth_delete"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"", "text/csv", 400, "bad_table"),
        (b"\xff\xfe\x00", "text/csv", 400, "bad_table"),
        (b"image_path,emotion\nx,hunger\n", "text/csv", 400, "unknown_class"),
        (b"image_path,emotion\nx,anger\n", "text/csv", 400, "nothing_to_measure"),
        (b"image_path,emotion\n", "text/csv", 400, "empty_dataset"),
        (b'{"source": "folders"}', "application/json", 400, "nothing_to_measure"),
        (b'{"source": "tea"}', "application/json", 400, "invalid_request"),
        (b"x", "text/plain", 415, "wrong_content_type"),
    ],
)
def test_bad_truths(
    client: FlaskClient, finished_job: Job, body: bytes, kind: str, status: int, code: str
) -> None:
    address = f"/api/v1/jobs/{finished_job.id}/truth"
    answer = client.put(address, data=body, content_type=kind)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert actions(client) == []


def test_a_truth_needs_a_completed_job(client: FlaskClient, open_job: Job) -> None:
    address = f"/api/v1/jobs/{open_job.id}/truth"
    answer = client.put(address, json={"source": "folders"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "job_not_finished")


def test_two_jobs_over_an_upload(client: FlaskClient, finished_job: Job, open_job: Job) -> None:
    address = f"/api/v1/jobs/{finished_job.id}/agreement"
    same = client.get(f"{address}/{finished_job.id}").get_json()
    assert (same["matrix"]["agreement"], same["items"], same["next"]) == (1.0, [], None)
    pair = client.get(f"{address}/{finished_job.id}?mine=fear&theirs=fear").get_json()
    assert [face["other_emotion"] for face in pair["items"]] == ["fear"]
    assert client.get(f"{address}/{open_job.id}").get_json()["code"] == "invalid_request"
    assert client.get(f"{address}/none").status_code == 404


def test_corrections_from_the_queue_to_their_list(
    client: FlaskClient, finished_job: Job, services: Services
) -> None:
    address = f"/api/v1/jobs/{finished_job.id}"
    queue = f"{address}/images?order=doubt&is_reviewed=false"
    assert [row["emotion"] for row in client.get(queue).get_json()["items"]] == [
        "fear",
        "happiness",
    ]
    assert client.put(f"{address}/corrections/1/0", json={"emotion": "anger"}).status_code == 204
    assert client.put(f"{address}/corrections/0/0", json={"emotion": None}).status_code == 204
    assert client.get(queue).get_json()["items"] == []
    first = client.get(f"{address}/corrections?limit=1").get_json()
    assert [(one["index"], one["emotion"]) for one in first["items"]] == [(0, None)]
    second = client.get(f"{address}/corrections?after={first['next']}").get_json()
    assert [(one["index"], one["emotion"]) for one in second["items"]] == [(1, "anger")]
    assert second["next"] is None
    assert client.delete(f"{address}/corrections/1/0").status_code == 204
    assert client.delete(f"{address}/corrections/1/0").status_code == 404
    assert actions(client) == ["correct", "correct", "correct_undo"]


@pytest.mark.parametrize(
    ("place", "body", "status", "code"),
    [
        ("0/0", {"emotion": "hunger"}, 400, "unknown_class"),
        ("0/0", {}, 400, "invalid_request"),
        ("2/0", {"emotion": "fear"}, 404, "image_not_found"),
        ("0/9", {"emotion": "fear"}, 404, "image_not_found"),
        (f"{2**64}/0", {"emotion": "fear"}, 404, "image_not_found"),
        (f"0/{2**20}", {"emotion": "fear"}, 404, "image_not_found"),
    ],
)
def test_bad_corrections(
    client: FlaskClient,
    finished_job: Job,
    place: str,
    body: dict[str, str],
    status: int,
    code: str,
) -> None:
    answer = client.put(f"/api/v1/jobs/{finished_job.id}/corrections/{place}", json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_the_pages_leave_entries_too(client: FlaskClient, finished_job: Job) -> None:
    address = f"/jobs/{finished_job.id}/review"
    client.post(address, data={"index": "0", "face": "0", "emotion": "happiness"})
    client.post(f"{address}/undo")
    client.post(f"{address}/undo")  # nothing is left to take back
    assert actions(client) == ["correct", "correct_undo"]


def test_a_table_is_read_before_others_must_wait(
    services: Services, client: FlaskClient, finished_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = truth.read_labels

    def read_while_another_writes(job: Job, *rest: Any) -> truth.Labels:
        with services.database.writing() as session:
            session.get_one(Job, job.id).skipped += 1
        return read(job, *rest)

    monkeypatch.setattr(truth, "read_labels", read_while_another_writes)
    table = b"image_path,emotion\ncaras/=cmd.jpg,3\n"
    address = f"/api/v1/jobs/{finished_job.id}/truth"
    answer = client.put(address, data=table, content_type="text/csv")
    assert (answer.status_code, answer.get_json()["images"]) == (200, 1)
