"""Odd and hostile image files, each with the code that it must get, or None: it is labelled.

Those that are labelled show `SCENE`, exactly or nearly, but for those in `OTHER_SCENES`.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pillow_heif
from PIL import Image, ImageCms

pillow_heif.register_heif_opener()
Case = tuple[bytes, str | None]
SIDE = 64
_GREY = np.add.outer(np.arange(SIDE) * 2, np.arange(SIDE) * 2).astype(np.uint8)
SCENE = Image.fromarray(_GREY)
RGB = SCENE.convert("RGB")


def saved(form: str, image: Image.Image = RGB, **options: object) -> bytes:
    """Return `image` as a file of the format `form`."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes, crc32: int | None = None) -> bytes:
    """Return one chunk of a PNG."""
    checksum = zlib.crc32(name + data) if crc32 is None else crc32
    return struct.pack(">L", len(data)) + name + data + struct.pack(">L", checksum)


def png(
    rows: bytes,
    *,
    size: tuple[int, int] = (SIDE, SIDE),
    depth: int = 8,
    colour: int = 0,
    extra: bytes = b"",
    behind: bytes = b"",
    end: bytes = chunk(b"IEND", b""),
) -> bytes:
    """Return a PNG around `rows`, each a filter's byte and samples."""
    header = chunk(b"IHDR", struct.pack(">LLBBBBB", *size, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + extra + pixels + behind + end


def _rows(samples: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    return b"".join(b"\0" + row.tobytes() for row in samples)


def _wide(*channels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    deep = np.stack(channels, axis=2).astype(">u2") * 257
    return b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)


def segment(marker: int, data: bytes) -> bytes:
    """Return one segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _frames(form: str, **options: object) -> bytes:
    others = [RGB.rotate(90), RGB.rotate(180)]
    return saved(form, RGB, save_all=True, append_images=others, **options)


def _top_down() -> bytes:
    """Return a BMP whose negative height says that its first row is the top one."""
    flipped = saved("BMP", RGB.transpose(Image.Transpose.FLIP_TOP_BOTTOM))
    return flipped[:22] + struct.pack("<l", -SIDE) + flipped[26:]


def _gif(screen: tuple[int, int], frame: tuple[int, int]) -> bytes:
    head = b"GIF89a" + struct.pack("<HH", *screen) + b"\xf0\0\0" + bytes(6)
    return head + b",\0\0\0\0" + struct.pack("<HH", *frame) + b"\0\x02\x02D\x01\0;"


_ROWS = _rows(_GREY)
_FULL = np.full_like(_GREY, 255)
_JPEG = saved("JPEG", quality=95)
_BOMB = b"x\0\0" + zlib.compress(bytes(5_000_000))
_PNG = png(_ROWS)
_BMP = saved("BMP")
_TIFF = saved("TIFF")
_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
_LAB = ImageCms.profileToProfile(
    RGB, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
)

_TALL_CHROMA = bytes.fromhex(  # by `cjpeg -sample 1x4 -quality 60 -optimize`
    "ffd8ffe000104a46494600010100000100010000ffdb0043000d090a0b0a080d0b0a0b0e0e0d0f1320151312"
    "1213271c1e17202e2931302e292d2c333a4a3e333646372c2d405741464c4e525352323e5a615a50604a5152"
    "4fffdb0043010e0e0e131113261515264f352d354f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f"
    "4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4fffc000110800400040030114000211010311"
    "01ffc40017000101010100000000000000000000000004050607ffc400151001010000000000000000000000"
    "0000000300ffc40014010100000000000000000000000000000000ffc4001411010000000000000000000000"
    "0000000000ffda000c03010002110311003f00e726728ce519c93382619ca33926728ce0986724ce519ca338"
    "2599ca33946728ce0966728ce519ca3382599ca33946728ce0966728ce519c93382619ca33926728ce0c219c"
    "a33946728ce0966728ce519ca3382599ca33946724ce0986728ce499ca3382619c933946728ce0966728ce51"
    "9ca3382599ca33946728ce0966728ce519ca3383ffd9"
)

JPEG: dict[str, Case] = {
    "progressive": (saved("JPEG", quality=95, progressive=True), None),
    "CMYK": (saved("JPEG", RGB.convert("CMYK"), quality=95), None),
    "grey": (saved("JPEG", SCENE, quality=95), None),
    "4:4:4": (saved("JPEG", quality=95, subsampling=0), None),
    "restart markers": (saved("JPEG", quality=95, restart_marker_rows=1), None),
    "bytes behind": (_JPEG + b"x" * 999, None),
    "a zip behind": (_JPEG + b"PK\x03\x04" + bytes(99), None),
    "fill bytes": (_JPEG[:2] + b"\xff\xff\xff" + _JPEG[2:], None),
    "comment": (_JPEG[:2] + segment(0xFE, b"x" * 65533) + _JPEG[2:], None),
    "damaged EXIF": (_JPEG[:2] + segment(0xE1, b"Exif\0\0MM\0*\xff\xff") + _JPEG[2:], None),
    "damaged ICC profile": (saved("JPEG", quality=95, icc_profile=b"nonsense" * 9), None),
    "an ICC profile": (
        saved("JPEG", quality=95, icc_profile=_PROFILE),
        None,
    ),
    "EXIF orientation of nonsense": (saved("JPEG", quality=95, exif=_exif(99)), None),
    "turned by 180 degrees": (
        saved("JPEG", RGB.rotate(180), quality=95, exif=_exif(3)),
        None,
    ),
    "4:4:1": (_TALL_CHROMA, None),
    "no end": (_JPEG[:-2], None),
    "half an end": (_JPEG[:-1], None),
    "no end, progressive": (saved("JPEG", quality=95, progressive=True)[:-2], None),
    "no end nor last byte": (_JPEG[:-3], "truncated_image"),
    "two ends": (_JPEG + b"\xff\xd9", None),
    "two pictures": (_JPEG + _JPEG, None),
    "rubbish between segments": (_JPEG[:2] + segment(0xFE, b"x") + b"junk" + _JPEG[2:], None),
    "lossless coding": (_JPEG.replace(b"\xff\xc0", b"\xff\xc3"), "corrupt_image"),
    "cut": (_JPEG[: len(_JPEG) // 2], "truncated_image"),
    "header alone": (_JPEG[:20], "corrupt_image"),
    "magic alone": (b"\xff\xd8\xff", "corrupt_image"),
    "no rows": (_JPEG.replace(struct.pack(">HH", SIDE, SIDE), bytes(2) + b"\0@"), "corrupt_image"),
    "a huge header": (
        _JPEG.replace(struct.pack(">HH", SIDE, SIDE), b"\xff\xff\xff\xff"),
        "too_many_pixels",
    ),
    "12 bits": (_JPEG.replace(b"\x08\0@\0@", b"\x0c\0@\0@"), "corrupt_image"),
}

PNG: dict[str, Case] = {
    "1 bit": (saved("PNG", SCENE.convert("1")), None),
    "2 bits": (png(b"".join(b"\0" + bytes(16) for _ in _GREY), depth=2), None),
    "16 bits": (png(_wide(_GREY), depth=16), None),
    "16 bits with transparency": (png(_wide(_GREY, _FULL), depth=16, colour=4), None),
    "16 bits RGBA": (png(_wide(_GREY, _GREY, _GREY, _FULL), depth=16, colour=6), None),
    "palette": (saved("PNG", SCENE.convert("P")), None),
    "palette with transparency": (saved("PNG", SCENE.convert("P"), transparency=5), None),
    "many texts": (png(_ROWS, extra=chunk(b"tEXt", b"a\0b") * 99), None),
    "animated": (_frames("PNG"), None),
    "bytes behind": (_PNG + b"junk" * 99, None),
    "no end": (png(_ROWS, end=b""), None),
    "too many pixels' bytes": (png(_ROWS + bytes(999)), None),
    "text with a wrong checksum": (png(_ROWS, extra=chunk(b"tEXt", b"a\0b", 1)), None),
    "a short gamma": (png(_ROWS, extra=chunk(b"gAMA", b"\0")), None),
    "a bomb of text": (png(_ROWS, extra=chunk(b"zTXt", _BOMB)), None),
    "a bomb of text behind": (png(_ROWS, behind=chunk(b"zTXt", _BOMB)), None),
    "a bomb of a profile": (png(_ROWS, extra=chunk(b"iCCP", _BOMB)), None),
    "much text": (png(_ROWS, extra=chunk(b"tEXt", b"x\0" + b"y" * 9999) * 700), None),
    "a header with a wrong checksum": (_PNG[:29] + bytes(4) + _PNG[33:], "corrupt_image"),
    "pixels with a wrong checksum": (_PNG.replace(b"IDAT", b"IDAT\0", 1), "corrupt_image"),
    "palette missing": (png(_ROWS, colour=3), "corrupt_image"),
    "no such colour": (png(_ROWS, colour=5), "corrupt_image"),
    "no such depth": (png(_ROWS, depth=3), "corrupt_image"),
    "no pixels": (png(b"", size=(0, 0)), "corrupt_image"),
    "too few rows": (png(_ROWS[:999]), "truncated_image"),
    "cut": (_PNG[:-99], "truncated_image"),
    "a bomb": (png(_ROWS, size=(2**31 - 1, 2**31 - 1)), "too_many_pixels"),
    "another bomb": (png(bytes(999), size=(50_000, 50_000), depth=1), "too_many_pixels"),
}

OTHERS: dict[str, Case] = {
    **{
        f"TIFF {name}": (saved("TIFF", compression=name), None)
        for name in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd")
    },
    "TIFF group 4": (saved("TIFF", SCENE.convert("1"), compression="group4"), None),
    "TIFF 16 bits": (saved("TIFF", Image.fromarray(_GREY.astype(np.uint16) * 257)), None),
    "TIFF floats": (saved("TIFF", Image.fromarray(_GREY.astype(np.float32))), None),
    "TIFF of not a number": (
        saved("TIFF", Image.fromarray(np.full((9, 9), np.nan, np.float32))),
        None,
    ),
    "TIFF Lab": (saved("TIFF", _LAB or RGB), None),
    "TIFF CMYK": (saved("TIFF", RGB.convert("CMYK")), None),
    "TIFF of pages": (_frames("TIFF"), None),
    "TIFF cut": (_TIFF[:-99], "truncated_image"),
    "TIFF with a directory nowhere": (b"II*\0\xff\xff\xff\x7f" + _TIFF[8:], "corrupt_image"),
    "BMP 1 bit": (saved("BMP", SCENE.convert("1")), None),
    "BMP palette": (saved("BMP", SCENE.convert("P")), None),
    "BMP grey": (saved("BMP", SCENE), None),
    "BMP from the top": (_top_down(), None),
    "BMP cut": (_BMP[:-9], "truncated_image"),
    "BMP huge": (_BMP[:18] + struct.pack("<ll", 2**30, 2**30) + _BMP[26:], "too_many_pixels"),
    "GIF": (saved("GIF", SCENE), None),
    "GIF animated": (_frames("GIF"), None),
    "GIF without its end": (saved("GIF", SCENE)[:-1], None),
    "GIF cut": (saved("GIF", SCENE)[:-99], "truncated_image"),
    "GIF without a frame": (b"GIF89a\x40\0\x40\0\xf0\0\0" + bytes(6) + b";", "corrupt_image"),
    "GIF of a huge screen": (_gif((65535, 65535), (1, 1)), "too_many_pixels"),
    "GIF of a huge frame": (_gif((1, 1), (65535, 65535)), "too_many_pixels"),
    "WebP": (saved("WEBP", lossless=True), None),
    "WebP animated": (_frames("WEBP", lossless=True), None),
    "WebP cut": (saved("WEBP", lossless=True)[:-9], "truncated_image"),
    "AVIF": (saved("AVIF", quality=95), None),
    "AVIF cut": (saved("AVIF", quality=95)[:-29], "truncated_image"),
    "HEIC": (saved("HEIF", quality=95), None),
    "HEIC cut": (saved("HEIF", quality=95)[:-29], "truncated_image"),
    **{
        form: (saved(form), "unsupported_format")
        for form in ("ICO", "JPEG2000", "PPM", "TGA", "PCX", "DDS", "PDF", "EPS")
    },
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_format"),
    "HTML": (b"<!doctype html><script>alert(1)</script>", "unsupported_format"),
    "zeros": (bytes(999), "unsupported_format"),
    "one pixel": (saved("PNG", SCENE.resize((1, 1))), None),
    "a line across": (saved("PNG", SCENE.resize((30_000, 1))), None),
    "a line down": (saved("PNG", SCENE.resize((1, 30_000))), None),
}

CASES = {"JPEG": JPEG, "PNG": PNG, "others": OTHERS}
OTHER_SCENES = {
    *("1 bit", "2 bits", "TIFF group 4", "TIFF of not a number", "BMP 1 bit"),
    *("one pixel", "a line across", "a line down"),
}
