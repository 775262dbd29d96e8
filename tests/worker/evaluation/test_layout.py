from __future__ import annotations

import pytest

from semblante.emotions import EMOTIONS, Emotion
from semblante.errors import Refused
from semblante_worker.evaluation.class_names import ClassNames
from semblante_worker.evaluation.layout import Layout, Split, arrange

SEVEN = ClassNames(EMOTIONS)
THREE = ClassNames(
    [
        Emotion("happiness", "happy", "feliz"),
        Emotion("sadness", "sad", "triste"),
        Emotion("stressed", "stressed", "estresado"),
    ]
)


@pytest.mark.parametrize(
    ("name", "number"),
    [("anger", 5), ("Anger ", 5), ("ENOJADO", 5), ("6", 5), ("1", 0), ("serio", 6)],
)
def test_a_class_has_several_names(name: str, number: int) -> None:
    assert SEVEN.find(name, "here") == number
    assert SEVEN.knows(name)


@pytest.mark.parametrize("name", ["estresado", "Stressed"])
def test_a_model_has_its_own_names(name: str) -> None:
    assert THREE.find(name, "here") == 2


@pytest.mark.parametrize(("name", "meant"), [("enojado", "anger"), ("6", "anger"), ("4", "hap")])
def test_a_class_that_the_model_lacks_is_named(name: str, meant: str) -> None:
    with pytest.raises(Refused, match=f"here: the model has no class '{meant}") as caught:
        THREE.find(name, "here")
    assert caught.value.code == "class_not_in_model"
    assert "happiness (feliz), sadness (triste), stressed (estresado)" in caught.value.message


def test_an_unknown_class_says_what_it_could_be() -> None:
    with pytest.raises(Refused, match="Folder x: there is no class 'bored'") as caught:
        SEVEN.find("bored", "Folder x")
    assert caught.value.code == "unknown_class"
    assert "surprise (sorprendido), fear (miedo)" in caught.value.message


def of(*paths: str, split: Split | None = None) -> Layout:
    return arrange(paths, split, SEVEN.knows, "set")


def test_classes_at_the_top() -> None:
    layout = of("anger/a.jpg", "fear/b/c.jpg", "cover.jpg")
    assert layout == Layout(None, "", {0: "anger", 1: "fear"}, outside=1)


def test_classes_below_one_folder() -> None:
    assert of("FACES/1/a.jpg", "FACES/2/b.jpg", "FACES/read.jpg") == Layout(
        None, "FACES/", {0: "1", 1: "2"}, outside=1
    )


def test_one_class_at_the_top_is_no_wrapper() -> None:
    assert of("anger/old/a.jpg", "anger/b.jpg").folders == {0: "anger", 1: "anger"}


PARTS = ("D/train/1/a.jpg", "D/valid/1/b.jpg", "D/Test/2/c.jpg", "D/train/d.jpg", "E/x/e.jpg")


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        (None, Layout("test", "D/Test/", {2: "2"}, outside=0)),
        ("test", Layout("test", "D/Test/", {2: "2"}, outside=0)),
        ("val", Layout("val", "D/valid/", {1: "1"}, outside=0)),
        ("train", Layout("train", "D/train/", {0: "1"}, outside=1)),
    ],
)
def test_splits_below_one_folder(split: Split | None, expected: Layout) -> None:
    assert of(*PARTS, split=split) == expected


def test_without_a_split_asked_for_the_first_of_test_val_train_is_taken() -> None:
    assert of("train/1/a.jpg", "train/2/a.jpg").split == "train"
    assert of("train/1/a.jpg", "val/2/a.jpg").split == "val"


@pytest.mark.parametrize(
    ("paths", "split", "message"),
    [
        (("train/1/a.jpg",), "val", "no images of the split 'val'; it has: train"),
        (("1/a.jpg",), "val", "has no folder 'val' with class folders; leave --split out"),
        (("a.jpg", "b.jpg"), None, "set has no image in a class folder"),
    ],
)
def test_nothing_to_take(paths: tuple[str, ...], split: Split | None, message: str) -> None:
    with pytest.raises(Refused, match=message) as caught:
        of(*paths, split=split)
    assert caught.value.code == "empty_dataset"
