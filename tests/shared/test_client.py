from __future__ import annotations

import io
import os
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from semblante import client_wait, tus_upload
from semblante.client import Client
from semblante.errors import Conflict, NotFound, Refused, Unauthorized, Unavailable
from semblante.upload_note import UploadNote
from stand_in import StandIn, job_json, stand_in_server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setattr(tus_upload, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(client_wait, "FIRST_PAUSE_SECONDS", 0.001)
    with stand_in_server() as state:
        yield state


@pytest.fixture
def client(server: StandIn) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "año nuevo.zip"
    path.write_bytes(bytes(range(256)) * 100)
    return path


def test_submit_sends_all_bytes_and_says_so(
    server: StandIn, client: Client, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    view = client.submit(
        archive,
        model="resnet18-raf7",
        lang="es",
        metadata={"n": 1},
        on_progress=lambda sent, total: seen.append((sent, total)),
    )
    assert view.id == "j1"
    assert view.state == "validating"
    assert bytes(server.uploads["u1"]) == archive.read_bytes()
    assert server.filenames == {"u1": "año nuevo.zip"}
    assert server.bodies == [
        {"upload_id": "u1", "model": "resnet18-raf7", "lang": "es", "metadata": {"n": 1}}
    ]
    assert seen == [(0, 25600), (25600, 25600)]


def test_an_upload_goes_on_where_the_connection_broke(
    server: StandIn, client: Client, archive: Path
) -> None:
    server.break_patches = [1000, 24000]
    client.submit(archive)
    assert bytes(server.uploads["u1"]) == archive.read_bytes()
    patches = [method for method, _path in server.requests if method == "PATCH"]
    assert len(patches) == 3


class Killed(BaseException):
    """What ends this client."""


def submit_and_die(client: Client, archive: Path, end: BaseException | None = None) -> None:
    """Begin to send the archive, and end."""

    def die(_sent: int, _total: int) -> None:
        raise end or Killed

    with pytest.raises(type(end or Killed())):
        client.submit(archive, on_progress=die)


def test_a_killed_client_goes_on_where_it_was(server: StandIn, archive: Path) -> None:
    with Client(server.url) as client:
        submit_and_die(client, archive)
    server.uploads["u1"] += archive.read_bytes()[:10_000]
    seen: list[tuple[int, int]] = []
    with Client(server.url) as client:
        client.submit(archive, on_progress=lambda *one: seen.append(one))
        assert seen == [(10_000, 25_600), (25_600, 25_600)]
        assert server.uploads == {"u1": bytearray(archive.read_bytes())}
        client.submit(archive)
    assert set(server.uploads) == {"u1", "u2"}, "a finished one is not gone on with"


def test_an_upload_that_the_server_lost_begins_anew(server: StandIn, archive: Path) -> None:
    with Client(server.url) as client:
        submit_and_die(client, archive)
        server.uploads["other"] = server.uploads.pop("u1")
        client.submit(archive)
    assert bytes(server.uploads["u2"]) == archive.read_bytes()


@pytest.mark.parametrize("end", [KeyboardInterrupt(), OSError("the disk of the archive")])
def test_an_interrupted_upload_goes_on_where_it_was(
    server: StandIn, client: Client, archive: Path, end: BaseException
) -> None:
    submit_and_die(client, archive, end)
    server.uploads["u1"] += archive.read_bytes()[:10_000]
    client.submit(archive)
    assert server.uploads == {"u1": bytearray(archive.read_bytes())}


def test_packed_images_that_nobody_can_go_on_with_are_removed(
    server: StandIn, client: Client, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"one")
    submit_and_die(client, tmp_path, KeyboardInterrupt())
    assert server.uploads == {}


def send(client: Client, archive: Path) -> str:
    """Send the archive with a note and without patience."""
    note = UploadNote(client.server, archive)
    with archive.open("rb") as file:
        return tus_upload.upload_file(
            client._api.http, file, 25600, "a.zip", patience_seconds=0, note=note
        )


def test_an_upload_that_was_given_up_goes_on_where_it_was(
    server: StandIn, client: Client, archive: Path
) -> None:
    submit_and_die(client, archive)
    server.uploads["u1"] += archive.read_bytes()[:10_000]
    server.failing_patches = 1
    with pytest.raises(Unavailable, match="broker_unavailable"):
        send(client, archive)
    server.break_patches = [5000]
    with pytest.raises(Unavailable, match="No server answers"):
        send(client, archive)
    assert send(client, archive) == "u1"
    assert bytes(server.uploads["u1"]) == archive.read_bytes()


def test_a_wrong_key_costs_no_upload(server: StandIn, client: Client, archive: Path) -> None:
    submit_and_die(client, archive)
    server.key = "secret"
    with pytest.raises(Unauthorized):
        client.submit(archive)
    with Client(server.url, "secret") as known:
        known.submit(archive)
    assert server.uploads == {"u1": bytearray(archive.read_bytes())}


def test_a_proxy_without_its_server_costs_no_upload(
    server: StandIn, client: Client, archive: Path
) -> None:
    submit_and_die(client, archive)
    server.away = True
    with pytest.raises(Unavailable, match="404") as caught:
        client.submit(archive)
    assert caught.value.code == "server_unavailable"
    server.away = False
    client.submit(archive)
    assert server.uploads == {"u1": bytearray(archive.read_bytes())}


def test_an_upload_that_became_shorter_is_removed(
    server: StandIn, client: Client, archive: Path
) -> None:
    note = UploadNote(client.server, archive)
    with pytest.raises(Unavailable, match="shorter"):
        tus_upload.upload_file(client._api.http, io.BytesIO(b"x"), 25600, "a.zip", note=note)
    assert (server.uploads, note.read()) == ({}, None)


def test_an_upload_is_cut_into_blocks(server: StandIn, archive: Path) -> None:
    with Client(server.url) as client, archive.open("rb") as file:
        upload_id = tus_upload.upload_file(
            client._api.http, file, 25600, "a.zip", block_bytes=10000
        )
    assert bytes(server.uploads[upload_id]) == archive.read_bytes()
    assert [method for method, _path in server.requests] == ["POST", "PATCH", "PATCH", "PATCH"]


def test_a_server_that_recovers_is_waited_for(
    server: StandIn, client: Client, archive: Path
) -> None:
    server.failing_patches = 3
    client.submit(archive)
    assert bytes(server.uploads["u1"]) == archive.read_bytes()


def test_an_upload_is_given_up_and_removed_in_the_end(
    server: StandIn, client: Client, archive: Path
) -> None:
    server.failing_patches = 100
    with archive.open("rb") as file, pytest.raises(Unavailable) as caught:
        tus_upload.upload_file(client._api.http, file, 25600, "a.zip", patience_seconds=0.3)
    assert caught.value.code == "broker_unavailable"
    assert server.uploads == {}


def test_a_server_that_is_away_for_long_is_waited_for(
    server: StandIn, client: Client, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tus_upload, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(tus_upload, "LAST_PAUSE_SECONDS", 0.001)
    server.failing_patches = 40
    client.submit(archive)
    assert bytes(server.uploads["u1"]) == archive.read_bytes()


def test_a_folder_is_sent_as_a_zip(server: StandIn, client: Client, tmp_path: Path) -> None:
    (tmp_path / "caras").mkdir()
    (tmp_path / "caras" / "a.jpg").write_bytes(b"one")
    client.submit(tmp_path / "caras")
    assert server.filenames == {"u1": "caras.zip"}
    with zipfile.ZipFile(io.BytesIO(server.uploads["u1"])) as sent:
        assert sent.read("a.jpg") == b"one"


def test_wait_returns_the_job_when_it_has_ended(
    server: StandIn, client: Client, archive: Path
) -> None:
    job_id = client.submit(archive).id
    seen: list[str] = []
    view = client.wait(job_id, on_progress=lambda view: seen.append(view.state), timeout=30)
    assert view.state == "completed"
    assert seen == ["validating", "in_progress", "completed"]


def test_wait_ends_at_its_timeout(server: StandIn, client: Client) -> None:
    server.jobs["j9"] = [job_json("j9")]
    with pytest.raises(TimeoutError, match=r"j9 has not ended within 0\.01 s"):
        client.wait("j9", timeout=0.01)


def test_jobs_follows_the_pages(server: StandIn, client: Client) -> None:
    for name in ("j1", "j2", "j3"):
        server.jobs[name] = [job_json(name)]
    assert [view.id for view in client.jobs()] == ["j1", "j2", "j3"]


def test_actions_return_the_job(server: StandIn, client: Client) -> None:
    server.jobs["j1"] = [job_json("j1")]
    assert client.cancel("j1").state == "cancelled"
    assert client.pause("j1").id == "j1"
    assert client.resume("j1").id == "j1"
    with pytest.raises(Conflict) as caught:
        client.retry("j1")
    assert (caught.value.code, caught.value.message) == (
        "nothing_to_retry",
        "It is nothing_to_retry.",
    )
    client.delete("j1")
    assert server.jobs == {}


def test_download_writes_a_whole_file_or_none(
    server: StandIn, client: Client, tmp_path: Path
) -> None:
    server.jobs["j1"] = [job_json("j1")]
    client.download("j1", tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_bytes() == b"image_path\r\na.jpg\r\n"
    buffer = io.BytesIO()
    client.download("j1", buffer, lang="es")
    client.download("j1", buffer, lang="es", format="errors")
    assert buffer.getvalue() == b"image_path\r\na.jpg\r\nesimage_path,error_code"
    with pytest.raises(NotFound) as caught:
        client.download("j2", tmp_path / "s.csv")
    assert caught.value.code == "job_not_found"
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.csv"]


def test_rows_end_at_line_feeds_only(server: StandIn, client: Client) -> None:
    server.jobs["j1"] = [job_json("j1")]
    names = ["u\u2028sep.jpg", "n\x85el.jpg", "ñ.jpg"]
    server.rows = "".join(f'{{"image_path":"{name}"}}\n' for name in names).encode()
    assert [row["image_path"] for row in client.results("j1")] == names
    server.rows = server.rows.rstrip()
    assert len(list(client.results("j1"))) == 3


def test_jobs_over_urls(server: StandIn, client: Client) -> None:
    assert client.submit_url("https://example.org/a.zip", lang="es").id == "j1"
    assert server.bodies == [{"url": "https://example.org/a.zip", "lang": "es"}]
    assert server.uploads == {}


def test_predict_and_models(server: StandIn, client: Client, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"pixels")
    assert client.predict(tmp_path / "a.jpg")["faces"][0]["emotion"] == "happiness"
    assert b"pixels" in server.bodies[0]
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg"))
    odd.write_bytes(b"pixels")
    assert client.predict(odd)["faces"]
    assert b'filename="caf?.jpg"' in server.bodies[1]
    assert client.models() == [{"name": "resnet18-raf7"}]


def test_the_key_is_sent(server: StandIn) -> None:
    server.key, server.jobs["j1"] = "secret", [job_json("j1")]
    with Client(server.url, "secret") as client:
        assert client.job("j1").id == "j1"
    with Client(server.url) as client, pytest.raises(Unauthorized) as caught:
        client.job("j1")
    assert caught.value.code == "unauthorized"


def test_a_server_that_is_away_or_another_is_named(server: StandIn) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(Unavailable) as caught:
        client.job("j1")
    assert caught.value.code == "server_unavailable"
    assert "semblante up" in caught.value.message
    with Client(f"{server.url}/elsewhere") as client, pytest.raises(Unavailable, match="404"):
        client.job("j1")


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://host", "http://", "", "http://[::1"])
def test_a_server_must_be_an_http_address(address: str) -> None:
    with pytest.raises(Refused) as caught:
        Client(address)
    assert caught.value.code == "invalid_request"


@pytest.mark.parametrize("key", ["llavé", "a\nb"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(Refused, match="no key has"):
        Client("http://127.0.0.1:8000", key)


@pytest.mark.parametrize("job_id", ["", ".", "..", "../models"])
def test_an_id_never_changes_the_address(server: StandIn, client: Client, job_id: str) -> None:
    with pytest.raises(NotFound):
        client.job(job_id)
    assert all(path.startswith("jobs/..%2F") for _method, path in server.requests)
