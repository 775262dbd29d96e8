"""Decoding of every format and mode, orientation, limits, damage, and threads."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from fuzz.targets import decode_picture
from semblante.errors import ImageError
from semblante.picture import open_picture, to_grey

MOST = 10**6
pillow_heif.register_heif_opener()


def shaded(mode: str = "RGB", size: tuple[int, int] = (24, 16)) -> Image.Image:
    """Return a picture with a gradient, so that turning and damage show."""
    across = np.linspace(0, 255, size[0], dtype=np.uint8)[None, :].repeat(size[1], 0)
    down = np.linspace(255, 0, size[1], dtype=np.uint8)[:, None].repeat(size[0], 1)
    return Image.fromarray(np.stack([across, down, across // 2], axis=2)).convert(mode)


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    """Return `image` as a file of the format `form`."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def code_of(data: bytes, most: int = MOST) -> str:
    """Return the code that decoding `data` raises."""
    with pytest.raises(ImageError) as caught:
        open_picture(data, most)
    return caught.value.code


def grey_of(image: Image.Image) -> list[list[int]]:
    """Return the grey values of `image`, rows of columns."""
    grey = to_grey(image)
    assert grey.mode == "L"
    values: list[list[int]] = np.asarray(grey).tolist()
    return values


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "MPO", "JPEG", "WEBP", "AVIF", "HEIF"])
def test_every_format_is_decoded(form: str) -> None:
    options = {"append_images": [shaded()], "save_all": True} if form == "MPO" else {"quality": 95}
    picture = open_picture(saved(shaded(), form, **options), MOST)
    assert picture.size == (24, 16)
    difference = np.abs(
        np.asarray(picture.convert("RGB"), dtype=int) - np.asarray(shaded(), dtype=int)
    )
    assert difference.mean() < (1e-9 if form in ("PNG", "BMP", "TIFF") else 6)


def test_only_the_first_frame_of_an_animation_is_used() -> None:
    red, blue = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    for form in ("GIF", "WEBP", "PNG", "TIFF"):
        data = saved(red, form, save_all=True, append_images=[blue])
        first = open_picture(data, MOST).convert("RGB").resize((1, 1))
        assert np.abs(np.asarray(first, dtype=int) - [255, 0, 0]).max() <= 2


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16", "CMYK", "I"])
def test_modes_survive_a_file(mode: str) -> None:
    data = saved(shaded("L").convert(mode), "TIFF" if mode in ("CMYK", "PA", "I") else "PNG")
    picture = open_picture(data, MOST)
    assert picture.mode == mode
    assert np.asarray(to_grey(picture)).shape == (16, 24)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, (0, 0)), (2, (1, 0)), (3, (1, 1)), (4, (0, 1)), (5, (0, 0)), (6, (1, 0)), (7, (1, 1)),
     (8, (0, 1))],
)  # fmt: skip
def test_pictures_are_turned_upright(form: str, orientation: int, corner: tuple[int, int]) -> None:
    stored = Image.new("L", (64, 32), 255)
    stored.paste(0, (0, 0, 16, 16))  # the black corner is where EXIF says that it belongs
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = open_picture(saved(stored.convert("RGB"), form, exif=exif), MOST)
    assert picture.size == ((64, 32) if orientation < 5 else (32, 64))
    grey = np.asarray(to_grey(picture))
    values = {(x, y): grey[-8 if y else 7, -8 if x else 7] for x in (0, 1) for y in (0, 1)}
    assert min(values, key=lambda place: values[place]) == corner


def test_a_turned_picture_is_not_turned_again_when_saved() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = open_picture(saved(shaded(), "JPEG", exif=exif), MOST)
    assert picture.size == (16, 24)
    assert open_picture(saved(picture, "JPEG"), MOST).size == (16, 24)


def test_heic_is_turned_once() -> None:
    # HEIF turns by its own property; EXIF's orientation beside it must not turn again.
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_picture(saved(shaded(), "HEIF", exif=exif.tobytes()), MOST).size == (16, 24)


