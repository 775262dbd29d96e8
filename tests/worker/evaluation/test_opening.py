"""Folders, archives and manifests give the same data set, or say which folder or line is wrong."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from factory import jpeg, zip_bytes
from semblante.emotions import EMOTIONS
from semblante.errors import ImageError, Refused, SemblanteError
from semblante.settings import Settings
from semblante_worker.datasets.entry import Split
from semblante_worker.evaluation.dataset import Dataset
from semblante_worker.evaluation.opening import open_dataset

MEMBERS = {
    "D/test/4/b.jpg": jpeg(10),
    "D/test/4/c.jpg": jpeg(20),
    "D/test/triste/a.jpg": jpeg(30),
    "D/test/readme.txt": b"hello",
    "D/train/1/d.jpg": jpeg(40),
    "D/train/2/d.jpg": jpeg(50),
}


def write(folder: Path, members: Mapping[str, bytes]) -> Path:
    for name, data in members.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def opened(path: Path, split: Split | None = None, **limits: int) -> Dataset:
    return open_dataset(path, EMOTIONS, split, Settings(data=path.parent / "data", **limits))  # type: ignore[arg-type]


def contents(dataset: Dataset) -> list[bytes | str]:
    return [
        content.code if isinstance(content, ImageError) else content
        for _number, content in dataset.reader.read(range(len(dataset)))
    ]


def refusal(path: Path, split: Split | None = None) -> SemblanteError:
    with pytest.raises(SemblanteError) as caught:
        opened(path, split)
    return caught.value


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_and_its_zip_are_the_same(tmp_path: Path, packed: bool) -> None:
    if packed:
        path = tmp_path / "set.zip"
        path.write_bytes(zip_bytes(MEMBERS))
    else:
        path = write(tmp_path / "set", MEMBERS)
    dataset = opened(path)
    assert dataset.paths == ("D/test/4/b.jpg", "D/test/4/c.jpg", "D/test/triste/a.jpg")
    assert dataset.truth.tolist() == [3, 3, 4]
    assert (dataset.split, dataset.name) == ("test", str(path))
    assert contents(dataset) == [jpeg(10), jpeg(20), jpeg(30)]
    assert [number for number, _content in dataset.reader.read([2, 0])] == [2, 0]
    train = opened(path, "train")
    assert train.paths == ("D/train/1/d.jpg", "D/train/2/d.jpg")
    assert train.truth.tolist() == [0, 1]


PARTS = ("D/train/1/a", "D/train/2/f", "D/valid/1/b", "D/valid/2/b", "D/Test/2/c", "D/Test/3/c")


@pytest.mark.parametrize(
    ("split", "chosen", "paths", "outside"),
    [
        (None, "test", ["D/Test/2/c.jpg", "D/Test/3/c.jpg"], 0),
        ("test", "test", ["D/Test/2/c.jpg", "D/Test/3/c.jpg"], 0),
        ("val", "val", ["D/valid/1/b.jpg", "D/valid/2/b.jpg"], 0),
        ("train", "train", ["D/train/1/a.jpg", "D/train/2/f.jpg"], 1),
    ],
)
def test_parts(
    tmp_path: Path, split: Split | None, chosen: Split, paths: list[str], outside: int
) -> None:
    names = (*PARTS, "D/train/d", "E/x/e")
    folder = write(tmp_path / "set", {f"{name}.jpg": jpeg() for name in names})
    dataset = opened(folder, split)
    assert (dataset.split, list(dataset.paths), dataset.outside) == (chosen, paths, outside)


def test_pictures_outside_class_folders_are_counted(tmp_path: Path) -> None:
    members = {name: jpeg() for name in ("anger/a.jpg", "fear/b/c.jpg", "cover.jpg")}
    dataset = opened(write(tmp_path / "set", members))
    assert (dataset.split, dataset.paths) == (None, ("anger/a.jpg", "fear/b/c.jpg"))
    assert dataset.outside == 1


def test_pictures_of_other_classes_are_skipped_where_that_is_asked_for(tmp_path: Path) -> None:
    names = ("train/1/a.jpg", "test/anger/a.jpg", "test/contempt/b.jpg", "test/fear/c.jpg")
    folder = write(tmp_path / "set", {name: jpeg() for name in names})
    refused = refusal(folder)
    assert (refused.code, "--skip-other-classes" in refused.message) == ("unknown_class", True)
    settings = Settings(data=tmp_path / "data")
    dataset = open_dataset(folder, EMOTIONS, None, settings, skip_other_classes=True)
    assert dataset.paths == ("test/anger/a.jpg", "test/fear/c.jpg")
    assert [EMOTIONS[number].id for number in dataset.truth] == ["anger", "fear"]
    assert dataset.other_classes == 1


def test_a_set_of_other_classes_only_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", {"contempt/a.jpg": jpeg(), "boredom/a.jpg": jpeg()})
    with pytest.raises(Refused) as caught:
        open_dataset(folder, EMOTIONS, None, Settings(data=tmp_path / "d"), skip_other_classes=True)
    assert caught.value.code == "empty_dataset"
    assert "no image of the model's classes" in caught.value.message


def test_without_a_split_asked_for_the_first_of_test_val_train_is_taken(tmp_path: Path) -> None:
    train = {"train/1/a.jpg": jpeg(), "train/2/a.jpg": jpeg()}
    assert opened(write(tmp_path / "one", train)).split == "train"
    val = {"val/1/a.jpg": jpeg(), "val/2/a.jpg": jpeg()}
    assert opened(write(tmp_path / "two", train | val)).split == "val"


@pytest.mark.parametrize(
    ("paths", "split", "message"),
    [
        (("train/1/a.jpg",), "val", "no images of the split 'val'; it has: train"),
        (("1/a.jpg",), "val", "has no folder 'val' with class folders; leave --split out"),
        (("a.jpg", "b.jpg"), None, "set has no image in a class folder"),
    ],
)
def test_nothing_to_take(
    tmp_path: Path, paths: tuple[str, ...], split: Split | None, message: str
) -> None:
    error = refusal(write(tmp_path / "set", dict.fromkeys(paths, jpeg())), split)
    assert error.code == "empty_dataset"
    assert message in error.message


def test_a_tar_is_read_as_its_folder(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", MEMBERS)
    path = tmp_path / "set.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(folder / "D", "D")
    dataset = opened(path)
    assert dataset.paths == opened(folder).paths
    assert contents(dataset) == [jpeg(10), jpeg(20), jpeg(30)]


def test_a_zip_with_an_empty_class_is_refused_as_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(zip_bytes({"1/a.jpg": jpeg(), "2/b.jpg": jpeg(), "3/": b"", "x/": b""}))
    error = refusal(path)
    assert (error.code, f"{path}/3 holds no image" in error.message) == ("empty_class", True)


def test_the_part_of_a_manifest_may_be_called_usage(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    rows = "a.jpg,1,PrivateTest\nb.jpg,2,Training\nc.jpg,2,test\n"
    path.write_text(f"path,label,usage\n{rows}", encoding="utf-8")
    assert opened(path, "test").paths == ("a.jpg", "c.jpg")


def test_a_manifest_names_files_beside_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", {"x/a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    lines = [
        "\ufeffpath,label,split,p1,p2,p3,p4,p5,p6,p7",
        "x/a.jpg,miedo,test,,,,,,,",
        "b.jpg,,Validation,0,0,0.1,0,0.2,0.7,0",
        "",
        "gone.jpg,1,test,1,0,0,0,0,0,0",
    ]
    (folder / "manifest.csv").write_text("\n".join(lines), encoding="utf-8")
    for path in (folder, folder / "manifest.csv"):
        dataset = opened(path)
        assert dataset.paths == ("x/a.jpg", "b.jpg", "gone.jpg")
        assert dataset.truth.tolist() == [1, 5, 0]
        assert contents(dataset) == [jpeg(1), jpeg(2), "unreadable_file"]
    assert opened(folder, "test").paths == ("x/a.jpg", "gone.jpg")


def test_a_zip_may_bring_its_manifest(tmp_path: Path) -> None:
    manifest = b"path,label\r\nx/a.jpg,2\r\ngone.jpg,7\r\nb.jpg,1\r\n"
    path = tmp_path / "set.zip"
    images = {"x/a.jpg": jpeg(1), "b.jpg": jpeg(2), "c.jpg": jpeg(3)}
    path.write_bytes(zip_bytes({"manifest.csv": manifest} | images))
    dataset = opened(path)
    assert dataset.paths == ("x/a.jpg", "gone.jpg", "b.jpg")
    assert dataset.truth.tolist() == [1, 6, 0]
    assert contents(dataset) == [jpeg(1), "unreadable_file", jpeg(2)]
    assert "there is no column split" in refusal(path, "val").message


@pytest.mark.parametrize(
    ("manifest", "line"), [(b"path,label\na,1\nb,\xff", "line 3: it is not UTF-8"), (b"", "line 1")]
)
def test_a_damaged_manifest_in_a_zip(tmp_path: Path, manifest: bytes, line: str) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(zip_bytes({"manifest.csv": manifest, "1/a.jpg": jpeg()}))
    error = refusal(path)
    assert error.code == "bad_table"
    assert f"{path}/manifest.csv, {line}" in error.message


def test_images_that_are_too_large_are_failures(tmp_path: Path) -> None:
    path = write(tmp_path / "set", {"1/a.jpg": jpeg(1), "2/b.jpg": b"x" * 5000})
    assert contents(opened(path, max_image_bytes=4000)) == [jpeg(1), "too_large"]


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        ({}, "empty_dataset", "There is no image in {path}."),
        ({"1/a.jpg": jpeg(), "bored/a.jpg": jpeg()}, "unknown_class", "Folder {path}/bored: "),
        ({"1/a.jpg": jpeg(), "1/b.jpg": jpeg()}, "one_class_only", "all images are of one class"),
        (
            {"1/a.jpg": jpeg(), "2/b.jpg": jpeg(), "3/no.txt": b""},
            "empty_class",
            "{path}/3 holds no image",
        ),
    ],
)
def test_a_folder_that_cannot_be_used(
    tmp_path: Path, members: dict[str, bytes], code: str, message: str
) -> None:
    path = tmp_path / "set"
    path.mkdir()
    error = refusal(write(path, members))
    assert error.code == code
    assert message.format(path=path) in error.message


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (zip_bytes({"bored/a.jpg": jpeg(), "1/a.jpg": jpeg()}), "unknown_class", "folder bored"),
        (zip_bytes({"a.txt": b""}), "empty_dataset", "no image in a class folder"),
        (b"nothing", "not_an_archive", "no zip"),
        (jpeg(), "empty_dataset", "a data set is a folder, a zip, a tar or a manifest"),
    ],
)
def test_an_archive_that_cannot_be_used(
    tmp_path: Path, data: bytes, code: str, message: str
) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(data)
    error = refusal(path)
    assert error.code == code
    assert message in error.message


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (b"", "bad_table", "line 1: it has no header"),
        (b"path,emotion\na.jpg,1", "bad_table", "line 1: there is no column label"),
        (b"path,label\na.jpg,1\nb.jpg", "bad_table", "line 3: it has 1 cells, the header 2"),
        (b"path,label\na.jpg,1\n,2", "bad_table", "line 3: the path is empty"),
        (b"path,label\na.jpg,bored", "unknown_class", "line 2: there is no class 'bored'"),
        (b"path,label\na.jpg,", "bad_table", "line 2: it has neither a label nor a majority"),
        (b"path,label,p1\na.jpg,,x", "bad_table", "line 2: p1 is no number: 'x'"),
        (b'path,label\n"a.jpg,1', "bad_table", "line 2: unexpected end of data"),
        (b"path,label\na.jpg,1\n\xff,2", "bad_table", "it is not UTF-8"),
        (b"path,label\n", "empty_dataset", "lists no image"),
    ],
)
def test_a_manifest_that_cannot_be_used(
    tmp_path: Path, text: bytes, code: str, message: str
) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(text)
    error = refusal(path)
    assert error.code == code
    assert error.message.startswith(str(path))
    assert message in error.message


def test_a_name_that_no_file_can_have_is_an_image_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(b"path,label\na\0.jpg,1\n%b.jpg,2\n" % (b"a" * 300))
    assert contents(opened(path)) == ["unreadable_file", "unreadable_file"]


def test_an_empty_folder_that_is_no_class_does_not_matter(tmp_path: Path) -> None:
    members = {"1/a.jpg": jpeg(), "2/b.jpg": jpeg(), "notes/read.txt": b""}
    assert len(opened(write(tmp_path / "set", members))) == 2


def test_votes_that_are_equal_are_no_majority(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("path,label,fear,anger\na.jpg,,5,5\n", encoding="utf-8")
    assert "neither a label nor a majority" in refusal(path).message


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"No such file"):
        opened(tmp_path / "gone.csv")
