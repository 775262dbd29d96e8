"""deepface's form of a request and of an answer, so that its clients need another address only.

As of its API's `/analyze` (0.0.9x): of its four actions only `emotion` is answered.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from semblante.detection import Detect
from semblante.errors import Refused
from semblante.profiles import DEEPFACE_NAMES
from semblante.settings import Settings
from semblante_web.url_source import fetched_image

if TYPE_CHECKING:
    from collections.abc import Iterable

    from semblante_web.predict_api import Face, PredictionView

Action = Literal["age", "gender", "emotion", "race"]
DATA_URI = re.compile(r"data:image/[\w.+-]+;base64,")


def _words(value: Any) -> Any:
    """Take a list that a form wrote as text: `emotion`, `age,emotion`, `["emotion"]`."""
    return re.findall(r"\w+", value) if isinstance(value, str) else value


def _first(value: Any) -> Any:
    """Take the image out of a list of one, as deepface's older clients send it."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


Picture = Annotated[str | None, BeforeValidator(_first)]


class DeepfaceRequest(BaseModel):
    """One image as deepface's clients send it; `align` and `max_faces` change nothing here."""

    model_config = ConfigDict(extra="forbid")

    img: Picture = Field(None, description="`data:image/...;base64,...`, or a URL.")
    img_path: Picture = Field(None, description="The same, by its older name.")
    actions: Annotated[list[Action], BeforeValidator(_words)] = Field(
        ["emotion"], description="`emotion` must be among them; the others are not answered."
    )
    detector_backend: str = Field(
        "auto", max_length=64, description="`skip`: the image is one face; else it is searched."
    )
    enforce_detection: bool = Field(
        True, description="Whether an image without a face is refused, or taken as one."
    )
    align: bool = True
    max_faces: int | None = None
    anti_spoofing: bool = Field(False, description="Only `false`: this is not looked for here.")

    @property
    def detect(self) -> Detect:
        """How the image is searched for faces."""
        if self.detector_backend == "skip":
            return "off"
        return "auto" if self.detector_backend == "auto" else "on"


class DeepfaceRegion(BaseModel):
    """Where a face lies, in pixels; the whole image where none was searched for."""

    x: int
    y: int
    w: int
    h: int
    left_eye: list[int] | None = None
    right_eye: list[int] | None = None


class DeepfaceFace(BaseModel):
    """A face with its emotions in percent, by deepface's names."""

    emotion: dict[str, float]
    dominant_emotion: str
    region: DeepfaceRegion
    face_confidence: float


class DeepfaceAnswer(BaseModel):
    """What deepface's API answers."""

    results: list[DeepfaceFace]


@contextmanager
def picture_of(settings: Settings, request: DeepfaceRequest) -> Iterator[Iterable[bytes] | None]:
    """Give the bytes of the request's image; None when it has none in its fields.

    Raises:
        Refused: `invalid_request`, or what `fetch` says about a URL.
    """
    if "emotion" not in request.actions:
        raise Refused("invalid_request", "actions: only `emotion` is answered here.")
    if request.anti_spoofing:
        raise Refused("invalid_request", "anti_spoofing: only false is answered here.")
    if request.img and request.img_path:
        raise Refused("invalid_request", "img: send either img or img_path.")
    text = request.img or request.img_path
    if not text:
        yield None
    elif start := DATA_URI.match(text):
        yield [_decoded(text[start.end() :])]
    elif text.startswith(("http://", "https://")):
        with fetched_image(settings, text) as found:
            yield found.blocks
    else:
        raise Refused("invalid_request", "img: send data:image/...;base64,... or a URL.")


def answer_of(found: PredictionView) -> DeepfaceAnswer:
    """Return a prediction as deepface writes it."""
    return DeepfaceAnswer(results=[_face(face, found) for face in found.faces])


def _face(face: Face, found: PredictionView) -> DeepfaceFace:
    box = face.box.model_dump() if face.box else {"x": 0, "y": 0, "w": found.width}
    order = [*(name for name in DEEPFACE_NAMES if name in face.probabilities)]
    order += [name for name in face.probabilities if name not in DEEPFACE_NAMES]
    return DeepfaceFace(
        emotion={_name(one): round(face.probabilities[one] * 100, 4) for one in order},
        dominant_emotion=_name(face.emotion),
        region=DeepfaceRegion.model_validate({"h": found.height} | box),
        face_confidence=face.face_confidence or 0.0,
    )


def _name(emotion: str) -> str:
    return DEEPFACE_NAMES.get(emotion, emotion)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)  # some break its lines
    except (binascii.Error, ValueError) as error:
        raise Refused("invalid_request", "img: what follows `base64,` is no base64.") from error