def test_damaged_exif_does_not_cost_the_picture() -> None:
    for exif in (b"Exif\0\0" + b"\xff" * 40, b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12" * 30):
        data = saved(shaded(), "JPEG", exif=exif)
        assert open_picture(data, MOST).size == (24, 16)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "HEIF"])
def test_the_limit_of_pixels_is_checked_on_the_header(form: str) -> None:
    data = saved(shaded(), form)
    assert open_picture(data, 24 * 16).size == (24, 16)
    assert code_of(data, 24 * 16 - 1) == "too_many_pixels"
    assert code_of(data, 10) == "too_many_pixels"  # beyond twice the limit Pillow itself objects


def test_a_header_of_billions_of_pixels_decodes_nothing() -> None:
    chunk = b"IHDR" + struct.pack(">LLBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
    ihdr = struct.pack(">L", 13) + chunk + struct.pack(">L", zlib.crc32(chunk))
    data = b"\x89PNG\r\n\x1a\n" + ihdr + struct.pack(">L", 0) + b"IDAT" + bytes(4)
    assert code_of(data, 10**8) == "too_many_pixels"


@pytest.mark.parametrize(
    "data", [b"", b"hello", bytes(1000), b"%PDF-1.7", b"<svg/>", b"BMW is a car maker from Munich"]
)
def test_other_files_are_of_no_supported_format(data: bytes) -> None:
    assert code_of(data) == "unsupported_format"


def test_formats_that_pillow_knows_but_we_do_not_read_are_refused() -> None:
    for form in ("ICO", "PPM", "TGA", "PCX", "JPEG2000"):
        assert code_of(saved(shaded(size=(32, 32)), form)) == "unsupported_format"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "HEIF"])
