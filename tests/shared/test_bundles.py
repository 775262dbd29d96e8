"""Reading bundles: what the card must say, and that damage is always found."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle_factory import CLASSES, PREPROCESS, card_of, write_bundle
from semblante import bundles
from semblante.bundles import (
    Bundle,
    parse_card,
    read_bundle,
    shipped_bundle,
    shipped_bundles,
    verified,
)
from semblante.emotions import EMOTIONS
from semblante.errors import BundleError, NotFound
from semblante.settings import Settings

CARD = card_of({"model.safetensors": b"weights"})


@pytest.mark.parametrize("bundle", shipped_bundles(), ids=lambda bundle: bundle.card.name)
def test_shipped_models_are_whole_and_their_cards_complete(bundle: Bundle) -> None:
    assert read_bundle(bundle.folder, verify=True) == bundle
    assert shipped_bundle(bundle.reference) == bundle
    assert bundle.size_bytes == sum(path.stat().st_size for path in bundle.folder.iterdir())
    card = bundle.card
    measured = card.metrics["validation"]
    for interval in (measured.accuracy_interval, measured.mean_recall_interval):
        assert interval is not None
    assert card.openvino is not None
    cost = card.openvino.accuracy_float - card.openvino.accuracy_int8
    assert card.openvino.precision == ("int8" if cost <= 0.005 else "float")
    assert "not a feeling" in card.limits
    assert "prohibited in workplaces and schools" in card.limits
    assert "RAF-DB (non-commercial research only)" in card.terms


def test_the_default_model_has_the_seven_emotions() -> None:
    assert shipped_bundle(Settings().model).classes == EMOTIONS


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
        ({"temperature": 0}, "temperature: .*greater than or equal to 0.01"),
        ({"temperature": 1e-300}, "temperature: .*greater than or equal to 0.01"),
        ({"temperature": 101}, "temperature: .*less than or equal to 100"),
        ({"temperature": float("nan")}, "temperature: .*finite"),
        ({"files": {}}, "files names neither model.safetensors nor openvino.xml and openvino.bin"),
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


def test_a_damaged_bundle_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_bundle(tmp_path / "good")
    write_bundle(tmp_path / "bad", name="bad", surprise=1)
    monkeypatch.setattr(bundles, "PACKAGE_MODELS", tmp_path)
    with caplog.at_level(logging.WARNING):
        names = [bundle.card.name for bundle in shipped_bundles()]
    assert names == ["mine"]
    assert "bad/card.json: surprise: Extra inputs" in caplog.text


def test_an_unknown_model_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"called 'x'\. There is: .*resnet18-raf7@") as caught:
        shipped_bundle("x")
    assert caught.value.code == "model_not_found"


def test_blocks_are_compared_at_their_end() -> None:
    sha256 = hashlib.sha256(b"whole").hexdigest()
    assert list(verified([b"who", b"le"], sha256, Path("w"))) == [b"who", b"le"]
    blocks = verified([b"who", b"LE"], sha256, Path("w"))
    assert [next(blocks), next(blocks)] == [b"who", b"LE"]
    with pytest.raises(BundleError, match="w: its sha256 is not the one in the card"):
        next(blocks)
