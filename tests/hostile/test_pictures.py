"""Every odd image file gets its documented code, or shows what it should."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from hostile import bitmaps, pictures, png_chunks
from hostile.conftest import Label
from hostile.pictures import SCENE, Case
from semblante.errors import ImageError
from semblante.picture import naming_damage, open_picture, to_grey

CASES = pictures.CASES | bitmaps.CASES | {"PNG's chunks": png_chunks.CASES}
OTHER_SCENES = pictures.OTHER_SCENES | bitmaps.OTHER_SCENES | png_chunks.OTHER_SCENES
MOST_PIXELS = 100_000_000
NEAR = 2.0
"""Mean difference of grey levels, of 255, that lossy formats may make."""


def seen(data: bytes) -> str | None:
    """Return the code of `data`, "other" when it shows something else, None when all is well."""
    try:
        with naming_damage(data):
            grey = to_grey(open_picture(data, MOST_PIXELS))
    except ImageError as error:
        return error.code
    if grey.size != SCENE.size:
        return "other"
    difference = np.abs(np.asarray(grey, dtype=float) - np.asarray(SCENE, dtype=float)).mean()
    return None if difference < NEAR else "other"


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES.keys())
def test_what_odd_pictures_show(cases: dict[str, Case]) -> None:
    shown = {name: seen(data) for name, (data, _) in cases.items()}
    expected = {name: "other" if name in OTHER_SCENES else cases[name][1] for name in shown}
    assert shown == expected


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES.keys())
def test_odd_pictures_get_their_rows(label: Label, cases: dict[str, Case]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, (data, _) in cases.items():
            archive.writestr(f"{name}.jpg".replace(":", " "), data)
    outcomes = label(buffer.getvalue())
    expected = {f"{name}.jpg".replace(":", " "): code or "ok" for name, (_, code) in cases.items()}
    assert outcomes == expected
