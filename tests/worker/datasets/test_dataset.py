"""Data sets: the three layouts from folders and zips, and what cannot be used."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from picture_sets import pictures, write_folder, write_zip
from semblante.class_names import ClassNames
from semblante.emotions import EMOTIONS, Emotion
from semblante.errors import Refused
from semblante_worker.datasets.dataset import read_dataset
from semblante_worker.datasets.name_list import read_names
from semblante_worker.datasets.votes import NO_MAJORITY

MANIFEST = (
    "path,source,usage,label,p1,p2\na/x.png,one,train,1,0.5,1.5\nb/y.png,two,PrivateTest,2,,\n"
)


@pytest.mark.parametrize("top", ["", "DATASET/"])
def test_parts(tmp_path: Path, top: str) -> None:
    folders = {f"{top}train/1": 3, f"{top}train/2": 2, f"{top}Validation/1": 1, f"{top}test/2": 4}
    expected = {"train": {"1": 3, "2": 2}, "val": {"1": 1}, "test": {"2": 4}}
    from_folder = read_dataset(write_folder(tmp_path / "set", folders))
    assert from_folder.counts() == expected
    files = pictures(folders) | {"__MACOSX/train/1/._000.png": b"", f"{top}readme.txt": b"hello"}
    from_zip = read_dataset(write_zip(tmp_path / "set.zip", files))
    assert from_zip.counts() == expected
    path = f"{top}train/1/000.png"
    assert from_zip.store.read(path) == from_folder.store.read(path) == files[path]


def test_folders_of_classes_alone_are_for_training(tmp_path: Path) -> None:
    found = read_dataset(write_folder(tmp_path / "set", {"top/feliz": 2, "top/triste": 3}))
    assert found.counts() == {"train": {"feliz": 2, "triste": 3}}


def test_empty_folders_are_known(tmp_path: Path) -> None:
    found = read_dataset(write_folder(tmp_path / "set", {"train/1": 2, "train/2": 0}))
    assert found.empty_folders == ("train/2",)


def test_a_manifest(tmp_path: Path) -> None:
    files = {"a/x.png": b"x", "b/y.png": b"y", "manifest.csv": MANIFEST.encode()}
    first, second = read_dataset(write_zip(tmp_path / "set.zip", files)).entries
    assert (first.path, first.split, first.label, first.source) == ("a/x.png", "train", "1", "one")
    assert first.shares == {"1": 0.5, "2": 1.5}
    assert (second.split, second.shares) == ("test", None)


def test_a_row_without_a_label_is_of_the_class_with_most_votes(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a": 3})
    rows = "a/000.png,,2,7,x\na/001.png,,8,7,\na/002.png,fear,2,2,\n"
    (tmp_path / "manifest.csv").write_text(f"path,label,p1,p4,person\n{rows}", encoding="utf-8")
    found = read_dataset(tmp_path).entries
    assert [entry.label for entry in found] == ["4", "1", "fear"]
    assert found[0].shares == {"1": 2, "4": 7}


def test_a_table_of_votes_needs_no_labels(tmp_path: Path) -> None:
    table = (
        b"path,neutral,happiness,sadness,contempt,unknown,NF\n"
        b"a.png,0,6,2,2,0,0\n"  # as in FERPlus, more than half of all votes
        b"b.png,0,5,3,2,0,0\n"
        b"c.png,1,0,0,9,0,0\n"
        b"d.png,0,0,0,0,0,10\n"
        b"e.png,0,0,0,0,0,0\n"
    )
    files = {f"{name}.png": b"x" for name in "abcde"} | {"manifest.csv": table}
    archive = write_zip(tmp_path / "set.zip", files)
    entries = read_dataset(archive).entries
    labels = ["happiness", NO_MAJORITY, "contempt", "NF", NO_MAJORITY]
    assert [entry.label for entry in entries] == labels
    assert entries[0].shares == {"neutral": 0, "happiness": 6, "sadness": 2}
    eight = ClassNames((*EMOTIONS, Emotion("contempt", "contempt", "desprecio")))
    third = read_dataset(archive, eight.knows).entries[2]
    assert third.shares == {"neutral": 1, "happiness": 0, "sadness": 0, "contempt": 9}


def test_votes_alone(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a": 2})
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("path,p1,p4\na/000.png,4,5\na/001.png,3,2\n", encoding="utf-8")
    assert [entry.label for entry in read_dataset(tmp_path).entries] == ["4", "1"]
    manifest.write_text("path,p1,p4\na/000.png,4,5\na/001.png,3,3\n", encoding="utf-8")
    with pytest.raises(Refused, match="line 3: it has neither a label nor a majority"):
        read_dataset(tmp_path)


def test_ferplus_as_it_is_published(shared_data: Path) -> None:
    entries = read_dataset(shared_data / "datasets" / "fer2013_ferplus_train.zip").entries
    known = ClassNames(EMOTIONS).knows
    assert (len(entries), sum(known(entry.label) for entry in entries)) == (32137, 24585)


def test_a_row_without_a_label_is_of_the_class_that_the_recipe_gives_the_number(
    tmp_path: Path,
) -> None:
    write_folder(tmp_path, {"a": 2})
    rows = "a/000.png,,2,7\na/001.png,,2,0\n"
    (tmp_path / "manifest.csv").write_text(f"path,label,p1,p3\n{rows}", encoding="utf-8")
    fer2013 = {"1", "3", "disgust", "happiness"}
    assert [e.label for e in read_dataset(tmp_path, fer2013.__contains__).entries] == ["3", "1"]
    named = {"surprise", "disgust"}
    found = read_dataset(tmp_path, named.__contains__).entries
    assert [entry.label for entry in found] == ["disgust", "surprise"]


def test_a_path_may_begin_with_a_dot(tmp_path: Path) -> None:
    files = {"a/x.png": b"x", "manifest.csv": b"path,label\n./a//x.png,1\n"}
    [entry] = read_dataset(write_zip(tmp_path / "set.zip", files)).entries
    assert entry.path == "a/x.png"


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize("top", ["", "./", "inner/", "outer/inner/"])
@pytest.mark.parametrize("kind", ["zip", "tar", "folder"])
def test_a_manifest_wherever_it_lies(tmp_path: Path, top: str, kind: str) -> None:
    names = {"a/x.png": b"x", "b/y.png": b"y", "manifest.csv": MANIFEST.encode()}
    files = {top + name: data for name, data in names.items()} | {"readme.txt": b"hello"}
    path = tmp_path / f"set.{kind}"
    if kind == "folder":
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    else:
        (write_zip if kind == "zip" else write_tar)(path, files)
    found = read_dataset(path)
    assert (found.layout, [entry.path for entry in found.entries]) == (
        "manifest",
        ["a/x.png", "b/y.png"],
    )
    assert found.store.read("b/y.png") == b"y"


def test_a_manifest_of_some_pictures_only_is_none(tmp_path: Path) -> None:
    files = pictures({"train/1": 1, "train/2": 1, "old/1": 1})
    files["old/manifest.csv"] = b"path,label\n1/000.png,1\n"
    for path in (tmp_path / "set.zip", tmp_path / "set.tar"):
        (write_zip if path.suffix == ".zip" else write_tar)(path, files)
        assert read_dataset(path, is_strict=False).layout == "parts"


def test_the_part_may_be_called_split(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a": 2})
    rows = "a/000.png,1,validation\na/001.png,1,\n"
    (tmp_path / "manifest.csv").write_text(f"path,label,split\n{rows}", encoding="utf-8")
    assert [entry.split for entry in read_dataset(tmp_path).entries] == ["val", "train"]


def test_a_manifest_without_rows(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("path,label\n", encoding="utf-8")
    with pytest.raises(Refused, match=r"manifest\.csv lists no image") as caught:
        read_dataset(tmp_path)
    assert caught.value.code == "empty_dataset"


def test_a_manifest_beside_its_pictures(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a": 1})
    (tmp_path / "mine.csv").write_text("path,label\na/000.png,glad\n", encoding="utf-8")
    assert read_dataset(tmp_path / "mine.csv").counts() == {"train": {"glad": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,usage\n", "line 1: there is no column label"),
        ("path,label\na/000.png,1\na/999.png,1\n", "line 3: there is no image 'a/999.png'"),
        ("path,label\na/000.png,\n", "line 2: it has neither a label nor a majority"),
        ("path,label,usage\na/000.png,1,later\n", "line 2: usage 'later' is none of train"),
        ("path,label,p1\na/000.png,1,-1\n", "line 2: p1 is no share"),
        ("path,label,p1\na/000.png,1,nan\n", "line 2: p1 is no share"),
        (
            "path,label,usage\na/000.png,1,train\n./a/000.png,1,val\n",
            "line 3: a/000.png stands on line 2, too",
        ),
        ("path,label\na/000.png,1\na/../a/000.png,2\n", "line 3: .* stands on line 2, too"),
        (f"path,label\n{'a' * 300}.png,1\n", "line 2: there is no image 'aaa"),
    ],
)
def test_a_manifest_that_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    write_folder(tmp_path, {"a": 1})
    (tmp_path / "manifest.csv").write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match=message) as caught:
        read_dataset(tmp_path)
    assert caught.value.code == "bad_table"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"notes.txt": b"x"}, "holds no image"),
        (
            {"train/1/a.png": b"x", "train/b.png": b"x"},
            r"train/b\.png lies in no folder",
        ),
        ({"train/1/a.png": b"x", "more/b.png": b"x"}, r"more/b\.png lies in none of the folders"),
        ({"a.png": b"x"}, r"a\.png lies in no folder of a class"),
    ],
)
def test_a_layout_that_is_none(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(Refused, match=message):
        read_dataset(write_zip(tmp_path / "set.zip", files))


def test_what_is_no_zip(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(b"PK nonsense")
    with pytest.raises(Refused, match=r"set\.zip is no folder and no readable zip"):
        read_dataset(tmp_path / "set.zip")


def test_names_are_left_out_whatever_their_ending(tmp_path: Path) -> None:
    found = read_dataset(write_folder(tmp_path / "set", {"train/1": 3, "train/2": 1}))
    (tmp_path / "list.txt").write_text("001.jpg\ntrain/2/000.png\n\nnone.jpg\n", encoding="utf-8")
    kept = found.without(read_names(tmp_path / "list.txt"))
    assert [entry.path for entry in kept.entries] == ["train/1/000.png", "train/1/002.png"]


def test_the_real_exclude_list(shared_data: Path) -> None:
    datasets = shared_data / "datasets"
    found = read_dataset(datasets / "rafdb_train.zip")
    assert sum(found.counts()["train"].values()) == 12_271
    kept = found.without(read_names(datasets / "rafdb_train_exclude.txt"))
    assert len(kept.entries) == 12_217
