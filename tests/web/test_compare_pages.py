"""Comparing and reviewing without JavaScript."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete

from semblante.services import Services
from semblante.tables import Job, Result

HTMX = {"HX-Request": "true"}


def attach(client: FlaskClient, job: Job, table: bytes) -> tuple[int, str]:
    form = {"file": (io.BytesIO(table), "truth.csv")}
    answer = client.post(f"/jobs/{job.id}/compare", data=form)
    return answer.status_code, answer.text


def test_a_truth_gives_figures_and_cells_lead_to_images(
    client: FlaskClient, finished_job: Job
) -> None:
    address = f"/jobs/{finished_job.id}/compare"
    assert "Attach a truth" in client.get(address).text
    table = "image_path,emotion\ncaras/niña.jpg,feliz\ncaras/=cmd.jpg,3\ncaras/broken.png,anger\n"
    assert attach(client, finished_job, table.encode())[0] == 303
    page = client.get(address).text
    assert "33.3%" in page
    links = [one.replace("&amp;", "&") for one in re.findall(r'<a href="([^"]+truth=[^"]+)"', page)]
    assert len(links) == 3
    pages = "".join(client.get(link).text for link in links)
    shown = set(re.findall(r'class="tile-path" title="([^"]+)"', pages))
    assert shown == {"caras/niña.jpg", "caras/=cmd.jpg", "caras/broken.png"}


@pytest.mark.parametrize(
    ("table", "status", "code"),
    [
        (b"\xff\xfe", 400, "bad_table"),
        (b"image_path,emotion\r\nx,hunger\r\n", 400, "unknown_class"),
        (b"image_path,emotion\r\nx,anger\r\n", 400, "nothing_to_measure"),
    ],
)
def test_a_bad_table_is_explained(
    client: FlaskClient, finished_job: Job, table: bytes, status: int, code: str
) -> None:
    got, page = attach(client, finished_job, table)
    assert got == status
    assert f"<code>{code}</code>" in page


def test_folders_without_classes_and_no_file_are_explained(
    client: FlaskClient, finished_job: Job, open_job: Job
) -> None:
    address = f"/jobs/{finished_job.id}/compare"
    assert "nothing_to_measure" in client.post(address, data={"source": "folders"}).text
    assert "no_file" in client.post(address).text
    unfinished = client.post(f"/jobs/{open_job.id}/compare", data={"source": "folders"})
    assert (unfinished.status_code, "job_not_finished" in unfinished.text) == (409, True)


def test_jobs_over_other_uploads_are_refused(
    client: FlaskClient, finished_job: Job, open_job: Job
) -> None:
    assert client.get(f"/jobs/{finished_job.id}/compare/{open_job.id}").status_code == 400
    assert client.get(f"/jobs/{finished_job.id}/compare/none").status_code == 404


def test_rows_that_name_no_image_are_told(client: FlaskClient, finished_job: Job) -> None:
    table = b"image_path,emotion\ncaras/=cmd.jpg,3\nelse.jpg,3\nother.jpg,3\n"
    form = {"file": (io.BytesIO(table), "truth.csv")}
    address = f"/jobs/{finished_job.id}/compare"
    page = client.post(address, data=form, follow_redirects=True).text
    assert "2 rows of the table name no image of this job." in page
    assert "no image of this job" not in client.get(f"{address}?unknown=x").text


def test_jobs_without_a_common_face_do_not_agree(
    client: FlaskClient, services: Services, finished_job: Job, open_job: Job
) -> None:
    with services.database.writing() as session:
        session.get_one(Job, open_job.id).upload_id = finished_job.upload_id
    page = client.get(f"/jobs/{finished_job.id}/compare/{open_job.id}").text
    assert "There is no face that both jobs labelled." in page
    assert "the same labels" not in page


def test_a_running_job_is_not_reviewed_to_its_end(client: FlaskClient, open_job: Job) -> None:
    page = client.get(f"/jobs/{open_job.id}/review").text
    assert "No face waits for a review." in page
    assert "All done" not in page


def test_an_expired_job_says_that_its_results_are_gone(
    client: FlaskClient, services: Services, finished_job: Job
) -> None:
    with services.database.writing() as session:
        session.get_one(Job, finished_job.id).state = "expired"
        session.execute(delete(Result).where(Result.job_id == finished_job.id))
    for page in ("", "/images", "/review"):
        text = client.get(f"/jobs/{finished_job.id}{page}").text
        assert "its images and results are gone." in text
        assert "All done" not in text


def test_a_job_agrees_with_itself(client: FlaskClient, finished_job: Job) -> None:
    page = client.get(f"/jobs/{finished_job.id}/compare/{finished_job.id}").text
    assert "100%" in page
    assert "Both jobs gave these faces the same labels." in page


def face_in(page: str) -> str:
    found = re.search(r'<figcaption class="job-meta">([^<]+)<', page)
    return found[1] if found else ""


def test_reviewing_and_taking_back(client: FlaskClient, finished_job: Job) -> None:
    address = f"/jobs/{finished_job.id}/review"
    page = client.get(address).text
    assert face_in(page) == "caras/=cmd.jpg"
    assert "0 of 2 faces reviewed" in page
    verdict = {"index": "1", "face": "0", "emotion": "anger"}
    answer = client.post(address, data=verdict)
    assert (answer.status_code, answer.headers["Location"]) == (303, address)
    following = client.post(address, data={"index": "0", "face": "0", "emotion": ""}, headers=HTMX)
    assert "All done" in following.text
    assert "<html" not in following.text
    labels = client.get(f"/api/v1/jobs/{finished_job.id}/labels.csv")
    assert labels.text.splitlines()[1:] == ["caras/=cmd.jpg,0,anger,fear,0.4500"]
    images = client.get(f"/api/v1/jobs/{finished_job.id}/labels.zip")
    with zipfile.ZipFile(io.BytesIO(images.data)) as archive:
        assert archive.namelist() == ["6/1-0-=cmd.jpg"]
    back = client.post(f"{address}/undo", headers=HTMX).text
    assert face_in(back) == "caras/niña.jpg"


def test_taking_back_spares_what_another_person_said(
    client: FlaskClient, finished_job: Job
) -> None:
    address = f"/jobs/{finished_job.id}/review"
    verdict = {"index": "1", "face": "0", "emotion": "anger"}
    mine = client.post(address, data=verdict, headers=HTMX).text
    client.post(address, data={**verdict, "index": "0"})  # another person, meanwhile
    undo = re.search(r'<form [^>]+/undo".+?</form>', mine, re.DOTALL)
    assert undo is not None
    form = dict(re.findall(r'name="(\w+)" value="(\d+)"', undo[0]))
    assert form == {"index": "1", "face": "0"}
    back = client.post(f"{address}/undo", data=form, headers=HTMX).text
    assert (face_in(back), "1 of 2 faces reviewed" in back) == ("caras/=cmd.jpg", True)
    client.post(f"{address}/undo", data=form)  # once more: nothing is left to take back
    assert "1 of 2 faces reviewed" in client.get(address).text
    assert client.post(f"{address}/undo", data={"index": "x"}).status_code == 400


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"index": "1", "face": "0"}, 400),
        ({"index": "x", "face": "0", "emotion": "fear"}, 400),
        ({"index": "1", "face": "99999", "emotion": "fear"}, 400),
        ({"index": "1", "face": "0", "emotion": "hunger"}, 400),
        ({"index": "2", "face": "0", "emotion": "fear"}, 404),
        ({"index": "9", "face": "0", "emotion": "fear"}, 404),
    ],
)
def test_bad_verdicts_are_refused(
    client: FlaskClient, services: Services, finished_job: Job, form: dict[str, str], status: int
) -> None:
    assert client.post(f"/jobs/{finished_job.id}/review", data=form).status_code == status
