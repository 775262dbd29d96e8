from __future__ import annotations

import io
import logging
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from semblante.errors import Refused
from semblante.packing import is_sent_as_it_is, opened, plan_packing

PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "fotos de María"
    for name in ("b.JPG", "niños/cara 1.png", "niños/.hidden.jpg", "__MACOSX/b.JPG", "notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / "no extension").write_bytes(PNG)
    return folder


def test_a_folder_is_packed_by_relative_names_in_order(folder: Path) -> None:
    packing = plan_packing([folder])
    assert [file.name for file in packing.files] == ["b.JPG", "niños/cara 1.png", "no extension"]
    assert packing.left_out == 3
    assert packing.filename == "fotos de María.zip"
    assert packing.size == 5 + 17 + 68


def test_packing_a_copy_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    os.utime(copy / "b.JPG", (0, 0))
    first = b"".join(plan_packing([folder]).blocks())
    assert first == b"".join(plan_packing([copy]).blocks())


def test_several_paths_are_named_below_their_common_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "b.jpg").write_bytes(b"other")
    packing = plan_packing([tmp_path / "b.jpg", folder / "niños", folder / "b.JPG"])
    assert [file.name for file in packing.files] == [
        "b.jpg",
        "fotos de María/b.JPG",
        "fotos de María/niños/cara 1.png",
    ]


def test_a_file_given_twice_is_packed_once(folder: Path) -> None:
    packing = plan_packing([folder / "b.JPG", folder / "b.JPG"])
    assert [file.name for file in packing.files] == ["b.JPG"]


def test_a_file_that_was_named_is_never_left_out(folder: Path) -> None:
    packing = plan_packing([folder / "notes.txt", folder / "b.JPG"])
    assert [file.name for file in packing.files] == ["b.JPG", "notes.txt"]


def test_an_archive_among_several_paths_is_refused(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(Refused, match=r"a\.zip is an archive"):
        plan_packing([folder, tmp_path / "a.zip"])


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="There is no image") as caught:
        plan_packing([tmp_path])
    assert caught.value.code == "invalid_request"


def test_a_loop_of_links_and_a_pipe_are_passed_over(folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    (folder / "broken.jpg").symlink_to(folder / "nothing")
    os.mkfifo(folder / "pipe.jpg")
    packing = plan_packing([folder])
    assert [file.name for file in packing.files] == ["b.JPG", "niños/cara 1.png", "no extension"]


def test_a_name_that_is_no_utf8_gets_replacement_characters(tmp_path: Path) -> None:
    with Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")).open("wb") as file:
        file.write(b"x")
    assert [file.name for file in plan_packing([tmp_path]).files] == ["caf\ufffd.jpg"]


def test_files_whose_names_become_equal_are_all_packed(tmp_path: Path) -> None:
    for name in (b"caf\xe9.jpg", b"caf\xe8.jpg", b"caf\xea.jpg", b"caf\xef\xbf\xbd (2).jpg"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(name)
    files = plan_packing([tmp_path]).files
    assert [(file.name, b"".join(file.blocks())) for file in files] == [
        ("caf\ufffd (2).jpg", b"caf\xef\xbf\xbd (2).jpg"),
        ("caf\ufffd (3).jpg", b"caf\xe9.jpg"),
        ("caf\ufffd (4).jpg", b"caf\xea.jpg"),
        ("caf\ufffd.jpg", b"caf\xe8.jpg"),
    ]


def test_no_name_climbs(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b.jpg").write_bytes(b"other")
    (tmp_path / "link.jpg").symlink_to(folder / "b.JPG")
    monkeypatch.chdir(folder)
    packing = plan_packing([Path("../b.jpg"), Path("../link.jpg"), Path("b.JPG")])
    names = [file.name for file in packing.files]
    assert names == ["b.jpg", "fotos de María/b.JPG", "link.jpg"]
    monkeypatch.chdir(folder / "niños")
    assert plan_packing([Path("..")]).filename == "fotos de María.zip"


def test_what_was_named_and_is_not_there_is_no_loss(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        plan_packing([folder / "b.JPG", folder / "missing.jpg"])
    with pytest.raises(Refused, match="Name an archive"):
        plan_packing([])


def test_a_pipe_that_was_named_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe.zip")
    with pytest.raises(Refused, match=r"pipe\.zip is no file or folder"):
        plan_packing([folder / "b.JPG", folder / "pipe.zip"])
    with (
        pytest.raises(Refused, match=r"pipe\.zip is no file or folder"),
        opened([folder / "pipe.zip"]),
    ):
        pass


def packing_messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "semblante.packing"]


def test_a_file_that_cannot_be_read_is_packed_empty_and_named(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "semblante.packing")
    packing = plan_packing([folder])
    (folder / "b.JPG").unlink()
    with zipfile.ZipFile(io.BytesIO(b"".join(packing.blocks()))) as packed:
        assert packed.read("b.JPG") == b""
        assert packed.read("niños/cara 1.png") == "niños/cara 1.png".encode()
    [message] = packing_messages(caplog)
    assert message.startswith(f"{folder / 'b.JPG'} cannot be read: No such file or directory.")


def test_a_folder_that_cannot_be_read_is_named(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Permissions would not stop root; a path that is too long does."""
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("n" * 250, dir_fd=descriptor)
        inner = os.open("n" * 250, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    caplog.set_level(logging.WARNING, "semblante.packing")
    assert len(plan_packing([folder]).files) == 3
    [message] = packing_messages(caplog)
    assert message.startswith(f"{folder}/n")
    assert message.endswith("cannot be read: File name too long. It is left out.")


def test_one_file_is_opened_as_it_is_and_a_folder_as_a_zip(folder: Path) -> None:
    assert is_sent_as_it_is([folder / "b.JPG"])
    assert not is_sent_as_it_is([folder])
    with opened([folder / "b.JPG"]) as (name, file, size):
        assert (name, file.read(), size) == ("b.JPG", b"b.JPG", 5)
    with opened([folder]) as (name, file, size):
        file.seek(0)
        assert name == "fotos de María.zip"
        assert len(file.read()) == size
        assert zipfile.ZipFile(file).read("niños/cara 1.png") == "niños/cara 1.png".encode()
