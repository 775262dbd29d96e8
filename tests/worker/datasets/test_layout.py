from __future__ import annotations

import pytest

from semblante.class_names import ClassNames
from semblante.emotions import EMOTIONS, Emotion
from semblante.errors import Refused
from semblante_worker.datasets.entry import SPLIT_NAMES, Split
from semblante_worker.datasets.layout import Arrangement, arrange

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
    [("anger", 5), ("Anger ", 5), ("ENOJADO", 5), ("6", 5), ("1", 0), ("serio", 6), ("Happy", 3)],
)
def test_a_class_has_several_names(name: str, number: int) -> None:
    assert SEVEN.find(name, "here") == number
    assert SEVEN.knows(name)


@pytest.mark.parametrize("name", ["estresado", "Stressed"])
def test_a_model_has_its_own_names(name: str) -> None:
    assert THREE.find(name, "here") == 2


@pytest.mark.parametrize(
    ("name", "meant"), [("enojado", "anger"), ("6", "anger"), ("1", "surprise"), ("angry", "anger")]
)
def test_a_class_that_the_model_lacks_is_named(name: str, meant: str) -> None:
    with pytest.raises(Refused, match=f"here: the model has no class '{meant}") as caught:
        THREE.find(name, "here")
    assert caught.value.code == "class_not_in_model"
    assert "happiness (feliz), sadness (triste), stressed (estresado)" in caught.value.message


def test_a_classs_own_name_goes_before_the_usual_ones() -> None:
    names = ClassNames([Emotion("happiness", "joy", "alegre"), Emotion("happy", "fun", "risa")])
    assert (names.find("happy", "here"), names.find("joy", "here")) == (1, 0)


def test_a_recipes_numbers_are_in_the_place_of_the_usual_ones() -> None:
    names = ClassNames(EMOTIONS, {"surprise": ("5", "wow"), "happiness": ("3",)})
    assert [names.find(name, "here") for name in ("5", "WOW", "3", "feliz", "sad")] == [
        *(0, 0, 3, 3, 4)
    ]
    with pytest.raises(Refused, match="there is no class '1'"):
        names.find("1", "here")
    assert ClassNames(EMOTIONS, {"surprise": ("wow",)}).find("1", "here") == 0


def test_an_unknown_class_says_what_it_could_be() -> None:
    with pytest.raises(Refused, match="Folder x: there is no class 'bored'") as caught:
        SEVEN.find("bored", "Folder x")
    assert caught.value.code == "unknown_class"
    assert "surprise (sorprendido), fear (miedo)" in caught.value.message


def of(*paths: str) -> tuple[Arrangement, list[tuple[Split | None, str | None]]]:
    """Return how the paths are arranged, and the part and the class's folder of each."""
    found = arrange(paths, SEVEN.knows)
    return found, [(found.split_of(path), found.folder_of(path)) for path in paths]


def test_classes_at_the_top() -> None:
    assert of("anger/a.jpg", "fear/b/c.jpg", "cover.jpg") == (
        Arrangement(has_parts=False, depth=0),
        [("train", "anger"), ("train", "fear"), ("train", None)],
    )


def test_classes_below_one_folder() -> None:
    assert of("FACES/1/a.jpg", "FACES/2/b.jpg", "FACES/read.jpg") == (
        Arrangement(has_parts=False, depth=1),
        [("train", "FACES/1"), ("train", "FACES/2"), ("train", None)],
    )
    assert of("x/FACES/1/a.jpg", "x/FACES/2/b.jpg")[0] == Arrangement(has_parts=False, depth=2)


def test_one_class_at_the_top_is_no_wrapper() -> None:
    _arrangement, found = of("anger/old/a.jpg", "anger/b.jpg")
    assert found == [("train", "anger"), ("train", "anger")]


def test_parts_below_one_folder() -> None:
    paths = ("D/train/1/a.jpg", "D/valid/1/b.jpg", "D/Test/2/c.jpg", "D/train/d.jpg", "E/x/e.jpg")
    assert of(*paths) == (
        Arrangement(has_parts=True, depth=2),
        [
            ("train", "D/train/1"),
            ("val", "D/valid/1"),
            ("test", "D/Test/2"),
            ("train", None),
            (None, None),
        ],
    )


@pytest.mark.parametrize("name", ["train", "Test"])
def test_parts_below_several_folders(name: str) -> None:
    _arrangement, found = of(f"a/b/{name}/1/a.jpg", f"a/b/{name}/2/b.jpg")
    part = SPLIT_NAMES[name.lower()]
    assert found == [(part, f"a/b/{name}/1"), (part, f"a/b/{name}/2")]
    arrangement, _found = of("a/b/train/1/a.jpg", "a/b/test/1/a.jpg", "a/read.jpg")
    assert arrangement == Arrangement(has_parts=True, depth=3)


def test_parts_at_the_top_go_before_those_below() -> None:
    _arrangement, found = of("train/1/a.jpg", "old/train/1/b.jpg", "c.jpg")
    assert found == [("train", "train/1"), (None, "old/train"), (None, None)]
