"""What is fed with arbitrary bytes; anything raised but the documented errors is a defect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from archives import contents
from hostile import bitmaps, pictures, png_chunks, tars, zip_lies, zips
from semblante.archive import BytesSource, detect_kind
from semblante.errors import IMAGE_ERROR_CODES, JOB_ERROR_CODES, ArchiveError, ImageError, Refused
from semblante.picture import naming_damage, open_picture, to_grey
from semblante_web.tus import parse_checksum, parse_metadata, parse_number

MOST_PIXELS = 1_000_000


def read_archive(data: bytes) -> None:
    """List and read all of `data`, whatever it looks like."""
    outcomes: dict[str, bytes | str] = {}
    code = "corrupt_archive"
    try:
        kind = detect_kind(BytesSource(data))
        outcomes = contents(data, kind) if kind != "tar.gz" else {}
    except ArchiveError as error:
        code = error.code
    assert code in JOB_ERROR_CODES
    codes = {outcome for outcome in outcomes.values() if isinstance(outcome, str)}
    assert codes <= set(IMAGE_ERROR_CODES)


def decode_picture(data: bytes) -> None:
    """Decode `data` to grey."""
    code = "corrupt_image"
    try:
        picture = open_picture(data, MOST_PIXELS)
        with naming_damage(data):
            assert to_grey(picture).mode == "L"
    except ImageError as error:
        code = error.code
    assert code in IMAGE_ERROR_CODES


def parse_tus_headers(data: bytes) -> None:
    """Parse `data` as every header of tus that carries more than a word."""
    text = data.decode("latin-1")  # as WSGI gives it
    with suppress(Refused):
        assert parse_number("Upload-Length", text) >= 0
    with suppress(Refused):
        parse_checksum(text)
    with suppress(Refused):
        assert all(value.encode() for value in parse_metadata(text).values() if value)


Target = Callable[[bytes], None]
TARGETS: dict[str, Target] = {
    "archive": read_archive,
    "picture": decode_picture,
    "tus": parse_tus_headers,
}


def seeds(target: str) -> Iterator[bytes]:
    """Yield what the fuzzer of `target` starts from."""
    if target == "archive":
        groups = (zips.CASES | zip_lies.CASES).values()
        zip_cases = [case for group in groups for case in group.values()]
        yield from (data for data, _ in [*zip_cases, *tars.CASES.values()])
    elif target == "picture":
        files = [*pictures.CASES.values(), *bitmaps.CASES.values(), png_chunks.CASES]
        yield from (data for group in files for data, _ in group.values())
    else:
        yield from (b"0", b"sha1 Lve95gjOVATpfV8EL5X4nxwjKHE=", b"filename ZmFjZXMuemlw,is_secret")
