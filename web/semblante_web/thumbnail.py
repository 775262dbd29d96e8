"""A small picture of one image of a job, made when it is asked for."""

from __future__ import annotations

import io
import threading

from PIL import Image as Picture

from semblante.archive import Source, read_members
from semblante.errors import ImageError
from semblante.picture import naming_damage, open_picture
from semblante.settings import Settings
from semblante.tables import Image

MIME_TYPE = "image/webp"
# A picture of max_image_pixels takes hundreds of megabytes: few of them at a time.
_decoding = threading.BoundedSemaphore(2)


def make_thumbnail(source: Source, image: Image, settings: Settings, side: int) -> bytes:
    """Return `image`, whose bytes lie in `source`, as WebP of at most `side` x `side` pixels.

    Raises:
        ImageError: The image cannot be read.
    """
    ((_, data),) = read_members(source, [image], settings.max_image_bytes)
    if isinstance(data, ImageError):
        raise data
    return shrink(data, settings, side)


def shrink(data: bytes, settings: Settings, side: int) -> bytes:
    """Return the image file `data` as WebP of at most `side` x `side` pixels.

    Raises:
        ImageError: The image cannot be read.
    """
    with _decoding:
        picture = open_picture(data, settings.max_image_pixels)
        with naming_damage(data):
            small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
            small.thumbnail((side, side), Picture.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()
