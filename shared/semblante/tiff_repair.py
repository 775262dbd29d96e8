"""Samples of TIFF that Pillow misreads: unsigned ones of 32 bits come as signed (mode "I")."""

from __future__ import annotations

from PIL import Image, TiffImagePlugin

_SAMPLE_FORMAT = 339
_UNSIGNED = (1,)


def halve_unsigned_samples(image: Image.Image) -> None:
    """Halve the samples of a decoded picture in place where the upper ones came out negative.

    Their ratios, which make the grey levels, stay. Where all samples fit, nothing changes.
    """
    if image.mode != "I" or not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    # TIFF 6.0, section 19: without the tag, samples are unsigned.
    if image.tag_v2.get(_SAMPLE_FORMAT, _UNSIGNED) != _UNSIGNED or _lowest(image) >= 0:
        return
    import numpy as np  # seldom needed

    samples = np.frombuffer(image.tobytes(), np.uint32)
    image.frombytes((samples >> 1).tobytes())


def _lowest(image: Image.Image) -> float:
    lowest = image.getextrema()[0]
    return lowest if isinstance(lowest, (int, float)) else 0.0
