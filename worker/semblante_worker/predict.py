"""Predictions for the images of a chunk: decode, batch, engine. No database, no queue."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from semblante.bundles import Bundle
from semblante.errors import ImageError
from semblante.settings import Settings
from semblante_worker.batch import Batch, group_images
from semblante_worker.decode import Failure, decode_image, decode_images
from semblante_worker.engines import Engine, Numbers, load_engine


@dataclass(frozen=True, slots=True)
class Prediction:
    """The label of one face: probabilities are float32 [classes], in the order of the card.

    `box` (x, y, width, height in pixels of the upright image) is None without face detection:
    the whole image is its one face. `sha256` (32 bytes) is that of the image's bytes.
    """

    index: int
    probabilities: Numbers
    width: int
    height: int
    sha256: bytes
    box: tuple[int, int, int, int] | None = None


class Predictor:
    """Labels images; one for each process, because it keeps the models that it has loaded.

    Nothing is loaded, and no thread is started, before the first image.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engines: dict[str, Engine] = {}
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None

    def predict_images(
        self, pairs: Iterable[tuple[int, bytes | ImageError]], bundle: Bundle
    ) -> Iterator[Prediction | Failure]:
        """Yield one outcome for each pair of an index and an image's bytes, in the same order.

        While a batch is predicted, the next one is decoded; at most these two, and a few images
        more, are in memory.

        Raises:
            BundleError: `corrupt_bundle`, when the model cannot be loaded.
            Unavailable: `component_missing`, when the device does not exist here.
        """
        settings, spec = self._settings, bundle.card.preprocess
        engine = self.load(bundle)
        outcomes = decode_images(pairs, spec, settings.max_image_pixels, settings.decode_threads)
        running: tuple[Batch, Future[Numbers]] | None = None
        for batch in group_images(outcomes, settings.batch_size, spec.shape):
            following = batch, self._start(engine, batch)
            if running is not None:
                batch_before, future = running
                yield from _unite(batch_before, future.result())
            running = following
        if running is not None:
            batch_before, future = running
            yield from _unite(batch_before, future.result())

    def predict_one(self, data: bytes, bundle: Bundle) -> Prediction:
        """Label one image at once, in the caller's thread; its index is 0.

        Raises:
            ImageError: the image cannot be labelled; see `open_picture`.
            BundleError, Unavailable: as `predict_images`.
        """
        spec = bundle.card.preprocess
        image = decode_image(0, data, spec, self._settings.max_image_pixels)
        [probabilities] = self.load(bundle).predict(image.pixels[np.newaxis])
        return Prediction(0, probabilities, image.width, image.height, image.sha256)

    def load(self, bundle: Bundle) -> Engine:
        """Return the loaded model of `bundle`; it is loaded once, whoever asks."""
        with self._lock:
            engine = self._engines.get(bundle.reference)
            if engine is None:
                settings = self._settings
                engine = load_engine(bundle, settings.device, settings.compute_threads)
                self._engines[bundle.reference] = engine
            return engine

    def _start(self, engine: Engine, batch: Batch) -> Future[Numbers]:
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(1, thread_name_prefix="predict")
            return self._executor.submit(engine.predict, batch.pixels)


def _unite(batch: Batch, probabilities: Numbers) -> Iterator[Prediction | Failure]:
    """Give each image the probabilities of its own row."""
    for image in batch.outcomes:
        if isinstance(image, Failure):
            yield image
        else:
            row = probabilities[image.row]
            yield Prediction(image.index, row, image.width, image.height, image.sha256)
