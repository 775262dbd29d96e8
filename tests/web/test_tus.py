"""tus headers: parsing never fails otherwise than by Refused."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semblante.errors import Refused
from semblante_web.tus import parse_checksum, parse_metadata, parse_number

Result = TypeVar("Result")
KEYS = st.text("abcdefghijklmnopqrstuvwxyz-_", min_size=1, max_size=20)


@given(st.dictionaries(KEYS, st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_metadata_round_trip(pairs: dict[str, str]) -> None:
    parts = [f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items()]
    assert parse_metadata(",".join(parts)) == pairs


@given(st.text())
def test_any_metadata_is_parsed_or_refused(text: str) -> None:
    pairs = unless_refused(parse_metadata, text)
    assert pairs is None or all(isinstance(value, str) for value in pairs.values())


@given(st.text())
def test_any_number_is_parsed_or_refused(text: str) -> None:
    number = unless_refused(lambda value: parse_number("Upload-Length", value), text)
    assert number is None or number >= 0


@given(st.text())
def test_any_checksum_is_parsed_or_refused(text: str) -> None:
    checksum = unless_refused(parse_checksum, text)
    assert checksum is None or checksum.algorithm in ("sha1", "sha256")


def unless_refused(parse: Callable[[str], Result], text: str) -> Result | None:
    """Return what `parse` gives, or None when it refuses; another exception fails the test."""
    with suppress(Refused):
        return parse(text)
    return None


def test_literals() -> None:
    assert parse_metadata("filename ZmFjZXMuemlw,is_confidential") == {
        "filename": "faces.zip",
        "is_confidential": "",
    }
    assert parse_number("Upload-Length", "0") == 0
    checksum = parse_checksum("sha1 Lve95gjOVATpfV8EL5X4nxwjKHE=")
    assert checksum is not None
    assert checksum.matches(hashlib.sha1(b"Hello World!"))
    assert parse_checksum(None) is None


@pytest.mark.parametrize("text", [None, "", "-1", "1.5", "٣", "9" * 19, " 1"])
def test_no_numbers(text: str | None) -> None:
    with pytest.raises(Refused):
        parse_number("Upload-Length", text)
