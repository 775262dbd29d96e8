"""Names of members: how they are decoded, which are safe, which name images."""

from __future__ import annotations

import functools
import re
import zlib

MOST_CHARACTERS = 1024
_COMMON = {"jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "gif", "tif", "tiff"}
IMAGE_EXTENSIONS = frozenset(_COMMON | {"avif", "heic", "heif"})

_UTF8_FLAG = 0x800
_DOS_SYSTEMS = frozenset((0, 10, 14))
"""Makers whose backslash separates folders: MS-DOS, Windows NTFS, VFAT (APPNOTE 4.4.2)."""
_UNICODE_PATH = 0x7075
_DEVICE = re.compile(
    r"(?<![^/])(?:[Cc][Oo][Nn]|[Pp][Rr][Nn]|[Aa][Uu][Xx]|[Nn][Uu][Ll]"
    r"|[Cc][Oo][Nn](?:[Ii][Nn]|[Oo][Uu][Tt])\$|(?:[Cc][Oo][Mm]|[Ll][Pp][Tt])[0-9¹²³])"
    r" *(?:[.:/]|$)"  # spelled out, because IGNORECASE takes four times as long
)
"""Names that open a device on Windows, whatever their folder and extension."""
_DEVICE_STARTS = frozenset(("CON", "PRN", "AUX", "NUL", "COM", "LPT"))
_PLAIN_PART = rb"(?![CPANLcpanl][ORUPorup][NMXLTnmxlt])[0-9A-Za-z][-0-9A-Za-z_ ]*"
_PLAIN_EXTENSIONS = "|".join(f"{name}|{name.upper()}" for name in sorted(IMAGE_EXTENSIONS)).encode()
_PLAIN = re.compile(rb"(?:%b/)*%b\.(?:%b)" % (_PLAIN_PART, _PLAIN_PART, _PLAIN_EXTENSIONS))
_UNICODE_PATH_START = _UNICODE_PATH.to_bytes(2, "little")


def plain_image_name(raw: bytes, extra: bytes) -> str | None:
    """Return an image's name that is what it seems: ASCII, harmless, with an image's extension.

    Most names are. None only means that the other functions must look, which takes twice as
    long; of their limits only that of the length remains to be checked.
    """
    if _PLAIN.fullmatch(raw) is None or (extra and _UNICODE_PATH_START in extra):
        return None
    return raw.decode("ascii")


def decode_zip_name(raw: bytes, flags: int, extra: bytes, system: int) -> str:
    """Return a zip member's name (APPNOTE 4.4.17, 4.6.9 and appendix D).

    Without the UTF-8 flag, UTF-8 is tried before the standard's code page 437: that is what most
    writers that forget the flag mean. Bytes that are not UTF-8 after all become U+FFFD, because a
    lone surrogate cannot be stored in the database.
    """
    if flags & _UTF8_FLAG:
        path = raw.decode("utf-8", "replace")
    else:
        path = (_unicode_path(raw, extra) if extra else None) or _guess(raw)
    if system in _DOS_SYSTEMS and "\\" in path:
        path = path.replace("\\", "/")
    return without_dot_folder(path)


def is_image_name(path: str) -> bool | None:
    """Whether `path` names an image: True by its extension, False when its place rules it out.

    None means that the member's first bytes must tell.
    """
    if path[-1:] in ("/", "") or path.startswith("__MACOSX/"):
        return False
    if "/." in path or path[0] == ".":
        parts = path.replace("\\", "/").split("/")
        if any(part[0] == "." for part in parts if part not in ("", ".", "..")):
            return False
    return True if path.rpartition(".")[2].lower() in IMAGE_EXTENSIONS else None


def is_unsafe(path: str, max_characters: int = MOST_CHARACTERS) -> bool:
    """Whether `path` could lead elsewhere if somebody unpacks it, or is too long for a row.

    Elsewhere: out of the archive's folder, or to a device.
    """
    if "\\" in path:  # no separator here, but one wherever the name is used on Windows
        path = path.replace("\\", "/")
    return (
        path[0] == "/"
        or path[1:2] == ":"
        or "\0" in path
        or len(path) > max_characters
        or (".." in path and ".." in path.split("/"))
        or (_may_name_device(path) and _DEVICE.search(path) is not None)
    )


def storable(path: str, max_characters: int) -> str:
    """Return `path` as a row can hold it: no NUL, no lone surrogate, not too long."""
    path = path.replace("\0", "\ufffd")[:max_characters]
    return path.encode("utf-8", "replace").decode("utf-8")


def without_dot_folder(path: str) -> str:
    """Return `path` without a leading `./`, which `tar -C folder .` puts before every name."""
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return path


def _may_name_device(path: str) -> bool:
    """Whether a part of `path` begins like a device: seldom, and found sooner than by `_DEVICE`."""
    folder, _, name = path.rpartition("/")
    return name[:3].upper() in _DEVICE_STARTS or _folder_may_name_device(folder)


@functools.lru_cache(256)  # neighbours share their folder
def _folder_may_name_device(folder: str) -> bool:
    return any(part[:3].upper() in _DEVICE_STARTS for part in folder.split("/"))


def _guess(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp437")


def _unicode_path(raw: bytes, extra: bytes) -> str | None:
    """Return the name in Info-ZIP's Unicode Path field, if it belongs to `raw`."""
    field = find_extra(extra, _UNICODE_PATH)
    if field is None or field[:1] != b"\x01":
        return None
    if int.from_bytes(field[1:5], "little") != zlib.crc32(raw):
        return None
    try:
        return field[5:].decode("utf-8")
    except UnicodeDecodeError:
        return None


def find_extra(extra: bytes, wanted: int) -> bytes | None:
    """Return the body of the field `wanted` among a zip member's extra fields (APPNOTE 4.5.1)."""
    at = 0
    while at + 4 <= len(extra):
        length = int.from_bytes(extra[at + 2 : at + 4], "little")
        if int.from_bytes(extra[at : at + 2], "little") == wanted:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return None
