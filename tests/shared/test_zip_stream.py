from __future__ import annotations

import io
import zipfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from semblante.packing import PackedFile, Packing
from semblante.zip_stream import BLOCK_BYTES, zip_blocks


def packed(name: str, path: Path, size: int | None = None) -> PackedFile:
    return PackedFile(name, path, path.stat().st_size if size is None else size, 0)


def zipped(*files: PackedFile) -> bytes:
    return b"".join(Packing("x.zip", files, 0).blocks())


def test_members_are_stored_with_a_fixed_time_and_utf8_names(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    data = zipped(packed("niños/cara 1.jpg", tmp_path / "a"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        member = archive.infolist()[0]
        assert archive.testzip() is None
        assert archive.read("niños/cara 1.jpg") == b"one"
    assert member.date_time == (1980, 1, 1, 0, 0, 0)
    assert member.compress_type == zipfile.ZIP_STORED


def test_blocks_are_small_whatever_the_files_are(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(5 * BLOCK_BYTES + 7))
    blocks = list(Packing("x.zip", (packed("a.jpg", tmp_path / "a"),), 0).blocks())
    assert max(map(len, blocks)) < 3 * BLOCK_BYTES
    assert len(zipfile.ZipFile(io.BytesIO(b"".join(blocks))).read("a.jpg")) == 5 * BLOCK_BYTES + 7


def test_a_file_that_has_gone_is_an_empty_member(tmp_path: Path) -> None:
    data = zipped(PackedFile("gone.jpg", tmp_path / "gone.jpg", 5, 0))
    assert zipfile.ZipFile(io.BytesIO(data)).read("gone.jpg") == b""


def test_a_file_that_grows_is_cut_where_it_ended(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    data = zipped(packed("a.jpg", tmp_path / "a", size=3))
    assert zipfile.ZipFile(io.BytesIO(data)).read("a.jpg") == b"123"


@given(contents=st.dictionaries(st.text("abcé/ 1", min_size=1, max_size=8), st.binary()))
def test_what_is_packed_comes_back(contents: dict[str, bytes]) -> None:
    members = [(name, [data]) for name, data in sorted(contents.items())]
    blocks = b"".join(zip_blocks(members))
    with zipfile.ZipFile(io.BytesIO(blocks)) as archive:
        assert archive.namelist() == sorted(contents)
        assert [archive.read(member) for member in archive.infolist()] == [
            contents[name] for name in sorted(contents)
        ]
