"""Predictions of whole images, against a loop that shares nothing with the product but weights."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from factory import jpeg
from predictions import probabilities_of
from semblante.bundles import PACKAGE_MODELS, Bundle, read_bundle, shipped_bundle
from semblante.errors import BundleError, ImageError
from semblante.settings import EngineName, Settings
from semblante_worker.decode_many import AHEAD_PER_THREAD, SLICE_IMAGES
from semblante_worker.engines import Numbers
from semblante_worker.outcome import Failure, Unlabelled
from semblante_worker.predict import Prediction, Predictor
from semblante_worker.resnet import build_resnet
from semblante_worker.weights import parse_weights


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tests run side by side, and threads that outnumber the cores wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def faces() -> list[bytes]:
    """Nine patterns that the resnet18-raf7 sees differently, for tests that need no real face."""
    noise = np.random.default_rng(2)
    images = []
    for step in range(1, 10):
        small = noise.integers(0, 256, (step + 1, step + 1), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(small).resize((90 + step, 80)).save(buffer, "PNG")
        images.append(buffer.getvalue())
    return images


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return shipped_bundle("resnet18-raf7")


def predictor(folder: Path, batch_size: int = 4, engine: EngineName = "auto") -> Predictor:
    return Predictor(
        Settings(
            data=folder,
            device="cpu",
            engine=engine,
            compute_threads=1,
            decode_threads=2,
            batch_size=batch_size,
        )
    )


def index_of(outcome: Prediction | Unlabelled) -> int:
    return outcome.face.index if isinstance(outcome, Prediction) else outcome.index


def probabilities(outcomes: list[Prediction | Unlabelled]) -> Numbers:
    return np.stack([o.probabilities for o in outcomes if isinstance(o, Prediction)])


def test_real_faces_equal_a_plain_loop_image_by_image(
    tmp_path: Path, shared_data: Path, bundle: Bundle
) -> None:
    paths = sorted((shared_data / "fixtures" / "faces_ccby").glob("*.jpg"))
    assert len(paths) == 40
    network = build_resnet("resnet18", 7)
    weights = parse_weights((PACKAGE_MODELS / "resnet18-raf7" / "model.safetensors").read_bytes())
    network.load_state_dict(weights)
    network.float().eval()

    pairs = ((index, path.read_bytes()) for index, path in enumerate(paths))
    outcomes = list(predictor(tmp_path, 16, "torch").predict_images(pairs, bundle))

    for index, (path, outcome) in enumerate(zip(paths, outcomes, strict=True)):
        with Image.open(path) as image:
            grey = image.convert("L").resize((112, 112), Image.Resampling.BILINEAR)
        normal = (torch.tensor(np.array(grey)).float() / 255 - 0.449) / 0.226
        with torch.no_grad():
            logits = network(torch.stack([normal] * 3)[None]) / bundle.card.temperature
            expected = torch.softmax(logits, dim=1)[0]
        assert isinstance(outcome, Prediction)
        assert outcome.probabilities == pytest.approx(expected.numpy(), abs=1e-3)
        face = outcome.face
        assert (face.index, face.width, face.height) == (index, 256, 256)
        assert face.sha256.hex() == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (face.box, face.confidence, face.detector) == (None, None, None)


@pytest.mark.parametrize("batch_size", [1, 2, 9, 100])
def test_outcomes_keep_order_and_do_not_depend_on_the_batch(
    tmp_path: Path, bundle: Bundle, faces: list[bytes], batch_size: int
) -> None:
    reader = predictor(tmp_path)
    alone = np.stack([probabilities_of(reader, face, bundle) for face in faces])
    assert np.ptp(alone, axis=0).max() > 0.1

    pairs: list[tuple[int, bytes | ImageError]] = []
    for place, face in enumerate(faces):
        pairs += [(10 * place, face), (10 * place + 1, b"no image")]
    pairs.insert(5, (45, ImageError("encrypted", "closed")))
    outcomes = list(predictor(tmp_path, batch_size).predict_images(pairs, bundle))

    assert [index_of(outcome) for outcome in outcomes] == [index for index, _ in pairs]
    codes = [outcome.code for outcome in outcomes if isinstance(outcome, Failure)]
    assert sorted(set(codes)) == ["encrypted", "unsupported_format"]
    assert len(codes) == 10
    assert probabilities(outcomes) == pytest.approx(alone, abs=1e-5)


def test_failures_only_and_nothing_at_all(tmp_path: Path, bundle: Bundle) -> None:
    reader = predictor(tmp_path, batch_size=2)
    outcomes = list(reader.predict_images([(index, b"") for index in range(5)], bundle))
    assert [(index_of(o), isinstance(o, Failure)) for o in outcomes] == [
        (i, True) for i in range(5)
    ]
    assert list(reader.predict_images([], bundle)) == []


def test_one_image_gives_its_prediction_or_says_why_not(tmp_path: Path, bundle: Bundle) -> None:
    reader = predictor(tmp_path)
    data = jpeg(90, (50, 40))
    [prediction] = reader.predict_one(data, bundle)
    assert isinstance(prediction, Prediction)
    face = prediction.face
    assert (face.index, face.width, face.height) == (0, 50, 40)
    assert face.sha256.hex() == hashlib.sha256(data).hexdigest()
    assert prediction.probabilities.shape == (7,)
    assert float(prediction.probabilities.sum()) == pytest.approx(1, abs=1e-5)
    with pytest.raises(ImageError) as caught:
        reader.predict_one(b"no image", bundle)
    assert caught.value.code == "unsupported_format"


def test_a_model_is_loaded_once(tmp_path: Path, bundle: Bundle) -> None:
    reader = predictor(tmp_path)
    same = read_bundle(bundle.folder, verify=False)
    assert reader.load(bundle) is reader.load(same)


def test_few_models_stay_loaded(tmp_path: Path, bundle: Bundle) -> None:
    reader = Predictor(Settings(data=tmp_path, compute_threads=1, loaded_models=2))
    one, two, three = (replace(bundle, digest=digit * 64) for digit in "123")
    first = reader.load(one)
    reader.load(two)
    assert reader.load(one) is first
    reader.load(three)
    loaded = [reader.loaded(model.digest) is not None for model in (one, two, three)]
    assert loaded == [True, False, True]


def test_only_two_batches_are_in_work(tmp_path: Path, bundle: Bundle) -> None:
    data, read = jpeg(1), 0

    def count() -> Iterator[tuple[int, bytes]]:
        nonlocal read
        for index in range(400):
            read += 1
            yield index, data

    outcomes = predictor(tmp_path, batch_size=4).predict_images(count(), bundle)
    lead = [read - index_of(outcome) for outcome in outcomes]
    assert len(lead) == 400
    assert max(lead) <= 2 * 4 + SLICE_IMAGES * (2 * AHEAD_PER_THREAD + 1)


def test_a_damaged_model_stops_before_any_image_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    card = (PACKAGE_MODELS / "resnet18-raf7" / "card.json").read_bytes()
    (folder / "card.json").write_bytes(card)
    for name in ("model.safetensors", "openvino.xml"):
        (folder / name).write_bytes(b"damage")
    damaged = read_bundle(folder, verify=False)

    def untouched() -> Iterator[tuple[int, bytes]]:
        raise AssertionError
        yield 0, b""

    with pytest.raises(BundleError, match=r"openvino\.xml: its sha256"):
        list(predictor(tmp_path).predict_images(untouched(), damaged))
