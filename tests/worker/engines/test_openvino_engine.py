"""The OpenVINO engine: real faces, any batch, damaged files, and no torch in sight."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bundle_factory import write_files
from networks import random_pixels
from semblante.bundles import PACKAGE_MODELS, Bundle, read_bundle, shipped_bundle
from semblante.card import GRAPH
from semblante.errors import BundleError, Unavailable
from semblante_worker.engines import Numbers, load_engine
from semblante_worker.engines.openvino_engine import openvino_core, read_graph
from semblante_worker.outcome import Decoded
from semblante_worker.preprocess import Pixels

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def shipped() -> Bundle:
    return shipped_bundle("resnet18-raf7")


@pytest.fixture(scope="module")
def faces(shared_data: Path) -> Pixels:
    from semblante_worker.decode import decode_image

    spec = read_bundle(PACKAGE_MODELS / "resnet18-raf7", verify=False).card.preprocess
    paths = sorted((shared_data / "fixtures" / "faces_ccby").glob("*.jpg"))
    decoded = [one for path in paths for one in decode_image(0, path.read_bytes(), spec, 10**8)]
    images = [one.pixels for one in decoded if isinstance(one, Decoded)]
    assert len(images) == 40
    return np.stack(images)


def predict(bundle: Bundle, pixels: Pixels, engine: str = "openvino") -> Numbers:
    assert engine in ("openvino", "torch")
    return load_engine(bundle, "cpu", 1, engine).predict(pixels)  # type: ignore[arg-type]


def test_models_come_and_go_in_any_order_and_signals_are_still_handled() -> None:
    code = (
        "import signal\n"
        "from semblante.bundles import shipped_bundle\n"
        "from semblante_worker.engines import load_engine\n"
        "seen = []\n"
        "signal.signal(signal.SIGUSR1, lambda *_: seen.append('handled'))\n"
        "engines = [load_engine(shipped_bundle(name), 'cpu', 1, 'openvino')\n"
        "           for name in ('resnet18-raf7', 'resnet18-raf7-fast')]\n"
        "engines.pop(0)\nengines.pop(0)\n"
        "signal.raise_signal(signal.SIGUSR1)\n"
        "print(seen)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "['handled']\n")


def test_int8_labels_real_faces_as_torch_does(shipped: Bundle, faces: Pixels) -> None:
    expected, found = predict(shipped, faces, "torch"), predict(shipped, faces)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() >= 0.95
    assert np.abs(found - expected).mean() < 0.02
    assert np.abs(found - expected).max() > 1e-4  # it is int8


def test_the_shipped_graph_computes_in_int8(shipped: Bundle) -> None:
    compiled = openvino_core().compile_model(
        read_graph(shipped), "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    )
    precisions: dict[str, list[str]] = {}
    for operation in compiled.get_runtime_model().get_ordered_ops():
        about = operation.get_rt_info()
        kind = about["layerType"].astype(str)
        precisions.setdefault(kind, []).append(about["runtimePrecision"].astype(str))
    assert len(precisions["Convolution"]) == 20
    assert {*precisions["Convolution"], *precisions["FullyConnected"]} <= {"u8", "i8"}
    assert len(precisions.get("FakeQuantize", [])) <= 1  # of the pixels


@pytest.mark.parametrize("threads", [1, 3])
def test_results_do_not_depend_on_the_batch(shipped: Bundle, threads: int) -> None:
    engine = load_engine(shipped, "cpu", threads, "openvino")
    pixels = random_pixels(70, 112, 112)
    pixels.flags.writeable = False  # as pixels straight from Pillow are
    together = engine.predict(pixels)
    assert together.shape == (70, 7)
    assert np.ptp(together, axis=0).max() > 0.001
    for size in (1, 7, 33):
        parts = [engine.predict(pixels[first : first + size]) for first in range(0, 70, size)]
        assert np.concatenate(parts) == pytest.approx(together, abs=1e-5)


def test_several_threads_may_ask_at_once(shipped: Bundle) -> None:
    engine = load_engine(shipped, "cpu", 2, "openvino")
    batches = [random_pixels(count, 112, 112) for count in (1, 5, 40)]
    expected = [engine.predict(batch) for batch in batches]
    with ThreadPoolExecutor(6) as executor:
        results = list(executor.map(engine.predict, batches * 4))
    for place, result in enumerate(results):
        assert result == pytest.approx(expected[place % 3], abs=1e-5)


def test_the_temperature_is_that_of_the_card(shipped: Bundle) -> None:
    card = shipped.card.model_copy(update={"temperature": 3.0})
    warm = replace(shipped, card=card)
    pixels = random_pixels(2, 112, 112)
    plain = predict(shipped, pixels) ** (shipped.card.temperature / 3)
    assert predict(warm, pixels) == pytest.approx(
        plain / plain.sum(axis=1, keepdims=True), abs=1e-5
    )


SHIPPED_GRAPH = (PACKAGE_MODELS / "resnet18-raf7" / GRAPH).read_bytes()
NUMBERS = (PACKAGE_MODELS / "resnet18-raf7" / "model.safetensors").read_bytes()
SPEC = json.loads((PACKAGE_MODELS / "resnet18-raf7" / "card.json").read_bytes())


@pytest.mark.parametrize(
    ("text", "numbers", "message"),
    [
        (b"", NUMBERS, "openvino.xml: it is no graph"),
        (b"<net", NUMBERS, "openvino.xml: it is no graph"),
        (b"<?xml version='1.0'?><net name='x' version='11'/>", NUMBERS, "openvino.xml: it"),
        (SHIPPED_GRAPH[: len(SHIPPED_GRAPH) // 2], NUMBERS, "openvino.xml: it is no graph"),
        (SHIPPED_GRAPH, NUMBERS[:1000], "model.safetensors: its weights do not fit"),
        (SHIPPED_GRAPH, b"", "model.safetensors: its weights do not fit"),
        (SHIPPED_GRAPH, NUMBERS, r"openvino.xml: the card asks for .*\[\?,3\]"),
    ],
    ids=["empty", "open", "bare", "half", "truncated", "no-numbers", "classes"],
)
def test_damaged_graphs_are_refused_by_name(
    tmp_path: Path, text: bytes, numbers: bytes, message: str
) -> None:
    folder = write_files(
        tmp_path / "b",
        {"model.safetensors": numbers, GRAPH: text},
        preprocess=SPEC["preprocess"],
    )
    bundle = read_bundle(folder, verify=True)
    with pytest.raises(BundleError, match=message) as caught:
        load_engine(bundle, "cpu", 1, "openvino")
    assert caught.value.code == "corrupt_bundle"
    assert str(folder) in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", ["model.safetensors", GRAPH])
def test_files_changed_since_the_card_was_written_are_refused(tmp_path: Path, name: str) -> None:
    folder = write_files(
        tmp_path / "b",
        {"model.safetensors": NUMBERS, GRAPH: SHIPPED_GRAPH},
        preprocess=SPEC["preprocess"],
        classes=SPEC["classes"],
    )
    bundle = read_bundle(folder, verify=True)
    assert predict(bundle, random_pixels(1, 112, 112)).shape == (1, 7)
    data = bytearray(bundle.path(name).read_bytes())
    data[len(data) // 2] ^= 1
    bundle.path(name).write_bytes(data)
    with pytest.raises(BundleError, match="its sha256 is not the one in the card") as caught:
        load_engine(bundle, "cpu", 1, "openvino")
    assert str(folder / name) in caught.value.message


def test_a_cuda_device_is_none_of_its(shipped: Bundle) -> None:
    with pytest.raises(Unavailable, match="it runs on CPUs"):
        load_engine(shipped, "cuda:0", 1, "openvino")


WITHOUT_TORCH = """
import json, sys
from importlib.machinery import PathFinder
from pathlib import Path

