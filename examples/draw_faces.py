"""Draws cartoon faces with all seven expressions, and packs them as `faces.zip`.

Run it as `python examples/draw_faces.py [FOLDER]`: the zip goes there, or beside this file. The
pictures are our own drawings, so that they may be given away; they are for trying Semblante out,
and say nothing about how well it labels people. Needs Pillow only.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

SCALE = 4
"""Drawn this much larger than shown, and reduced: Pillow's lines have no soft edges."""
TIMESTAMP = (2026, 1, 1, 0, 0, 0)
BROKEN = "dañadas/foto cortada.jpg"
NOTES = "léeme.txt"


@dataclass(frozen=True)
class Expression:
    """A face's moving parts; lengths are shares of the face's radius, y grows downwards."""

    brow_inner: float
    """How far the inner end of a brow is lowered (raised, if negative)."""
    brow_outer: float
    eye: float
    """Height of an open eye; a tenth is a slit."""
    corner: float
    """How far the mouth's corners are lowered (raised: a smile, if negative)."""
    gap: float
    """How far the mouth is open."""
    width: float
    teeth: bool = False
    tears: bool = False
    wrinkles: bool = False


EXPRESSIONS = {
    "sorpresa": Expression(-0.20, -0.22, 0.34, 0.0, 0.34, 0.20),
    "miedo": Expression(-0.20, 0.06, 0.32, 0.10, 0.16, 0.36, teeth=True),
    "asco": Expression(0.12, 0.02, 0.12, 0.16, 0.06, 0.30, wrinkles=True),
    "feliz": Expression(-0.06, 0.0, 0.20, -0.22, 0.16, 0.44, teeth=True),
    "triste": Expression(-0.16, 0.12, 0.16, 0.18, 0.0, 0.30, tears=True),
    "enojo": Expression(0.20, -0.12, 0.15, 0.14, 0.08, 0.36, teeth=True),
    "serio": Expression(0.0, 0.0, 0.20, 0.0, 0.0, 0.30),
}
SKINS = ("#f6d7bd", "#e3b087", "#c68642", "#8d5524", "#5c3a21")
HAIRS = ("#2b2118", "#6b4226", "#b5843c", "#8c8c8c", "#1a1a2e")
BACKGROUNDS = ("#cfe3f2", "#f2e6cf", "#d8efd3", "#eadcf2", "#f3d9d9")
SIZES = ((112, 112), (160, 160), (240, 180), (180, 240), (320, 320))
FORMS = (("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"))
FOLDERS = ("niños/cara", "adultos/retrato", "viaje a México/día 1/foto")


def draw_face(expression: Expression, variant: int) -> Image.Image:
    """Return one face; `variant` chooses skin, hair, background and size."""
    width, height = SIZES[variant % len(SIZES)]
    picture = Image.new(
        "RGB", (width * SCALE, height * SCALE), BACKGROUNDS[(variant * 2) % len(BACKGROUNDS)]
    )
    radius = 0.40 * min(picture.size)
    face = _Face(ImageDraw.Draw(picture), picture.width / 2, picture.height * 0.52, radius)
    face.head(SKINS[variant % len(SKINS)], HAIRS[(variant * 3 + 1) % len(HAIRS)])
    face.eyes(expression)
    face.nose(expression)
    face.mouth(expression)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def members() -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of all members of the zip, in order."""
    variant = 0
    for folder in FOLDERS:
        for word, expression in EXPRESSIONS.items():
            extension, form = FORMS[variant % len(FORMS)]
            buffer = io.BytesIO()
            draw_face(expression, variant).save(buffer, form, quality=85)
            yield f"{folder} {word} {variant + 1}.{extension}", buffer.getvalue()
            variant += 1
    whole = io.BytesIO()
    draw_face(EXPRESSIONS["serio"], variant).save(whole, "JPEG", quality=85)
    yield BROKEN, whole.getvalue()[: len(whole.getvalue()) // 3]
    yield NOTES, b"Caras dibujadas para probar Semblante; este archivo no es una imagen.\n"


def write_zip(path: Path) -> None:
    """Write the zip: names in UTF-8, members stored, the same time for all."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members():
            member = zipfile.ZipInfo(name, TIMESTAMP)
            member.external_attr = 0o644 << 16
            archive.writestr(member, data)


