"""Results as files, literally."""

from __future__ import annotations

import json

from flask.testing import FlaskClient

from semblante.bundles import shipped_bundle
from semblante.services import Services
from semblante.tables import Job

MODEL = shipped_bundle("resnet18-raf7").reference
DIGEST = bytes(range(32)).hex()
HEADER = (
    "image_path,face_id,status,error_code,emotion,confidence,"
    "surprise,fear,disgust,happiness,sadness,anger,neutral,"
    "face_x,face_y,face_w,face_h,face_confidence,width,height,sha256,model\r\n"
)
HAPPY = (
    "caras/niña.jpg,0,ok,,happiness,0.9000,0.0200,0.0200,0.0200,0.9000,0.0200,0.0100,0.0100,"
    f",,,,,32,32,{DIGEST},{MODEL}\r\n"
)
AFRAID = (
    "caras/=cmd.jpg,0,ok,,fear,0.4500,0.1000,0.4500,0.1000,0.1000,0.1000,0.1000,0.0500,"
    f",,,,,32,32,{DIGEST},{MODEL}\r\n"
)
BROKEN = (
    f"caras/broken.png,0,failed,unsupported_format,,,,,,,,,,,,,,,,,{bytes(32).hex()},{MODEL}\r\n"
)


def test_csv(client: FlaskClient, finished_job: Job) -> None:
    answer = client.get(f"/api/v1/jobs/{finished_job.id}/results.csv")
    assert answer.status_code == 200
    assert answer.content_type == "text/csv; charset=utf-8; header=present"
    assert answer.headers["Content-Disposition"] == "attachment; filename=faces-results.csv"
    assert answer.data.decode() == HEADER + HAPPY + AFRAID + BROKEN.replace(
        bytes(32).hex(), "0" * 64
    )


def test_csv_in_spanish(client: FlaskClient, finished_job: Job) -> None:
    text = client.get(f"/api/v1/jobs/{finished_job.id}/results.csv?lang=es").text
    assert text.startswith(HEADER)
    assert text.splitlines()[1] == HAPPY.replace(",happiness,", ",feliz,").rstrip()
    assert text.splitlines()[2] == AFRAID.replace(",fear,", ",miedo,").rstrip()


def test_the_stored_csv_is_served(
    client: FlaskClient, services: Services, finished_job: Job
) -> None:
    services.storage.write(f"results/{finished_job.id}/results.csv", [b"written,by,finish\r\n"])
    address = f"/api/v1/jobs/{finished_job.id}/results.csv"
    answer = client.get(f"{address}?lang=en")
    assert answer.data == b"written,by,finish\r\n"
    assert answer.headers["Content-Length"] == "19"
    assert b"feliz" in client.get(f"{address}?lang=es").data
    assert client.head(address).headers["Content-Length"] == "19"


def test_errors(client: FlaskClient, finished_job: Job) -> None:
    answer = client.get(f"/api/v1/jobs/{finished_job.id}/errors.csv")
    assert answer.headers["Content-Disposition"] == "attachment; filename=faces-errors.csv"
    assert answer.text == HEADER + BROKEN


def test_json_lines(client: FlaskClient, finished_job: Job) -> None:
    answer = client.get(f"/api/v1/jobs/{finished_job.id}/results.jsonl")
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [row["image_path"] for row in rows] == [
        "caras/niña.jpg",
        "caras/=cmd.jpg",
        "caras/broken.png",
    ]
    assert rows[0]["probabilities"]["happiness"] == 0.9
    assert rows[2]["emotion"] is None


def test_summary(client: FlaskClient, finished_job: Job) -> None:
    found = client.get(f"/api/v1/jobs/{finished_job.id}/summary").get_json()
    assert found["counts"] == {
        "total": 3,
        "ok": 2,
        "no_face": 0,
        "failed": 1,
        "skipped": 0,
        "faces": 2,
    }
    assert found["emotions"]["happiness"] == {"faces": 1, "share": 0.5}
    assert found["emotions"]["anger"] == {"faces": 0, "share": 0.0}
    assert found["errors"] == {"unsupported_format": 1}
    assert found["seconds"]["total"] >= 0


def test_unfinished(client: FlaskClient, open_job: Job) -> None:
    for name in ("results.csv", "results.jsonl", "errors.csv", "summary"):
        answer = client.get(f"/api/v1/jobs/{open_job.id}/{name}")
        assert (answer.status_code, answer.get_json()["code"]) == (409, "job_not_finished")
        assert client.get(f"/api/v1/jobs/none/{name}").get_json()["code"] == "job_not_found"
    assert client.get(f"/api/v1/jobs/{open_job.id}/results.csv?lang=fr").status_code == 400
