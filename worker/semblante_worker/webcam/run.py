"""One run: frames from the source, labelled, drawn, and given to the outputs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from semblante.bundles import Bundle
from semblante.emotions import Language
from semblante.local_models import fetch_local_bundle
from semblante.settings import Settings
from semblante_worker.predict import Prediction, Predictor
from semblante_worker.webcam.drawing import draw
from semblante_worker.webcam.outputs import Output, TableFile, VideoFile, Window
from semblante_worker.webcam.source import Frame, FrameSource
from semblante_worker.webcam.tracks import Track, Tracks

WHOLE_SHARE = 0.98
"""Of the frames that a video says it has: some forms only estimate them."""


@dataclass(frozen=True)
class Wishes:
    """What the command line asks for; `source` is a camera's number or a video's path."""

    source: str
    model: str | None
    video: Path | None
    table: Path | None
    has_window: bool
    language: Language


@dataclass
class Done:
    """What a run did: frames, and faces summed over them."""

    frames: int = 0
    faces: int = 0
    seconds: float = 0.0
    announced: int = 0
    """Frames that the video says it has, unless the run was ended before its last one."""

    @property
    def is_short(self) -> bool:
        """Whether clearly fewer frames could be read than the video says it has."""
        return self.frames < self.announced * WHOLE_SHARE - 1

    @property
    def frames_per_second(self) -> float:
        """The speed, drawing and writing included."""
        return self.frames / self.seconds if self.seconds else 0.0


def run_webcam(settings: Settings, wishes: Wishes) -> Done:
    """Label frames until the video ends, or a person ends it.

    Raises:
        Unavailable: `camera_unavailable`, `component_missing`, or what loading the model raises.
        Refused: `unreadable_video`, `invalid_request` for a file that cannot be written, or
            `model_not_found`.
        OSError: The table cannot be written.
    """
    bundle = fetch_local_bundle(settings, wishes.model)
    predictor, tracks, done = Predictor(settings), Tracks(), Done()
    with ExitStack() as opened:
        source = FrameSource(wishes.source)
        opened.callback(source.close)
        outputs = _open_outputs(opened, wishes, source, bundle)
        predictor.load(bundle)
        began = time.perf_counter()
        try:
            for frame in source.frames():
                shown = tracks.update(_faces(predictor, bundle, frame))
                draw(frame.pixels, shown, bundle.classes, wishes.language)
                done.frames += 1
                done.faces += sum(not track.missed for track in shown)
                done.seconds = time.perf_counter() - began
                if not _give(outputs, frame, shown):
                    break
            else:
                done.announced = source.announced
        except KeyboardInterrupt:  # the way to end a run without a window
            pass
    return done


def _open_outputs(
    opened: ExitStack, wishes: Wishes, source: FrameSource, bundle: Bundle
) -> list[Output]:
    outputs: list[Output] = []

    def add(output: Output) -> None:
        opened.callback(output.close)
        outputs.append(output)

    if wishes.has_window:
        add(Window())
    if wishes.video is not None:
        # A camera gives as many frames as are asked for, not as many as it says.
        is_timed = source.is_camera or not source.is_rate_known
        add(VideoFile(wishes.video, source.rate, is_timed=is_timed))
    if wishes.table is not None:
        add(TableFile(wishes.table, bundle.classes))
    return outputs


def _give(outputs: Sequence[Output], frame: Frame, shown: Sequence[Track]) -> bool:
    """Give the frame to all outputs; return whether all of them want more."""
    wants = [output.write(frame, shown) for output in outputs]
    return all(wants)


def _faces(
    predictor: Predictor, bundle: Bundle, frame: Frame
) -> list[tuple[np.ndarray, np.ndarray, float | None]]:
    picture = Image.fromarray(frame.pixels[:, :, ::-1])
    found = predictor.predict_picture(picture, bundle)
    return [
        (
            np.array(one.face.box, np.float64),
            one.probabilities.astype(np.float64),
            one.face.confidence,
        )
        for one in found
        if isinstance(one, Prediction)
    ]
