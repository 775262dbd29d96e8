"""Predictions for the images of a chunk: decode, detect, batch, engine. No database, no queue."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from semblante.bundles import Bundle
from semblante.detection import Detect
from semblante.errors import ImageError
from semblante.settings import Settings
from semblante_worker.batch import Batch, Batched, group_faces
from semblante_worker.caps import Caps
from semblante_worker.decode import decode_one, faces_of
from semblante_worker.decode_many import decode_images
from semblante_worker.detect import FaceFinder
from semblante_worker.detector import Detector, load_detector
from semblante_worker.engines import Engine, Numbers, load_engine
from semblante_worker.metrics import BATCH_FACES, step
from semblante_worker.outcome import Decoded, Face, NoFace, Unlabelled
from semblante_worker.repeats import Repeats


@dataclass(frozen=True, slots=True)
class Prediction:
    """The label of one face: probabilities are float32 [classes], in the order of the card."""

    face: Face
    probabilities: Numbers


class Predictor:
    """Labels images; one for each process, because it keeps the models that it has loaded.

    Nothing is loaded, and no thread is started, before the first image.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._detector: Detector | None = None
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None

    def predict_images(
        self,
        pairs: Iterable[tuple[int, bytes | ImageError]],
        bundle: Bundle,
        detect: Detect = "off",
        repeats: Repeats | None = None,
    ) -> Iterator[Prediction | Unlabelled]:
        """Yield the faces of each pair of an index and an image's bytes, in the same order.

        An image without a face has one outcome, too. While a batch is predicted, the next one is
        decoded; at most these two, and a few images more, are in memory.

        Raises:
            BundleError: `corrupt_detector`, or the model cannot be loaded; see `load_engine`.
            Unavailable: see `load_engine`.
            StuckDecode: decoding an image takes too long; the process should end.
        """
        settings, spec = self._settings, bundle.card.preprocess
        engine = self.load(bundle)
        outcomes = decode_images(
            pairs,
            spec,
            settings.max_image_pixels,
            settings.decode_threads,
            finder=self._finder(detect),
            repeats=repeats,
            caps=Caps.from_settings(settings),
        )
        running: tuple[Batch, Future[Numbers]] | None = None
        for batch in group_faces(outcomes, settings.batch_size or engine.batch_rows, spec.shape):
            following = batch, self._start(engine, batch)
            if running is not None:
                batch_before, future = running
                yield from _unite(batch_before, future.result())
            running = following
        if running is not None:
            batch_before, future = running
            yield from _unite(batch_before, future.result())

    def predict_one(
        self, data: bytes, bundle: Bundle, detect: Detect = "off"
    ) -> Sequence[Prediction | NoFace]:
        """Label the faces of one image at once; its index is 0.

        Raises:
            ImageError: the image cannot be labelled; see `decode_image`.
            BundleError, Unavailable, StuckDecode: as `predict_images`.
        """
        return self.label([self.decode(data, bundle, detect)], bundle)[0]

    def decode(
        self, data: bytes, bundle: Bundle, detect: Detect = "off"
    ) -> Sequence[Decoded | NoFace]:
        """Return the faces of one image, prepared for the model; its index is 0.

        Raises:
            ImageError, StuckDecode: as `predict_one`.
        """
        settings = self._settings
        return decode_one(
            data,
            bundle.card.preprocess,
            settings.max_image_pixels,
            self._finder(detect),
            Caps.from_settings(settings),
        )

    def predict_picture(
        self, picture: Image.Image, bundle: Bundle
    ) -> Sequence[Prediction | NoFace]:
        """Search a decoded, upright picture, as of a video, and label its faces; its index is 0.

        Raises:
            ImageError: `detection_failed`.
            BundleError, Unavailable: as `predict_images`.
        """
        spec = bundle.card.preprocess
        return self.label([faces_of(0, picture, b"", spec, self._searcher("on"))], bundle)[0]

    def label(
        self, images: Sequence[Sequence[Decoded | NoFace]], bundle: Bundle
    ) -> list[Sequence[Prediction | NoFace]]:
        """Return the outcomes of each of several decoded images; their faces are one batch.

        Raises:
            BundleError, Unavailable: as `predict_images`.
        """
        decoded = [[one for one in image if isinstance(one, Decoded)] for image in images]
        pixels = [face.pixels for faces in decoded for face in faces]
        if not pixels:
            return [[one for one in image if isinstance(one, NoFace)] for image in images]
        probabilities = self.load(bundle).predict(np.stack(pixels))
        ends = np.cumsum([len(faces) for faces in decoded])[:-1]
        return [
            [Prediction(face.face, row) for face, row in zip(faces, rows, strict=True)]
            or [one for one in image if isinstance(one, NoFace)]
            for image, faces, rows in zip(
                images, decoded, np.split(probabilities, ends), strict=True
            )
        ]

    def load(self, bundle: Bundle) -> Engine:
        """Return the loaded model of `bundle`; it is loaded once, whoever asks.

        Of more than `loaded_models` models, the least recently used is given up.
        """
        with self._lock:
            engine = self._engines.get(bundle.digest)
            if engine is None:
                settings = self._settings
                engine = load_engine(
                    bundle, settings.device, settings.compute_threads, settings.engine
                )
                self._engines[bundle.digest] = engine
            self._engines.move_to_end(bundle.digest)
            if len(self._engines) > self._settings.loaded_models:
                self._engines.popitem(last=False)
            return engine

    def loaded(self, digest: str) -> Bundle | None:
        """Return the bundle with this digest if its model is loaded."""
        with self._lock:
            engine = self._engines.get(digest)
            return engine.bundle if engine is not None else None

    def _finder(self, detect: Detect) -> FaceFinder | None:
        return None if detect == "off" else self._searcher(detect)

    def _searcher(self, detect: Literal["auto", "on"]) -> FaceFinder:
        with self._lock:
            if self._detector is None:
                settings = self._settings
                self._detector = load_detector(settings.data, settings.detect_confidence)
            return FaceFinder(self._detector, detect, self._settings)

    def _start(self, engine: Engine, batch: Batch) -> Future[Numbers]:
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(1, thread_name_prefix="predict")
            # The context says whose step this is.
            return self._executor.submit(copy_context().run, _timed, engine, batch)


def _timed(engine: Engine, batch: Batch) -> Numbers:
    BATCH_FACES.observe(len(batch.pixels))
    with step("predict"):
        return engine.predict(batch.pixels)


def _unite(batch: Batch, probabilities: Numbers) -> Iterator[Prediction | Unlabelled]:
    """Give each face the probabilities of its own row."""
    for outcome in batch.outcomes:
        if isinstance(outcome, Batched):
            yield Prediction(outcome.face, probabilities[outcome.row])
        else:
            yield outcome
