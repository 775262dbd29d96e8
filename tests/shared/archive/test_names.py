"""Names that are what they seem."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semblante.archive import names

PIECES = ["a", "Z9", "/", ".", "..", " ", "-", "_", "\\", ":", "con", "Aux", "lpt1", "__MACOSX/"]
ENDS = [".jpg", ".JPEG", ".png", ".tiff", ".txt", ".Jpg", "ñ", "\0", "\n"]
LIKELY = st.lists(st.sampled_from([*PIECES, *ENDS]), max_size=6).map("".join)
USUAL = st.from_regex(r"([\w ./-]+/)*[\w .-]+\.(jpg|PNG|webp)", fullmatch=True)


@given(LIKELY | USUAL)
def test_a_plain_name_is_what_the_slower_functions_say(path: str) -> None:
    raw = path.encode()
    if (plain := names.plain_image_name(raw, b"")) is not None:
        assert plain == path == names.decode_zip_name(raw, 0, b"", 0)
        assert names.is_image_name(path)
        assert not names.is_unsafe(path, len(path))


@pytest.mark.parametrize(
    "path", ["a.jpg", "faces/1/happy face_001.JPG", "train/7/x-1.png", "a/b/c/d.heic"]
)
def test_usual_names_are_plain(path: str) -> None:
    assert names.plain_image_name(path.encode(), b"") == path


def test_another_name_in_an_extra_field_goes_before() -> None:
    assert names.plain_image_name(b"a.jpg", b"up\x09\0\x01....b.jpg") is None
