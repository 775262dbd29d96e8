"""What a user would write instead, over the same files: loops with torch, and ONNX Runtime.

Each runs the same network at the same input size with weights at random, since speed does not
depend on them, and decodes by Pillow, as such scripts do.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semblante.bundles import Bundle
from semblante_worker.bench.rate import Rate, measure_rate
from semblante_worker.bench.sample import Sample

MOST_IMAGES = 256
BATCH = 32
SYSTEM_B_SIDE, SYSTEM_B_BATCH = 224, 16


def measure_baselines(sample: Sample, bundle: Bundle, device: str) -> Iterator[Rate]:
    """Yield the rate of each baseline, or why it could not be measured."""
    size = bundle.card.preprocess.crop or bundle.card.preprocess.resize
    files = sample.files[:MOST_IMAGES]
    runs: list[tuple[str, tuple[str, ...], Callable[[], Callable[[], int]]]] = [
        ("torch, image by image", ("torch",), lambda: _loop(files, bundle, size, device)),
        (
            f"torch DataLoader, batches of {BATCH}",
            ("torch",),
            lambda: _dataloader(files, bundle, size, BATCH, device),
        ),
        (
            f"system (B): DataLoader, {SYSTEM_B_SIDE} px, batches of {SYSTEM_B_BATCH}",
            ("torch",),
            lambda: _dataloader(files, bundle, (SYSTEM_B_SIDE,) * 2, SYSTEM_B_BATCH, device),
        ),
        (
            f"ONNX Runtime, batches of {BATCH}",
            ("torch", "onnx", "onnxscript", "onnxruntime"),
            lambda: _onnx_runtime(files, bundle, size),
        ),
    ]
    for name, needed, prepare in runs:
        missing = [module for module in needed if find_spec(module) is None]
        if missing:
            yield Rate(name, None, f"not installed: {', '.join(missing)}")
        else:
            yield measure_rate(name, prepare())


def read_input(data: bytes, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return an image as float32 [3, h, w] of three equal grey channels, normalised."""
    image = Image.open(io.BytesIO(data)).convert("L").resize(size[::-1], Image.Resampling.BILINEAR)
    grey = np.asarray(image, dtype=np.float32) / 255
    normal = ((grey - 0.449) / 0.226).astype(np.float32)
    return np.repeat(normal[np.newaxis], 3, axis=0)


def _network(bundle: Bundle, device: str) -> Any:
    from semblante_worker.architectures import build_network
    from semblante_worker.engines.torch_engine import choose_device

    network = build_network(bundle.card.architecture, len(bundle.classes))
    return network.eval().to(choose_device(device))


def _loop(
    files: list[bytes], bundle: Bundle, size: tuple[int, int], device: str
) -> Callable[[], int]:
    import torch

    network = _network(bundle, device)
    place = next(network.parameters()).device

    def work() -> int:
        with torch.no_grad():
            for data in files:
                inputs = torch.from_numpy(read_input(data, size))[None].to(place)
                network(inputs).softmax(dim=1).argmax(dim=1).item()
        return len(files)

    return work


def _dataloader(
    files: list[bytes], bundle: Bundle, size: tuple[int, ...], batch: int, device: str
) -> Callable[[], int]:
    import torch
    from torch.utils.data import DataLoader

    network = _network(bundle, device)
    place = next(network.parameters()).device
    side = (size[0], size[1])

    def work() -> int:
        loader: DataLoader[Any] = DataLoader(
            files,  # type: ignore[arg-type]
            batch_size=batch,
            collate_fn=lambda some: torch.from_numpy(np.stack([read_input(d, side) for d in some])),
        )
        with torch.no_grad():
            return sum(len(network(inputs.to(place)).argmax(dim=1).cpu()) for inputs in loader)

    return work


def _onnx_runtime(files: list[bytes], bundle: Bundle, size: tuple[int, int]) -> Callable[[], int]:
    import onnxruntime
    import torch

    example = torch.zeros(1, 3, *size)
    exported = torch.onnx.export(
        _network(bundle, "cpu"),
        (example,),
        input_names=["pixels"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        verbose=False,
    )
    if exported is None:
        raise RuntimeError("torch exported nothing")
    session = onnxruntime.InferenceSession(
        exported.model_proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )

    def work() -> int:
        for first in range(0, len(files), BATCH):
            inputs = np.stack([read_input(data, size) for data in files[first : first + BATCH]])
            session.run(None, {"pixels": inputs})
        return len(files)

    return work
