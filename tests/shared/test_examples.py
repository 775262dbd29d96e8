"""The archive in `examples/` is what its script draws."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_archive_is_small_and_holds_what_the_readme_says() -> None:
    assert (EXAMPLES / "faces.zip").stat().st_size < 300_000
    with zipfile.ZipFile(EXAMPLES / "faces.zip") as archive:
        names = archive.namelist()
        opened = [Image.open(io.BytesIO(archive.read(name))) for name in names[:21]]
    assert len(names) == 23
    assert names[3] == "niños/cara feliz 4.jpg"
    assert names[14] == "viaje a México/día 1/foto sorpresa 15.webp"
    assert names[21:] == ["dañadas/foto cortada.jpg", "léeme.txt"]
    assert {picture.format for picture in opened} == {"JPEG", "PNG", "WEBP"}
    assert {picture.size for picture in opened} == {
        (112, 112),
        (160, 160),
        (240, 180),
        (180, 240),
        (320, 320),
    }


def test_the_script_makes_the_same_members_every_time(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        command = [sys.executable, str(EXAMPLES / "draw_faces.py"), str(folder)]
        subprocess.run(command, check=True, capture_output=True)
    assert (first / "faces.zip").read_bytes() == (second / "faces.zip").read_bytes()
    with (
        zipfile.ZipFile(EXAMPLES / "faces.zip") as committed,
        zipfile.ZipFile(first / "faces.zip") as drawn,
    ):
        assert drawn.namelist() == committed.namelist()
