"""The client against the real web application."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest
from werkzeug.serving import make_server

from factory import jpeg, zip_bytes
from semblante.bundles import shipped_bundles
from semblante.client import Client
from semblante.errors import Conflict, NotFound, Refused, Unauthorized
from semblante.services import Services
from semblante.tus_upload import VERSION
from semblante.upload_note import UploadNote
from semblante_web.app import create_app


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "año.zip"
    path.write_bytes(zip_bytes({"a.jpg": jpeg(), "niños/b.jpg": jpeg(7)}))
    return path


def test_a_job_from_its_upload_to_its_deletion(
    services: Services, address: str, archive: Path, tmp_path: Path
) -> None:
    with Client(address) as client:
        view = client.submit(archive, lang="es", metadata={"n": 1})
        assert (view.filename, view.state, view.metadata) == ("año.zip", "validating", {"n": 1})
        key = next((services.settings.data / "storage" / "uploads").iterdir())
        assert key.read_bytes() == archive.read_bytes()
        assert [job.id for job in client.jobs("validating")] == [view.id]
        assert client.pause(view).paused
        assert not client.resume(view).paused
        with pytest.raises(Conflict) as caught:
            client.download(view, tmp_path / "r.csv")
        assert caught.value.code == "job_not_finished"
        assert client.cancel(view).state == "cancelled"
        client.delete(view)
        with pytest.raises(NotFound) as missing:
            client.job(view)
        assert missing.value.code == "job_not_found"
        assert list(client.jobs()) == []


def test_an_interrupted_upload_goes_on_where_it_was(
    services: Services, address: str, archive: Path
) -> None:
    def interrupt(sent: int, _total: int) -> None:
        if sent:
            raise KeyboardInterrupt

    with Client(address) as client:
        with pytest.raises(KeyboardInterrupt):
            client.submit(archive, on_progress=interrupt)
        seen: list[int] = []
        client.submit(archive, on_progress=lambda sent, _total: seen.append(sent))
    assert seen == [archive.stat().st_size]


def test_an_upload_that_the_server_lost_begins_anew(
    services: Services, address: str, archive: Path
) -> None:
    def interrupt(_sent: int, _total: int) -> None:
        raise KeyboardInterrupt

    with Client(address) as client:
        with pytest.raises(KeyboardInterrupt):
            client.submit(archive, on_progress=interrupt)
        lost = UploadNote(address, archive).read()
        assert client._api.http.delete(f"uploads/{lost}", headers=VERSION).status_code == 204
        assert client.submit(archive).state == "validating"


def test_a_folder_and_its_order(services: Services, address: str, tmp_path: Path) -> None:
    (tmp_path / "caras").mkdir()
    (tmp_path / "caras" / "a.jpg").write_bytes(jpeg())
    with Client(address) as client:
        assert client.submit([tmp_path / "caras"]).filename == "caras.zip"


def test_refusals_keep_their_codes(services: Services, address: str, archive: Path) -> None:
    with Client(address) as client:
        with pytest.raises(NotFound) as caught:
            client.submit(archive, model="nobody")
        assert caught.value.code == "model_not_found"
        with pytest.raises(Refused) as listed:
            list(client.jobs("no_state"))  # type: ignore[arg-type]
        assert listed.value.code == "invalid_request"


def test_models_are_listed(services: Services, address: str) -> None:
    with Client(address) as client:
        names = [model["card"]["name"] for model in client.models()]
    shipped = [bundle.card.name for bundle in shipped_bundles()]
    default = services.settings.model
    assert names == [default, *(name for name in shipped if name != default)]


def test_a_key_is_asked_for(services: Services) -> None:
    settings = services.settings.model_copy(update={"api_key": "secret"})
    keyed = Services(settings, services.database, services.storage, services.queue)
    server = make_server("127.0.0.1", 0, create_app(settings, keyed), threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        with Client(url, "secret") as client:
            assert list(client.jobs()) == []
        with Client(url) as client, pytest.raises(Unauthorized):
            list(client.jobs())
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
