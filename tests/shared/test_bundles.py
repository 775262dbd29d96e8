"""Reading bundles: what the card must say, and that damage is always found."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle_factory import CLASSES, PREPROCESS, card_of, write_bundle
from semblante.bundles import find_bundle, installed_bundles, parse_card, read_bundle
from semblante.emotions import EMOTIONS
from semblante.errors import BundleError, NotFound

CARD = card_of(b"weights")


def test_the_starter_is_installed_and_whole(tmp_path: Path) -> None:
    bundle = find_bundle(tmp_path, "starter")

    assert read_bundle(bundle.folder, verify=True) == bundle
    assert bundle.is_packaged
    assert bundle.classes == EMOTIONS
    assert bundle.card.preprocess.shape == (112, 112)
    assert bundle.card.metrics["rafdb_test"].accuracy == 0.8569
    assert "not a feeling" in bundle.card.limits
    assert find_bundle(tmp_path, bundle.reference) == bundle


def test_a_reference_holds_the_hash_of_the_card(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "mine")
    (folder / "card.json").write_text(json.dumps(CARD, sort_keys=True))
    assert read_bundle(folder, verify=True).reference == "mine@c674177374ce"


def test_paths_and_verified_bytes(tmp_path: Path) -> None:
    bundle = read_bundle(write_bundle(tmp_path / "mine"), verify=True)
    assert bundle.path("model.safetensors") == tmp_path / "mine" / "model.safetensors"
    assert bundle.read("model.safetensors") == b"weights"
    with pytest.raises(BundleError, match=r"card\.json: the card does not name this file"):
        bundle.read("card.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "grey"}, r"card\.json: colour: Extra inputs"),
        ({"preprocess": {**PREPROCESS, "size": 3}}, "preprocess.size: Extra inputs"),
        ({"preprocess": {**PREPROCESS, "crop": [64, 16]}}, "crop is larger than resize"),
        ({"preprocess": {**PREPROCESS, "std": [0, 1, 1]}}, "preprocess.std.0: .*greater than 0"),
        ({"preprocess": {**PREPROCESS, "interpolation": "best"}}, "preprocess.interpolation"),
        ({"architecture": "vgg"}, "architecture: .*resnet18"),
        ({"name": "../mine"}, "name: "),
        ({"name": "Mine"}, "name: "),
        ({"classes": [CLASSES[0], CLASSES[0]]}, "two classes have the same id"),
        ({"classes": [CLASSES[0]]}, "classes: .*at least 2"),
        ({"temperature": 0}, "temperature: .*greater than 0"),
        ({"temperature": float("nan")}, "temperature: .*finite"),
        ({"files": {}}, "files does not name model.safetensors"),
        ({"files": {"../x": {"sha256": "0" * 64}}}, r"files\.\.\./x"),
        ({"files": CARD["files"] | {"card.json": {"sha256": "0" * 64}}}, "names the card itself"),
        ({"metrics": {"test": {"n": 1, "accuracy": 1.5}}}, "metrics.test.accuracy"),
    ],
)
def test_a_card_that_is_not_understood_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    folder = write_bundle(tmp_path / "mine", **changes)
    with pytest.raises(BundleError, match=message) as caught:
        read_bundle(folder, verify=False)
    assert caught.value.code == "corrupt_bundle"


@pytest.mark.parametrize("field", sorted(CARD.keys() - {"temperature"}))
def test_a_card_without_a_field_is_refused(tmp_path: Path, field: str) -> None:
    folder = write_bundle(tmp_path / "mine")
    card = {name: value for name, value in CARD.items() if name != field}
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(BundleError, match=f"{field}: Field required"):
        read_bundle(folder, verify=False)


def test_a_wrong_hash_names_the_file(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "mine")
    (folder / "model.safetensors").write_bytes(b"Weights")

    with pytest.raises(BundleError, match=r"model\.safetensors: its sha256 is not"):
        read_bundle(folder, verify=True)
    unverified = read_bundle(folder, verify=False)
    with pytest.raises(BundleError, match=r"model\.safetensors: its sha256 is not"):
        unverified.read("model.safetensors")


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("name", ["card.json", "model.safetensors"])
def test_a_missing_file_is_named(tmp_path: Path, name: str, verify: bool) -> None:
    folder = write_bundle(tmp_path / "mine")
    (folder / name).unlink()
    with pytest.raises(BundleError, match=f"{name}: it is missing"):
        read_bundle(folder, verify=verify)


def test_a_huge_card_is_not_read(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "mine")
    (folder / "card.json").write_bytes(b" " * (1024**2 + 1))
    with pytest.raises(BundleError, match="more than 1048576 bytes"):
        read_bundle(folder, verify=False)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_one_way(data: bytes) -> None:
    with pytest.raises(BundleError, match=r"card\.json: "):
        parse_card(data, Path("card.json"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(CARD)), VALUES)
def test_any_value_of_a_field_is_taken_or_refused(field: str, value: Any) -> None:
    try:
        card = parse_card(json.dumps(CARD | {field: value}).encode(), Path("card.json"))
    except BundleError as error:
        assert error.code == "corrupt_bundle"  # noqa: PT017
    else:
        assert card.name == (value if field == "name" else "mine")


def test_imported_bundles_follow_those_of_the_package_newest_first(tmp_path: Path) -> None:
    for age, version in enumerate(["3", "1", "2"]):
        folder = write_bundle(tmp_path / "models" / version, version=version)
        os.utime(folder / "card.json", (1000 - age, 1000 - age))

    bundles = installed_bundles(tmp_path)
    assert [(b.card.name, b.card.version) for b in bundles] == [
        ("starter", "0.1.0"),
        ("mine", "3"),
        ("mine", "1"),
        ("mine", "2"),
    ]
    assert find_bundle(tmp_path, "mine").card.version == "3"
    assert find_bundle(tmp_path, bundles[-1].reference).card.version == "2"


def test_a_damaged_bundle_does_not_hide_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_bundle(tmp_path / "models" / "good")
    write_bundle(tmp_path / "models" / "bad", name="bad", surprise=1)
    write_bundle(tmp_path / "models" / ".unfinished-1", name="unfinished")

    with caplog.at_level(logging.WARNING):
        names = [bundle.card.name for bundle in installed_bundles(tmp_path)]
    assert names == ["starter", "mine"]
    assert "bad/card.json: surprise: Extra inputs" in caplog.text


def test_an_unknown_model_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"called 'x'\. There is: starter@") as caught:
        find_bundle(tmp_path, "x")
    assert caught.value.code == "model_not_found"
