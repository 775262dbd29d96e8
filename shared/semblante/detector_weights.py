"""The weights of the face detector YuNet: fetched once, verified whenever they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx

from semblante.errors import BundleError, Unavailable
from semblante.replace import replaced_file

YUNET_FILE = "face_detection_yunet_2023mar.onnx"
YUNET_BYTES = 232_589
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
YUNET_ADDRESS = (
    "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/"
    f"face_detection_yunet/{YUNET_FILE}"
)
"""Where opencv_zoo (MIT licence) publishes the file itself; its git holds a pointer to it."""

DOWNLOAD_SECONDS = 60.0


def yunet_path(data: Path) -> Path:
    """Return where YuNet's weights lie below the data folder, if they are installed."""
    return data / "detectors" / YUNET_FILE


def read_yunet(data: Path) -> bytes | None:
    """Return the installed weights; None when there are none.

    Raises:
        BundleError: `corrupt_detector`, when they are not the published ones.
    """
    path = yunet_path(data)
    if not path.exists():
        return None
    return _checked(path.read_bytes(), str(path))


def install_yunet(data: Path, file: Path | None = None, address: str = YUNET_ADDRESS) -> Path:
    """Store YuNet's weights below the data folder, where workers find them when they start.

    Args:
        data: The data folder.
        file: A copy that is at hand; downloaded from `address` otherwise.
        address: Where the published file is found.

    Raises:
        BundleError: `corrupt_detector`, when the bytes are not the published ones.
        Unavailable: `download_failed`.
    """
    weights = _checked(
        file.read_bytes() if file is not None else b"".join(_download(address)),
        str(file or address),
    )
    path = yunet_path(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced_file(path) as target:
        target.write(weights)
    return path


def _download(address: str) -> Iterator[bytes]:
    """Yield the file's bytes; one byte too many is enough to see that it is another file."""
    left = YUNET_BYTES + 1
    try:
        with httpx.stream(
            "GET", address, follow_redirects=True, timeout=DOWNLOAD_SECONDS
        ) as response:
            response.raise_for_status()
            for block in response.iter_bytes():
                yield block[:left]
                left -= len(block)
                if left <= 0:
                    return
    except httpx.HTTPError as error:
        raise Unavailable(
            "download_failed",
            "%(address)s cannot be fetched (%(reason)s). Fetch it elsewhere, and give "
            "the file by `semblante models pull yunet --from FILE`.",
            address=address,
            reason=error,
        ) from error


def _checked(weights: bytes, name: str) -> bytes:
    if hashlib.sha256(weights).hexdigest() != YUNET_SHA256:
        raise BundleError(
            "corrupt_detector",
            "%(name)s is not the published %(file)s: run `semblante models pull yunet`.",
            name=name,
            file=YUNET_FILE,
        )
    return weights
