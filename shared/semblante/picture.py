"""From an image file's bytes to upright pixels: the one decode front of workers and thumbnails."""

from __future__ import annotations

import functools
import io
import re
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pillow_heif
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from semblante.archive.magic import MAGIC_BYTES, looks_like_image
from semblante.bmp_repair import with_usual_masks
from semblante.errors import ImageError
from semblante.jpeg_repair import with_ends
from semblante.png_repair import without_extras
from semblante.tiff_repair import halve_unsigned_samples

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "HEIF")
"""Pillow's names of the formats that are tried; MPO, a JPEG with more pictures, comes as JPEG."""

_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What Pillow and its plugins raise on damaged bytes; defects elsewhere in us are not in here."""

_TRUNCATION = ("truncated", "unrecognized data stream", "end of file", "end-of-file", "incomplete")
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PILLOW = r"PIL\b"
_SILENCE = ("ignore", None, Warning, re.compile(_PILLOW), 0)
_lock = threading.Lock()


def open_picture(data: bytes, max_pixels: int) -> Image.Image:
    """Decode the first frame of the image file `data`, turned upright as its EXIF says.

    The limit `max_pixels` (width x height) is checked on the header, before any pixel is decoded.
    The mode is the file's own: see `to_grey`. Safe to call from several threads.

    Raises:
        ImageError: `too_many_pixels`, or see `naming_damage`.
    """
    _register_formats()
    _silence_pillow()
    # Pillow's own limit also guards buffers that plugins allocate while they read the header.
    Image.MAX_IMAGE_PIXELS = max_pixels
    with naming_damage(data):
        try:
            image = _load(data, max_pixels)
        except _DAMAGE:
            repaired = _load_repaired(data, max_pixels)
            if repaired is None:
                raise
            image = repaired
    orientation = orientation_of(image)
    if orientation == 1:
        return image
    upright = turned(image, orientation)
    upright.info.pop("exif", None)  # it says how to turn, and would be obeyed twice
    return upright


@contextmanager
def naming_damage(data: bytes) -> Iterator[None]:
    """Name what Pillow raises while it works on the image file `data`: some damage shows late.

    Raises:
        ImageError: `unsupported_format`, `truncated_image`, `corrupt_image`, or `worker_crash`
            when there is not enough memory.
    """
    try:
        yield
    except _DAMAGE as error:
        raise _damaged(data, error) from error


def _load(data: bytes, max_pixels: int) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > max_pixels:
            raise _too_many_pixels(max_pixels)
        image.load()
        halve_unsigned_samples(image)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(max_pixels) from error
    return image


def _load_repaired(data: bytes, max_pixels: int) -> Image.Image | None:
    """Decode with what no viewer needs left out or put right; None when there is no such thing."""
    essential = without_extras(data) or with_usual_masks(data, max_pixels)
    if essential is not None:
        return _load(essential, max_pixels)
    ends = with_ends(data)
    if ends is None:
        return None
    try:
        image, other = (_load(ended, max_pixels) for ended in ends)
    except _DAMAGE:  # the damage that was seen first says more
        return None
    return image if image == other else None


def to_grey(image: Image.Image) -> Image.Image:
    """Return `image` in mode "L": ITU-R BT.601 luma, transparency composited over white.

    16-bit samples are scaled by 1/257, "F" samples of at most 1 by 255.
    RGB and L give exactly what Pillow's `convert("L")` gives.
    """
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _scaled_integers(image)
    if image.mode == "F":
        factor = 255.0 if _highest(image) <= 1 else 1.0
        return image.point(lambda value: value * factor + 0.5).convert("L")
    if image.has_transparency_data:
        return _over_white(image).convert("L")
    if image.mode == "LAB":
        return _lab_to_rgb(image).convert("L")
    if image.mode in ("CMYK", "HSV"):
        return image.convert("RGB").convert("L")
    return image if image.mode == "L" else image.convert("L")


@functools.cache
def _register_formats() -> None:
    """Load Pillow's plugins and pillow-heif, once and by one thread."""
    with _lock:
        Image.init()
        # Images are decoded side by side already, and only the main picture is wanted.
        pillow_heif.register_heif_opener(
            decode_threads=1, thumbnails=False, depth_images=False, aux_images=False
        )


def _silence_pillow() -> None:
    """Ignore Pillow's warnings on odd metadata in this process.

    `warnings.catch_warnings` would be the tidy way, but before Python 3.14 it is not thread-safe.
    """
    with _lock:
        if _SILENCE not in warnings.filters:
            warnings.filterwarnings("ignore", module=_PILLOW)


def _too_many_pixels(max_pixels: int) -> ImageError:
    return ImageError(
        "too_many_pixels", "The image has more than %(most)s pixels.", most=max_pixels
    )


def _damaged(data: bytes, error: BaseException) -> ImageError:
    if isinstance(error, MemoryError):
        return ImageError("worker_crash", "Decoding the image takes too much memory.")
    if not looks_like_image(data[:MAGIC_BYTES]):
        return ImageError("unsupported_format", "The file is no image of a format that is read.")
    if isinstance(error, UnidentifiedImageError):
        return ImageError("corrupt_image", "The file begins like an image, but its header is bad.")
    text = str(error).lower()
    # WebP's decoder names no reason, but its container says how long the file should be.
    is_cut = data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 > len(data)
    if is_cut or isinstance(error, EOFError) or any(words in text for words in _TRUNCATION):
        return ImageError("truncated_image", "The image ends too early: %(reason)s", reason=error)
    return ImageError("corrupt_image", "The image cannot be decoded: %(reason)s", reason=error)


def orientation_of(image: Image.Image) -> int:
    """Return the orientation that the picture's EXIF or XMP names: 1 is upright, 5 to 8 lie."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        return orientation if orientation in _TRANSPOSITIONS else 1
    except _DAMAGE:  # the pixels are good: damaged metadata must not cost the row
        return 1


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Return the picture upright, when it was stored with this orientation."""
    return image if orientation == 1 else image.transpose(_TRANSPOSITIONS[orientation])


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode == "La":
        image = image.convert("LA")
    colours = image.convert("RGBA")
    white = Image.new("RGBA", colours.size, "white")
    return Image.alpha_composite(white, colours)


def _highest(image: Image.Image) -> float:
    highest = image.getextrema()[1]
    return highest if isinstance(highest, (int, float)) else 0.0


def _scaled_integers(image: Image.Image) -> Image.Image:
    integers = image if image.mode == "I" else image.convert("I")
    highest = _highest(integers)
    factor = 1 / 257
    if image.mode == "I" and highest <= 255:
        factor = 1.0
    elif highest > 65535:
        factor = 255 / highest
    return integers.point(lambda value: value * factor + 0.5).convert("L")


def _lab_to_rgb(image: Image.Image) -> Image.Image:
    lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, lab, rgb, outputMode="RGB")
    return image.convert("RGB") if converted is None else converted