BLOCKED = {"torch", "torchvision", "safetensors", "nncf"}

class Without:
    finders = sys.meta_path[:]

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            return None
        found = (finder.find_spec(name, path, target) for finder in self.finders)
        return next((spec for spec in found if spec is not None), None)

    def find_distributions(self, context):
        return PathFinder.find_distributions(context) if context.name not in BLOCKED else []

sys.meta_path[:] = [Without()]
from semblante.bundles import shipped_bundle
from semblante.settings import Settings
from semblante_worker import classify, command, device_check, finish, index, run, sweep, tasks
from semblante_worker.predict import Predictor
from semblante_worker.process import start_process

settings = Settings(
    data=Path(sys.argv[1]), broker_url="redis://127.0.0.1:1", compute_threads=1, decode_threads=1
)
start_process(settings, preload=False)
bundle = shipped_bundle(settings.model)
pairs = ((number, Path(path).read_bytes()) for number, path in enumerate(sys.argv[2:]))
rows = [o.probabilities.tolist() for o in Predictor(settings).predict_images(pairs, bundle)]
one = command.predict_here(settings, Path(sys.argv[2]).read_bytes(), None)
check = device_check.check_device()
loaded = {name.partition(".")[0] for name in sys.modules}
print(json.dumps({"rows": rows, "one": one, "check": check.ok, "loaded": sorted(loaded)}))
"""


def test_images_are_labelled_where_torch_cannot_be_imported(
    tmp_path: Path, shared_data: Path, shipped: Bundle, faces: Pixels
) -> None:
    paths = sorted((shared_data / "fixtures" / "faces_ccby").glob("*.jpg"))[:8]
    command = [sys.executable, "-c", WITHOUT_TORCH, *map(str, (tmp_path / "data", *paths))]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    answer = json.loads(process.stdout.splitlines()[-1])
    expected = predict(shipped, faces[:8])
    assert np.array(answer["rows"]) == pytest.approx(expected, abs=1e-5)
    assert answer["one"]["faces"][0]["emotion"] == shipped.classes[int(expected[0].argmax())].id
    assert answer["check"]
    assert {"torch", "torchvision", "safetensors", "nncf"}.isdisjoint(answer["loaded"])
    assert "openvino" in answer["loaded"]
