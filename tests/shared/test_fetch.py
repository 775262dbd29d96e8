"""Files from URLs over real connections: what is given, and what is refused with which code."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BufferedIOBase
from typing import Any

import pytest

from file_server import Answer, FileServer, file_server
from semblante.errors import Refused
from semblante.fetch import MAX_REDIRECTS, FetchLimits, fetch

HERE = (ipaddress.ip_network("127.0.0.1/32"),)
LIMITS = FetchLimits(size_bytes=1000, seconds=10, networks=HERE, archives=True)
IMAGE = {"Content-Type": "image/jpeg"}


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as server:
        yield server


def got(url: str, limits: FetchLimits = LIMITS) -> tuple[str, bytes]:
    with fetch(url, limits) as found:
        return found.filename, b"".join(found.blocks)


def refusal(url: str, limits: FetchLimits = LIMITS) -> str:
    with pytest.raises(Refused) as caught:
        got(url, limits)
    return caught.value.code


def test_a_file(server: FileServer) -> None:
    server.answers["/a/ni%C3%B1a.jpg?size=1"] = Answer(b"pixels", headers=IMAGE)
    assert got(f"{server.url}/a/niña.jpg?size=1") == ("niña.jpg", b"pixels")
    ((_path, headers),) = server.requests
    assert headers["Host"] == f"127.0.0.1:{server.port}"
    assert headers["Accept-Encoding"] == "identity"


def test_redirects_end(server: FileServer) -> None:
    for number in range(MAX_REDIRECTS):
        server.answers[f"/{number}"] = Answer(
            status=302, headers={"Location": f"/{number + 1}", "Content-Length": "0"}
        )
    server.answers[f"/{MAX_REDIRECTS}"] = Answer(b"x", headers={"Content-Type": "application/zip"})
    assert got(f"{server.url}/0")[1] == b"x"
    server.answers["/loop"] = Answer(status=301, headers={"Location": f"{server.url}/loop"})
    assert refusal(f"{server.url}/loop") == "url_failed"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("http://10.0.0.1/", "url_not_public"),
        ("http://127.0.0.2/", "url_not_public"),
        ("http://[::ffff:127.0.0.1]/", "url_not_public"),
        ("//169.254.169.254/latest/meta-data", "url_not_public"),
        ("http://localtest@127.0.0.1/", "invalid_url"),
        ("file:///etc/passwd", "invalid_url"),
        ("gopher://127.0.0.1:70/_", "invalid_url"),
        ("http://127.0.0.1:22/", "invalid_url"),
        ("http://127.0.0.1:99999/", "invalid_url"),
        ("http://[::1", "invalid_url"),
        ("http://xn--a/", "invalid_url"),
    ],
)
def test_each_redirect_is_checked(server: FileServer, target: str, code: str) -> None:
    server.answers["/"] = Answer(status=307, headers={"Location": target})
    assert refusal(f"{server.url}/") == code


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/a.zip",
        "file:///etc/passwd",
        "//example.org/a.zip",
        "example.org",
        "http://",
        "http:///a",
        "http://xn--/",
        "http://xn--.org/",
        "http://user:secret@example.org/",  # pragma: allowlist secret
        "http://example.org:25/",
        "http://example.org\r\nX: y/",
        "data:image/png;base64,AAAA",
    ],
)
def test_what_is_no_url_to_fetch(url: str) -> None:
    assert refusal(url) == "invalid_url"


def test_this_machine_is_refused_without_the_setting(server: FileServer) -> None:
    server.answers["/"] = Answer(b"secret", headers=IMAGE)
    bare = replace(LIMITS, networks=())
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]"):
        assert refusal(f"http://{host}:{server.port}/", bare) == "url_not_public"
    assert server.requests == []


def test_the_checked_address_is_the_one_connected_to(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is checked and inner when it is connected to."""
    server.answers["/"] = Answer(b"secret", headers=IMAGE)
    asked: list[str] = []

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        address = "192.0.2.1" if asked.count(host) > 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr("semblante.public_address.socket.getaddrinfo", resolve)
    assert got(f"http://rebound.example:{server.port}/")[1] == b"secret"
    assert asked.count("rebound.example") == 1
    assert refusal(f"http://rebound.example:{server.port}/") == "url_not_public"


def test_one_inner_address_among_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("8.8.8.8", "10.0.0.1")
        ]

    monkeypatch.setattr("semblante.public_address.socket.getaddrinfo", resolve)
    assert refusal("http://mixed.example/") == "url_not_public"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(b"x", headers={"Content-Type": "text/html"}), "url_type"),
        (Answer(b"x", headers={**IMAGE, "Content-Encoding": "gzip"}), "url_type"),
        (Answer(b"x", status=403, headers=IMAGE), "url_failed"),
        (Answer(b"x", status=302, headers=IMAGE), "url_failed"),
        (Answer(b"x" * 10, headers={**IMAGE, "Content-Length": "1001"}), "too_large_upload"),
        (Answer(b"x" * 1001, headers=IMAGE), "too_large_upload"),
        (Answer(b"x", headers={**IMAGE, "Content-Length": "2"}), "url_failed"),
        (Answer(b"x", headers={**IMAGE, "X-Long": "y" * 200_000}), "url_failed"),
    ],
)
def test_bad_answers(server: FileServer, answer: Answer, code: str) -> None:
    server.answers["/"] = answer
    assert refusal(f"{server.url}/") == code


def test_archives_only_where_they_are_welcome(server: FileServer) -> None:
    server.answers["/"] = Answer(b"x", headers={"Content-Type": "Application/Zip; a=b"})
    assert got(f"{server.url}/")[1] == b"x"
    assert refusal(f"{server.url}/", replace(LIMITS, archives=False)) == "url_type"


def drip(server: FileServer) -> Callable[[BufferedIOBase], None]:
    """Return a body of one byte each 20 ms, without an end."""

    def write(connection: BufferedIOBase) -> None:
        while not server.closing.wait(0.02):
            connection.write(b"x")

    return write


def test_a_server_that_drips_is_given_up(server: FileServer) -> None:
    server.answers["/"] = Answer(drip(server), headers=IMAGE)
    assert refusal(f"{server.url}/", replace(LIMITS, seconds=0.3, size_bytes=10**9)) == "url_failed"


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        assert refusal(f"http://127.0.0.1:{port}/") == "url_failed"


def test_what_is_no_http(server: FileServer) -> None:
    assert refusal(f"https://127.0.0.1:{server.port}/") == "url_failed"