class _Face:
    """One face on a drawing, around (x, y)."""

    def __init__(self, draw: ImageDraw.ImageDraw, x: float, y: float, radius: float) -> None:
        self._draw = draw
        self._x, self._y, self._radius = x, y, radius
        self._line = max(2, round(radius * 0.06))

    def head(self, skin: str, hair: str) -> None:
        """Draw hair, ears and face."""
        self._oval(0, -0.18, 1.0, 1.04, hair)
        for side in (-1, 1):
            self._oval(side * 0.90, 0.02, 0.14, 0.20, skin)
        self._oval(0, 0.10, 0.88, 1.0, skin)
        self._draw.chord(self._box(0, -0.30, 0.86, 0.66), 180, 360, fill=hair)

    def eyes(self, expression: Expression) -> None:
        """Draw eyes and brows, and tears below."""
        for side in (-1, 1):
            self._oval(side * 0.36, 0.0, 0.17, expression.eye / 2, "white", outline=True)
            pupil = min(0.08, expression.eye / 2)
            self._oval(side * 0.36, 0.0, pupil, pupil, "#20160f")
            inner = (side * 0.16, -0.30 + expression.brow_inner)
            outer = (side * 0.56, -0.30 + expression.brow_outer)
            self._stroke([inner, outer], "#20160f", 1.6)
            if expression.tears:
                self._oval(side * 0.40, 0.30, 0.05, 0.12, "#5aa9e6")

    def nose(self, expression: Expression) -> None:
        """Draw the nose, wrinkled when something smells bad."""
        self._stroke([(-0.02, 0.06), (-0.09, 0.28), (0.07, 0.30)], "#4a2f1c", 0.7)
        if expression.wrinkles:
            for height in (0.0, 0.07, 0.14):
                self._stroke(
                    [(-0.12, height), (0.0, height - 0.05), (0.12, height)], "#4a2f1c", 0.5
                )

    def mouth(self, expression: Expression) -> None:
        """Draw the lips as two curves through the same corners, filled when they are apart."""
        upper = self._lip(expression, -expression.gap / 2)
        lower = self._lip(expression, expression.gap / 2)
        if expression.gap:
            points = [self._at(x, y) for x, y in upper + lower[::-1]]
            self._draw.polygon(points, fill="#f7f2ea" if expression.teeth else "#5a1d24")
        if expression.teeth:
            middle = self._lip(expression, 0.0)
            self._stroke(middle, "#8b8078", 0.4)
        self._stroke(upper, "#7a2230", 1.0)
        self._stroke(lower, "#7a2230", 1.0)

    def _lip(self, expression: Expression, bulge: float) -> list[tuple[float, float]]:
        steps = [step / 12 for step in range(-12, 13)]
        return [
            (
                step * expression.width,
                0.62 + expression.corner * (step * step - 0.5) + bulge * (1 - step * step),
            )
            for step in steps
        ]

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return self._x + x * self._radius, self._y + y * self._radius

    def _box(self, x: float, y: float, half_width: float, half_height: float) -> list[float]:
        left, top = self._at(x - half_width, y - half_height)
        right, bottom = self._at(x + half_width, y + half_height)
        return [left, top, right, bottom]

    def _oval(
        self,
        x: float,
        y: float,
        half_width: float,
        half_height: float,
        fill: str,
        outline: bool = False,
    ) -> None:
        line = "#20160f" if outline else None
        box = self._box(x, y, half_width, half_height)
        self._draw.ellipse(box, fill=fill, outline=line, width=self._line // 2 if outline else 0)

    def _stroke(self, points: list[tuple[float, float]], fill: str, thickness: float) -> None:
        line = max(1, round(self._line * thickness))
        self._draw.line([self._at(x, y) for x, y in points], fill=fill, width=line, joint="curve")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    write_zip(target / "faces.zip")
    print(f"{target / 'faces.zip'}: {(target / 'faces.zip').stat().st_size:,} bytes")
