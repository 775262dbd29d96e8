"""Results as files, literally."""

from __future__ import annotations

import io
import json

import pytest
from flask.testing import FlaskClient
from pyarrow import parquet

from semblante import jobs, uploads
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


@pytest.mark.parametrize(
    ("filename", "names"),
    [
        (
            "niñas 2.zip",
            "filename=\"ninas 2-errors.csv\"; filename*=UTF-8''ni%C3%B1as%202-errors.csv",
        ),
        ("日本.zip", "filename=ID-errors.csv; filename*=UTF-8''%E6%97%A5%E6%9C%AC-errors.csv"),
        ("nin\u0303o.zip", "filename=nino-errors.csv; filename*=UTF-8''nin%CC%83o-errors.csv"),
        ("a\nb\x7f\ud800.zip", "filename=ab-errors.csv"),
        (".zip", "filename=ID-errors.csv"),
    ],
)
def test_any_name_goes_into_the_header(
    client: FlaskClient, services: Services, finished_job: Job, filename: str, names: str
) -> None:
    with services.database.writing() as session:
        jobs.get(session, finished_job.id).filename = uploads.clean_filename(filename)
    answer = client.get(f"/api/v1/jobs/{finished_job.id}/errors.csv")
    expected = f"attachment; {names}".replace("ID", finished_job.id)
    assert answer.headers["Content-Disposition"] == expected
    assert expected.isascii()


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


DEEPFACE = (
    "img_path,emotion.angry,emotion.disgust,emotion.fear,emotion.happy,emotion.sad,"
    "emotion.surprise,emotion.neutral,dominant_emotion,region.x,region.y,region.w,region.h,"
    "face_confidence\r\n"
    "caras/niña.jpg,1.0,2.0,2.0,90.0,2.0,2.0,1.0,happy,,,,,\r\n"
    "caras/=cmd.jpg,10.0,10.0,45.0,10.0,10.0,10.0,5.0,fear,,,,,\r\n"
    "caras/broken.png,,,,,,,,,,,,,\r\n"
)
PY_FEAT = (
    "FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,"
    "anger,disgust,fear,happiness,sadness,surprise,neutral,input,frame\r\n"
    ",,,,,0.01,0.02,0.02,0.9,0.02,0.02,0.01,caras/niña.jpg,0\r\n"
    ",,,,,0.1,0.1,0.45,0.1,0.1,0.1,0.05,caras/=cmd.jpg,1\r\n"
    ",,,,,,,,,,,,caras/broken.png,2\r\n"
)


@pytest.mark.parametrize(("profile", "text"), [("deepface", DEEPFACE), ("py-feat", PY_FEAT)])
def test_columns_of_other_tools(
    client: FlaskClient, finished_job: Job, profile: str, text: str
) -> None:
    address = f"/api/v1/jobs/{finished_job.id}/results"
    assert client.get(f"{address}.csv?profile={profile}").data.decode() == text
    lines = client.get(f"{address}.jsonl?profile={profile}").text.splitlines()
    columns = text.splitlines()[0].split(",")
    assert [list(json.loads(line)) for line in lines] == [columns] * 3
    table = parquet.read_table(io.BytesIO(client.get(f"{address}.parquet?profile={profile}").data))
    assert table.to_pylist() == [json.loads(line) for line in lines]


def test_parquet_has_the_typed_columns_of_the_csv(client: FlaskClient, finished_job: Job) -> None:
    answer = client.get(f"/api/v1/jobs/{finished_job.id}/results.parquet?lang=es")
    assert answer.content_type == "application/vnd.apache.parquet"
    assert "faces-results.parquet" in answer.headers["Content-Disposition"]
    table = parquet.read_table(io.BytesIO(answer.data))
    assert table.column_names == HEADER.strip().split(",")
    assert table["emotion"].to_pylist() == ["feliz", "miedo", None]
    assert table["confidence"].to_pylist() == [0.9, 0.45, None]
    assert [str(table.schema.field(name).type) for name in ("face_id", "width", "fear")] == [
        "int64",
        "int64",
        "double",
    ]


def test_an_unknown_profile_is_refused(client: FlaskClient, finished_job: Job) -> None:
    answer = client.get(f"/api/v1/jobs/{finished_job.id}/results.csv?profile=excel")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")
