"""Odd and hostile zips, each with what must become of it.

A text is the code of the failed job. Else: the outcome of every image by its path, "ok" or the
code of its row, in the order of the archive.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

from factory import jpeg
from hostile.packing import pack
from hostile.zip_writer import FULL_32, Entry, descriptor, write_zip

Outcome = str | dict[str, str]
Case = tuple[bytes, Outcome]
PICTURE = jpeg(120, (16, 16))
A, B, C = (Entry(name, PICTURE) for name in (b"a.jpg", b"b.jpg", b"c.jpg"))
ALL_OK = {"a.jpg": "ok", "b.jpg": "ok", "c.jpg": "ok"}
MIB = 1024 * 1024


def _packed(method: int, name: bytes = b"a.jpg") -> Entry:
    return Entry(name, PICTURE, method, pack(PICTURE, method))


def _named(name: bytes, **fields: int | bytes) -> bytes:
    return write_zip([replace(A, name=name, **fields), B])  # type: ignore[arg-type]


def _extra(number: int, body: bytes) -> bytes:
    return struct.pack("<HH", number, len(body)) + body


def _unicode_path(name: bytes, path: str) -> bytes:
    return _extra(0x7075, b"\1" + struct.pack("<L", zlib.crc32(name)) + path.encode())


def _piped(*, signed: bool) -> Entry:
    return replace(A, flags=8, local_sizes=False, descriptor=descriptor(A, signed=signed))


PLAIN = write_zip([A, B, C])
DECOY = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 50, 0, 2)

METHODS: dict[str, Case] = {
    **{
        f"method {number}": (write_zip([_packed(number), B]), {"a.jpg": "ok", "b.jpg": "ok"})
        for number in (0, 8, 9, 12, 14, 93, 95)
    },
    **{
        f"method {number}": (
            write_zip([replace(A, method=number), B]),
            {"a.jpg": "unsupported_compression", "b.jpg": "ok"},
        )
        for number in (1, 2, 3, 4, 5, 6, 7, 10, 11, 18, 19, 20, 94, 96, 97, 98, 4660)
    },
    **{
        f"damaged by method {number}": (
            write_zip([replace(A, method=number, packed=b"\xfe\xff\x07 no such bytes"), B]),
            {"a.jpg": "corrupt_member", "b.jpg": "ok"},
        )
        for number in (8, 9, 12, 14, 93, 95)
    },
    **{
        f"cut in method {number}": (
            write_zip([replace(_packed(number), packed=pack(PICTURE, number)[:99]), B]),
            {"a.jpg": "corrupt_member", "b.jpg": "ok"},
        )
        for number in (8, 9, 12, 14, 93, 95)
    },
    **{
        f"more than promised by method {number}": (
            write_zip([replace(_packed(number), unpacked_bytes=20), B]),
            {"a.jpg": "corrupt_member", "b.jpg": "ok"},
        )
        for number in (8, 9, 12, 14, 93, 95)
    },
}

ENCRYPTED: dict[str, Case] = {
    f"encrypted: {name}": (
        write_zip([replace(A, flags=flags, method=method), B]),
        {"a.jpg": "encrypted", "b.jpg": "ok"},
    )
    for name, flags, method in (
        ("traditional", 0x1, 0),
        ("traditional, deflated", 0x1, 8),
        ("strong", 0x41, 0),
        ("masked headers", 0x2001, 0),
        ("AES", 0x1, 99),
        ("AES without its flag", 0, 99),
    )
}

NAMES: dict[str, Case] = {
    **{
        f"unsafe name {name!r}": (_named(name), {path: "unsafe_path", "b.jpg": "ok"})
        for name, path in (
            (b"/etc/passwd.jpg", "/etc/passwd.jpg"),
            (b"//host/share/a.jpg", "//host/share/a.jpg"),
            (b"../a.jpg", "../a.jpg"),
            (b"a/../../b.jpg", "a/../../b.jpg"),
            (b"..\\a.jpg", "..\\a.jpg"),
            (b"\\a.jpg", "\\a.jpg"),
            (b"C:/a.jpg", "C:/a.jpg"),
            (b"c:a.jpg", "c:a.jpg"),
            (b"CON.jpg", "CON.jpg"),
            (b"folder/aux.png", "folder/aux.png"),
            (b"nul/a.jpg", "nul/a.jpg"),
            (b"COM1.jpg", "COM1.jpg"),
            (b"lpt9 .jpg", "lpt9 .jpg"),
            (b"a\0.jpg", "a\ufffd.jpg"),
            (b"n" * 1021 + b".jpg", "n" * 1021 + ".jp"),
            (b"n" * 65530 + b".jpg", "n" * 1024),
        )
    },
    **{
        f"odd name {name!r}": (_named(name), {path: "ok", "b.jpg": "ok"})
        for name, path in (
            (b"con gafas.jpg", "con gafas.jpg"),
            (b"auxiliary.jpg", "auxiliary.jpg"),
            (b"a..b.jpg", "a..b.jpg"),
            (b"./a.jpg", "a.jpg"),
            (b" a .jpg", " a .jpg"),
            (b"=cmd.jpg", "=cmd.jpg"),
            (b'a",\r\nb.jpg', 'a",\r\nb.jpg'),
            (b"\x1b[31m.jpg", "\x1b[31m.jpg"),
            (b"ni\xa4o.jpg", "niño.jpg"),  # code page 437
            ("niño.jpg".encode(), "niño.jpg"),
            (b"\xed\xa0\x80.jpg", "φáÇ.jpg"),  # a surrogate is no UTF-8
            (b"n" * 1020 + b".jpg", "n" * 1020 + ".jpg"),
        )
    },
    "UTF-8 by its flag": (
        write_zip([replace(A, name="日本.jpg".encode(), flags=0x800), B]),
        {"日本.jpg": "ok", "b.jpg": "ok"},
    ),
    "bad bytes under the flag": (
        write_zip([replace(A, name=b"\xff\xfe.jpg", flags=0x800), B]),
        {"\ufffd\ufffd.jpg": "ok", "b.jpg": "ok"},
    ),
    "Unicode path field": (
        write_zip([replace(A, extra=_unicode_path(b"a.jpg", "ñ.jpg")), B]),
        {"ñ.jpg": "ok", "b.jpg": "ok"},
    ),
    "Unicode path field that climbs": (
        write_zip([replace(A, extra=_unicode_path(b"a.jpg", "../ñ.jpg")), B]),
        {"../ñ.jpg": "unsafe_path", "b.jpg": "ok"},
    ),
    "Unicode path field of another name": (
        write_zip([replace(A, extra=_unicode_path(b"x.jpg", "../ñ.jpg")), B]),
        {"a.jpg": "ok", "b.jpg": "ok"},
    ),
    "backslashes of Windows": (
        write_zip([replace(A, name=b"folder\\a.jpg", system=0), B]),
        {"folder/a.jpg": "ok", "b.jpg": "ok"},
    ),
    "empty name": (write_zip([replace(A, name=b""), B]), {"b.jpg": "ok"}),
    "only slashes": (write_zip([replace(A, name=b"///"), B]), {"b.jpg": "ok"}),
    "only dots": (write_zip([replace(A, name=b"..")]), {"..": "unsafe_path"}),
}

KINDS: dict[str, Case] = {
    **{
        f"mode {mode:o}": (write_zip([replace(A, mode=mode), B]), {"b.jpg": "ok"})
        for mode in (0o120777, 0o040755, 0o010644, 0o020644, 0o060644, 0o140644)
    },
    "folder with data": (write_zip([replace(A, name=b"folder/"), B]), {"b.jpg": "ok"}),
    "folder named like an image": (write_zip([replace(A, name=b"x.jpg/"), B]), {"b.jpg": "ok"}),
    "nested archive": (write_zip([Entry(b"inner.zip", PLAIN)]), "no_images"),
    "nested archive named like an image": (
        write_zip([Entry(b"inner.jpg", PLAIN)]),
        {"inner.jpg": "unsupported_format"},
    ),
    "a picture's bytes under another name": (
        write_zip([replace(A, name=b"a.txt")]),
        {"a.txt": "ok"},
    ),
    "duplicates": (
        write_zip([A, replace(B, name=b"a.jpg"), replace(C, name=b"./a.jpg")]),
        {"a.jpg": "ok", "a.jpg (2)": "duplicate_path", "a.jpg (3)": "duplicate_path"},
    ),
    "no members": (write_zip([]), "no_images"),
    "an empty image": (
        write_zip([Entry(b"a.jpg", b""), B]),
        {"a.jpg": "unsupported_format", "b.jpg": "ok"},
    ),
}

SIZES: dict[str, Case] = {
    "wrong checksum": (
        write_zip([replace(A, crc32=1), B]),
        {"a.jpg": "crc_mismatch", "b.jpg": "ok"},
    ),
    "size too small": (
        write_zip([replace(A, unpacked_bytes=9), B]),
        {"a.jpg": "corrupt_member", "b.jpg": "ok"},
    ),
    "size too large": (
        write_zip([replace(A, unpacked_bytes=9999), B]),
        {"a.jpg": "corrupt_member", "b.jpg": "ok"},
    ),
    "larger than an image may be": (
        write_zip([replace(A, unpacked_bytes=65 * MIB), B]),
        {"a.jpg": "too_large", "b.jpg": "ok"},
    ),
    "packed size into the next": (
        write_zip([replace(A, packed_bytes=len(PICTURE) + 40), B, C]),
        {"a.jpg": "overlapping_member", "b.jpg": "ok", "c.jpg": "ok"},
    ),
    "packed size beyond the end": (
        write_zip([A, replace(B, packed_bytes=MIB), C]),
        {"a.jpg": "ok", "b.jpg": "truncated_member", "c.jpg": "ok"},
    ),
    "offset beyond the end": (
        write_zip([replace(A, offset=0xFFFFFFF0), B]),
        {"a.jpg": "truncated_member", "b.jpg": "ok"},
    ),
    "offset at no header": (
        write_zip([A, replace(B, offset=5)]),
        {"a.jpg": "overlapping_member", "b.jpg": "corrupt_member"},
    ),
    "no local header": (
        write_zip([replace(A, signature=b"PK\x03\x05"), B]),
        {"a.jpg": "corrupt_member", "b.jpg": "ok"},
    ),
    "two names for the same bytes": (
        write_zip([A, replace(B, offset=0), C]),
        {"a.jpg": "overlapping_member", "b.jpg": "ok", "c.jpg": "ok"},
    ),
    "members in another order": (
        write_zip([replace(A, offset=30 + 5 + len(PICTURE)), replace(B, offset=0)]),
        {"a.jpg": "ok", "b.jpg": "ok"},
    ),
    "a bomb of many names for the same bytes": (
        write_zip([replace(A, name=b"%d.jpg" % number, offset=0) for number in range(250)]),
        {f"{number}.jpg": "overlapping_member" for number in range(249)} | {"249.jpg": "ok"},
    ),
    "a bomb by its ratio": (
        write_zip([replace(A, name=b"%d.jpg" % n, unpacked_bytes=60 * MIB) for n in range(20)]),
        "too_large_unpacked",
    ),
    "a bomb in what is no image": (
        write_zip([A, replace(B, name=b"zeros.bin", unpacked_bytes=0xFFFFFFF0)]),
        "too_large_unpacked",
    ),
}

LAYOUT: dict[str, Case] = {
    "piped": (write_zip([_piped(signed=True), B, C]), ALL_OK),
    "piped, descriptor without signature": (write_zip([_piped(signed=False), B, C]), ALL_OK),
    "behind a program": (write_zip([A, B, C], before=b"MZ" + bytes(5000)), ALL_OK),
    "behind a program, offsets not moved": (
        write_zip([A, B, C], before=b"MZ" + bytes(5000), shifted=False),
        ALL_OK,
    ),
    "a gap before the directory": (write_zip([A, B, C], gap=b"APK Sig Block 42"), ALL_OK),
    "signed": (write_zip([A, B, C], signature=b"PK\x05\x05\x09\x00signature"), ALL_OK),
    "signed at length": (
        write_zip([A, B, C], signature=b"PK\x05\x05\x90\x01" + bytes(400)),
        ALL_OK,
    ),
    "signed, a member behind": (
        write_zip([A, B, C], signature=b"PK\x05\x05\x00\x00" + b"PK\x01\x02" + bytes(42), count=4),
        "corrupt_archive",
    ),
    "a comment": (write_zip([A, B, C], comment=b"x" * 0xFFFF), ALL_OK),
    "a comment that holds an end": (write_zip([A, B, C], comment=DECOY + b"xx"), ALL_OK),
    "a comment that is an end": (write_zip([A, B, C], comment=DECOY[:-2] + b"\0\0"), ALL_OK),
    "a comment of many ends": (write_zip([A, B, C], comment=b"PK\x05\x06" * 5000), ALL_OK),
    "bytes behind the end": (write_zip([A, B, C], after=b"\r\n" * 99), ALL_OK),
    "a zip behind a zip": (PLAIN + write_zip([A]), {"a.jpg": "ok"}),
    "zip64 without need": (write_zip([A, B, C], zip64=True), ALL_OK),
    "zip64 behind a program": (
        write_zip([A, B, C], zip64=True, before=b"MZ" * 99, shifted=False),
        ALL_OK,
    ),
    "zip64 fields in a member": (
        write_zip(
            [
                replace(
                    A,
                    packed_bytes=FULL_32,
                    unpacked_bytes=FULL_32,
                    extra=_extra(1, struct.pack("<QQ", len(PICTURE), len(PICTURE))),
                ),
                B,
            ]
        ),
        {"a.jpg": "ok", "b.jpg": "ok"},
    ),
    "zip64 fields that are missing": (
        write_zip([replace(A, packed_bytes=FULL_32), B]),
        {"a.jpg": "truncated_member", "b.jpg": "ok"},
    ),
    "zip64 fields of 2**64": (
        write_zip(
            [replace(A, unpacked_bytes=FULL_32, extra=_extra(1, b"\xff" * 8)), B],
        ),
        "too_large_unpacked",
    ),
    "zip64 end cut away": (
        write_zip([A], zip64=True).replace(b"PK\x06\x06", b"PKxx"),
        "corrupt_archive",
    ),
    "another part's end": (write_zip([A], disk=1), "corrupt_archive"),
    "another part's member": (write_zip([replace(A, disk=3)]), "corrupt_archive"),
    "more members than said": (write_zip([A, B], count=1), "corrupt_archive"),
    "fewer members than said": (write_zip([A, B], count=3), "corrupt_archive"),
    "a broken directory": (PLAIN.replace(b"PK\x01\x02", b"PK\x01\x03"), "corrupt_archive"),
    "an end alone": (PLAIN[-22:], "corrupt_archive"),
    "a local header alone": (PLAIN[:100], "corrupt_archive"),
    **{
        f"cut at {len(PLAIN) * part // 8}": (PLAIN[: len(PLAIN) * part // 8], "corrupt_archive")
        for part in range(1, 8)
    },
    "begin cut away": (PLAIN[40:], "not_an_archive"),
}

CASES = {
    "methods": METHODS,
    "encrypted": ENCRYPTED,
    "names": NAMES,
    "kinds": KINDS,
    "sizes": SIZES,
    "layout": LAYOUT,
}
