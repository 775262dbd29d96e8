"""A job's model is found wherever it lies, and waited for where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundle_factory import copy_shipped
from factory import jpeg, reload, submit, zip_bytes
from semblante import jobs, registry
from semblante.bundle_import import discard_unused, import_bundle
from semblante.bundles import Model, shipped_bundle
from semblante.default_model import set_default
from semblante.errors import Unavailable
from semblante.jobs import ModelOfJob
from semblante.predict_requests import PredictRequest
from semblante.services import Services
from semblante.settings import Settings
from semblante.tables import Chunk, Job
from semblante_worker.classify import classify_chunk
from semblante_worker.index import index_job
from semblante_worker.predict import Predictor
from semblante_worker.predict_answers import answers
from semblante_worker.process import start_process


@pytest.fixture
def predictor(services: Services) -> Predictor:
    """A worker process that has loaded nothing yet."""
    return Predictor(services.settings.model_copy(update={"compute_threads": 1}))


def take(services: Services, folder: Path, version: str) -> Model:
    source = copy_shipped(folder, version=version)
    return import_bundle(services.database, services.storage, source)


def begin(services: Services, model: Model) -> Job:
    job = submit(services, zip_bytes({"a.jpg": jpeg()}), model=ModelOfJob.of(model))
    index_job(services, job.id)
    return job


def test_a_job_keeps_its_model(services: Services, predictor: Predictor, tmp_path: Path) -> None:
    old = take(services, tmp_path / "old", "1")
    job = begin(services, old)
    new = take(services, tmp_path / "new", "2")
    with services.database.writing() as session:
        set_default(session, "mine")
        registry.remove(session, old.reference)
    discard_unused(services.database, services.storage)
    classify_chunk(services, predictor, job.id, 0)
    job = reload(services, job)
    assert (job.state, job.ok, job.model) == ("finalizing", 1, old.reference)
    assert predictor.loaded(old.digest) is not None
    assert predictor.loaded(new.digest) is None
    copies = {path.name for path in (services.settings.cache / "models").glob("*[!k]")}
    assert copies == {old.digest}


def test_a_job_without_a_digest_finds_its_model(
    services: Services, predictor: Predictor, tmp_path: Path
) -> None:
    job = begin(services, take(services, tmp_path / "old", "1"))
    with services.database.writing() as session:
        jobs.get(session, job.id).model_sha256 = None
    classify_chunk(services, predictor, job.id, 0)
    assert reload(services, job).ok == 1


def test_a_model_that_the_storage_lacks_is_waited_for(
    services: Services, predictor: Predictor, tmp_path: Path
) -> None:
    model = take(services, tmp_path / "old", "1")
    job = begin(services, model)
    services.storage.delete(f"models/{model.digest}")
    for _attempt in range(services.settings.max_attempts + 1):
        with pytest.raises(Unavailable) as caught:
            classify_chunk(services, predictor, job.id, 0)
        assert caught.value.code == "model_unavailable"
    with services.database.reading() as session:
        chunk = session.get_one(Chunk, (job.id, 0))
        assert (chunk.state, chunk.attempts) == ("pending", 0)
    import_bundle(services.database, services.storage, tmp_path / "old")
    classify_chunk(services, predictor, job.id, 0)
    assert reload(services, job).ok == 1


def test_one_image_by_an_imported_model(
    services: Services, predictor: Predictor, tmp_path: Path
) -> None:
    model = take(services, tmp_path / "old", "1")
    request = PredictRequest(model.digest, "off")
    services.storage.write(request.key, [jpeg()])
    [(_, answer)] = answers(services, predictor, [request])
    assert answer["ok"]["model"] == model.reference


def test_a_process_starts_with_the_default_model(services: Services, tmp_path: Path) -> None:
    model = take(services, tmp_path / "old", "1")
    with services.database.writing() as session:
        set_default(session, "mine")
    process = start_process(services.settings, preload=True)
    assert process.predictor.loaded(model.digest) is not None


@pytest.mark.parametrize("fault", ["unknown", "lost", "no schema"])
def test_a_process_starts_without_its_default_model(
    services: Services, tmp_path: Path, fault: str
) -> None:
    changes: dict[str, object] = {"compute_threads": 1}
    if fault == "unknown":
        changes["model"] = "nobody"
    elif fault == "lost":
        model = take(services, tmp_path / "old", "1")
        services.storage.delete(f"models/{model.digest}")
        changes["model"] = "mine"
    else:
        changes["database_url"] = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    settings: Settings = services.settings.model_copy(update=changes)
    process = start_process(settings, preload=True)
    shipped = shipped_bundle("resnet18-raf7")
    assert process.predictor.loaded(shipped.digest) is None
    assert len(process.predictor.predict_one(jpeg(), shipped)) == 1