def test_truncated_pictures_are_named_so(form: str) -> None:
    data = saved(Image.effect_noise((64, 64), 90).convert("RGB"), form)
    assert code_of(data[: len(data) * 3 // 4]) == "truncated_image"


def test_damaged_pictures_are_corrupt() -> None:
    png = saved(shaded(), "PNG")
    at = png.index(b"IDAT") + 10
    assert code_of(png[:at] + b"\xff" * 20 + png[at + 20 :]) in ("corrupt_image", "truncated_image")
    assert code_of(b"\xff\xd8\xff" + bytes(100)) == "corrupt_image"
    assert code_of(b"\x89PNG\r\n\x1a\n" + bytes(100)) == "corrupt_image"


DAMAGED = [
    saved(shaded(), form) for form in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "HEIF")
]
DAMAGED.append(saved(shaded("P"), "TIFF", compression="tiff_lzw"))
DAMAGED.append(saved(shaded(), "WEBP", save_all=True, append_images=[shaded("L")]))


@settings(max_examples=400, deadline=None)
@given(
    data=st.sampled_from(DAMAGED),
    patches=st.lists(
        st.tuples(st.integers(0, 10**4), st.binary(min_size=1, max_size=4)), max_size=5
    ),
    cut=st.integers(0, 10**4),
)
def test_any_damage_ends_in_a_picture_or_an_image_error(
    data: bytes, patches: list[tuple[int, bytes]], cut: int
) -> None:
    damaged = bytearray(data)
    for place, value in patches:
        at = place % len(data)
        damaged[at : at + len(value)] = value
    kept = bytes(damaged) if cut % 2 else bytes(damaged[: cut % len(data)])
    decode_picture(kept)


def test_no_warning_leaks() -> None:
    transparent = shaded("P")
    transparent.info["transparency"] = bytes(range(200))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = open_picture(saved(transparent, "PNG", transparency=bytes(range(200))), 24 * 16)
        assert to_grey(picture).size == (24, 16)
        assert code_of(saved(shaded(), "PNG"), 300) == "too_many_pixels"


def test_many_threads_decode_at_once() -> None:
    files = [saved(shaded(size=(16 + index % 7, 16)), "PNG") for index in range(200)]
    with ThreadPoolExecutor(8) as pool:
        widths = list(pool.map(lambda data: open_picture(data, MOST).width, files))
    assert widths == [16 + index % 7 for index in range(200)]


def test_colours_and_grey_become_what_pillow_makes_of_them() -> None:
    noise = Image.fromarray(np.random.default_rng(7).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    assert grey_of(noise) == np.asarray(noise.convert("L")).tolist()
    assert grey_of(noise.convert("L")) == np.asarray(noise.convert("L")).tolist()
    assert grey_of(Image.new("RGB", (1, 1), (200, 100, 50))) == [[124]]  # 59.8 + 58.7 + 5.7


def test_transparency_lies_over_white() -> None:
    assert grey_of(Image.new("RGBA", (1, 1), (0, 0, 0, 0))) == [[255]]
    assert grey_of(Image.new("RGBA", (1, 1), (0, 0, 0, 128))) == [[127]]
    assert grey_of(Image.new("RGBA", (1, 1), (9, 9, 9, 255))) == [[9]]
    assert grey_of(Image.new("LA", (1, 1), (0, 0))) == [[255]]
    assert grey_of(Image.new("La", (1, 1), (0, 0))) == [[255]]
    assert grey_of(Image.new("RGBa", (1, 1), (0, 0, 0, 0))) == [[255]]
    palette = Image.new("P", (2, 1), 0)
    palette.putpalette([10, 10, 10, 20, 20, 20])
    palette.putpixel((1, 0), 1)
    assert grey_of(palette) == [[10, 20]]
    assert grey_of(open_picture(saved(palette, "PNG", transparency=0), MOST)) == [[255, 20]]
    assert grey_of(open_picture(saved(palette, "PNG", transparency=b"\x80\xff"), MOST)) == [
        [132, 20]
    ]
    grey_key = saved(Image.new("L", (1, 1), 7), "PNG", transparency=7)
    assert grey_of(open_picture(grey_key, MOST)) == [[255]]


def test_other_colour_models() -> None:
    assert grey_of(Image.new("1", (1, 1), 1)) == [[255]]
    assert grey_of(Image.new("CMYK", (1, 1), (0, 0, 0, 0))) == [[255]]
    assert grey_of(Image.new("CMYK", (1, 1), (0, 0, 0, 155))) == [[100]]
    assert grey_of(Image.new("YCbCr", (1, 1), (77, 128, 128))) == [[77]]
    assert grey_of(Image.new("HSV", (1, 1), (0, 0, 66))) == [[66]]
    lab = ImageCms.profileToProfile(
        Image.new("RGB", (1, 1), (90, 90, 90)),
        ImageCms.createProfile("sRGB"),
        ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )
    assert lab is not None
    assert abs(grey_of(lab)[0][0] - 90) <= 2


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    values = np.array([[0, 128, 257, 32768, 65535]], dtype=np.uint16)
    expected = [[0, 0, 1, 128, 255]]
    assert grey_of(Image.fromarray(values)) == expected
    assert grey_of(Image.frombytes("I;16B", (5, 1), values.astype(">u2").tobytes())) == expected
    assert grey_of(Image.fromarray(values.astype(np.int32))) == expected
    assert grey_of(open_picture(saved(Image.fromarray(values), "PNG"), MOST)) == expected
    assert grey_of(open_picture(saved(Image.fromarray(values), "TIFF"), MOST)) == expected


def test_wide_integers_and_floats() -> None:
    assert grey_of(Image.fromarray(np.array([[-5, 0, 200, 255]], dtype=np.int32))) == [
        [0, 0, 200, 255]
    ]
    assert grey_of(Image.fromarray(np.array([[0, 10**6, 2 * 10**6]], dtype=np.int32))) == [
        [0, 128, 255]
    ]
    assert grey_of(Image.fromarray(np.array([[0, 0.5, 1]], dtype=np.float32))) == [[0, 128, 255]]
    assert grey_of(Image.fromarray(np.array([[0, 50, 300]], dtype=np.float32))) == [[0, 50, 255]]


def test_real_pictures_equal_pillow_s_own_grey(shared_data: Path) -> None:
    paths = sorted((shared_data / "fixtures" / "faces_ccby").glob("*.[jp][pn]g"))
    assert len(paths) == 40
    for path in paths:
        with Image.open(path) as reference:
            expected = reference.convert("L").tobytes()
        assert to_grey(open_picture(path.read_bytes(), MOST)).tobytes() == expected
