"""Requests to a Semblante server's API, and what its answers mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO
from urllib.parse import SplitResult, urlsplit

import httpx
from pydantic import ValidationError

from semblante.errors import Refused, Unavailable
from semblante.http_problem import check_response, unreachable
from semblante.job_view import JobView

TIMEOUT = httpx.Timeout(60.0, connect=5.0)
BLOCK_BYTES = 1024 * 1024


class Transport:
    """One server's API with kept connections; every refusal becomes a SemblanteError."""

    def __init__(self, server: str, api_key: str | None) -> None:
        """Prepare; raises Refused (`invalid_request`) for no http address, or what is no key."""
        parts = _parts_of(server)
        if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
            raise Refused("invalid_request", "The API key has characters that no key has.")
        self.server = server.rstrip("/")
        self.http = httpx.Client(
            base_url=f"{self.server}/api/v1/",
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=TIMEOUT,
            # A proxy of the environment is for the outside, never for this machine.
            trust_env=parts.hostname not in ("localhost", "127.0.0.1", "::1"),
        )

    def close(self) -> None:
        """Close all connections."""
        self.http.close()

    def send(self, method: str, address: str, **options: Any) -> httpx.Response:
        """Send a request; return an answer that is a success."""
        try:
            response = self.http.request(method, address, **options)
        except httpx.TransportError as error:
            raise unreachable(error, self.server) from error
        check_response(response)
        return response

    def stream(self, address: str, file: BinaryIO, params: Mapping[str, str]) -> None:
        """Write the body of an answer to `file`, block by block."""
        with self._streamed(address, params) as response:
            for block in response.iter_bytes(BLOCK_BYTES):
                file.write(block)

    def lines(self, address: str, params: Mapping[str, str]) -> Iterator[str]:
        """Yield the lines of an answer as they arrive.

        Only a line feed ends one: U+2028 and its like stand in JSON's texts as they are.
        """
        rest = b""
        with self._streamed(address, params) as response:
            for block in response.iter_bytes(BLOCK_BYTES):
                *whole, rest = (rest + block).split(b"\n")
                yield from (line.decode() for line in whole)
        if rest:
            yield rest.decode()

    @contextmanager
    def _streamed(self, address: str, params: Mapping[str, str]) -> Iterator[httpx.Response]:
        try:
            with self.http.stream("GET", address, params=params) as response:
                if not response.is_success:
                    response.read()
                check_response(response)
                yield response
        except httpx.TransportError as error:
            raise unreachable(error, self.server) from error


def _parts_of(server: str) -> SplitResult:
    try:
        parts = urlsplit(server)
    except ValueError:  # brackets that are no IPv6 address
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("invalid_request", f"{server!r} is not an address like http://host:8000.")
    return parts


def to_job(response: httpx.Response) -> JobView:
    """Return the job that an answer holds."""
    try:
        return JobView.model_validate_json(response.content)
    except ValidationError as error:
        raise foreign(response) from error


def to_json(response: httpx.Response) -> Any:
    """Return the JSON that an answer holds."""
    try:
        return response.json()
    except ValueError as error:
        raise foreign(response) from error


def foreign(response: httpx.Response) -> Unavailable:
    """Return the error for an answer that is not Semblante's."""
    return Unavailable(
        "server_unavailable",
        f"{response.request.url} does not answer as a Semblante server of this version does.",
    )
