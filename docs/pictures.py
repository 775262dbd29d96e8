"""Make docs/images/ from what tests/flow/test_pictures.py saw: see `make pictures`."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent / "images"
SCREENSHOTS = Path(__file__).parents[1] / "artifacts"
PREFIX = "docs-"
WIDTH = 1000
MOST_HEIGHT = 640
MOST_BYTES = 25_000


def main() -> None:
    """Write a WebP of at most MOST_BYTES for each screenshot that is meant for the documentation.

    Raises:
        SystemExit: There is none: the tests did not run.
    """
    found = sorted(SCREENSHOTS.glob(f"{PREFIX}*.png"))
    if not found:
        raise SystemExit(f"no {PREFIX}*.png in {SCREENSHOTS}: run `make pictures`")
    FOLDER.mkdir(exist_ok=True)
    for path in found:
        with Image.open(path) as screenshot:
            picture = shrink(screenshot.convert("RGB"))
        target = FOLDER / f"{path.stem.removeprefix(PREFIX)}.webp"
        write_small(picture, target)


def shrink(screenshot: Image.Image) -> Image.Image:
    """Return the upper part of a page, WIDTH pixels wide."""
    height = round(screenshot.height * WIDTH / screenshot.width)
    resized = screenshot.resize((WIDTH, height), Image.Resampling.LANCZOS)
    return resized.crop((0, 0, WIDTH, min(height, MOST_HEIGHT)))


def write_small(picture: Image.Image, target: Path) -> None:
    """Write the best quality that MOST_BYTES allow."""
    for quality in range(90, 10, -10):
        picture.save(target, "WEBP", quality=quality, method=6)
        if target.stat().st_size <= MOST_BYTES:
            return


if __name__ == "__main__":
    main()
