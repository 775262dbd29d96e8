"""Labels that people corrected, as files."""

from __future__ import annotations

from collections.abc import Iterator

from apiflask import APIBlueprint
from flask import Response

from semblante import jobs, label_export, uploads
from semblante.storage import StoredSource
from semblante_web.current import services
from semblante_web.download import CSV, as_file
from semblante_web.openapi_problems import problems

blueprint = APIBlueprint("labels", __name__, url_prefix="/api/v1/jobs/<job_id>", tag="Review")


@blueprint.get("/labels.csv")
@blueprint.doc(
    operation_id="downloadLabels",
    responses={200: {"description": "The CSV.", "content": {"text/csv": {}}}}
    | problems("job_not_found"),
)
def download_labels(job_id: str) -> Response:
    """Download what people said about the faces they reviewed, beside what the model said."""
    with services().database.reading() as session:
        job = jobs.get(session, job_id)
        table = label_export.labels_csv(session, job)
    return as_file(job, iter([table]), CSV, "labels.csv")


@blueprint.get("/labels.zip")
@blueprint.doc(
    operation_id="downloadLabelledImages",
    responses={200: {"description": "The zip.", "content": {"application/zip": {}}}}
    | problems("job_not_found", "upload_missing"),
)
def download_images(job_id: str) -> Response:
    """Download the reviewed faces in a folder per class, ready for `semblante train`."""
    database, storage, settings = services().database, services().storage, services().settings
    with database.reading() as session:
        job = jobs.get(session, job_id)
        source = StoredSource(storage, uploads.get(session, job.upload_id).storage_key)

    def body() -> Iterator[bytes]:
        with database.reading() as session:
            yield from label_export.image_folder(session, job, source, settings)

    return as_file(job, body(), "application/zip", "labels.zip")
