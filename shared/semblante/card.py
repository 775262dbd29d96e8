"""`card.json`: what a model is, how its input is made, and what it was measured to do."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from semblante.message import Message

WEIGHTS = "model.safetensors"
"""The network's numbers, in a form that loading cannot make run code."""
GRAPH = "openvino.xml"
"""The network as OpenVINO runs it on CPUs, without its numbers: they are in the weights' file."""
GRAPH_WEIGHTS = "openvino.bin"
"""The graph's numbers in a bundle for CPUs only, which has no `model.safetensors`."""
GRAPH_TENSORS = "openvino."
"""What the names of tensors begin with that only the graph reads from `model.safetensors`."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
ClassId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Filename = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Side = Annotated[int, Field(ge=8, le=2048)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Architecture = Literal["resnet18", "resnet34", "resnet50", "mobilenet_v2", "efficientnet_b0"]
"""The networks that a card may name: all with torchvision's names of weights."""


class _Part(BaseModel):
    """A part of the card: unknown fields are refused, since a card must not be half understood."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CardClass(_Part):
    """A class: the id that the CSV and the API use, and its names."""

    id: ClassId
    en: Label
    es: Label


class Preprocess(_Part):
    """How an image becomes the network's input, in this order.

    `grey` is ITU-R BT.601 luma, replicated to three channels. The image is resized to `resize`
    (height, width) with Pillow's antialiasing filter, cut to the centre `crop` (height, width) if
    there is one, multiplied by `scale`, and normalised by `mean` and `std` per channel.
    """

    colour: Literal["grey", "rgb"]
    resize: tuple[Side, Side]
    crop: tuple[Side, Side] | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"]
    scale: Literal["1/255"] = "1/255"
    mean: tuple[float, float, float]
    std: tuple[Positive, Positive, Positive]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one prepared image: (height, width), or (height, width, 3) for `rgb`."""
        size = self.crop or self.resize
        return size if self.colour == "grey" else (*size, 3)

    @model_validator(mode="after")
    def _crop_fits(self) -> Self:
        if self.crop and any(c > r for c, r in zip(self.crop, self.resize, strict=True)):
            raise ValueError(Message("crop is larger than resize"))
        return self


class CardFile(_Part):
    """A file of the bundle; `dtype` and `keys` say what tensors it holds."""

    sha256: Sha256
    dtype: Text | None = None
    keys: Text | None = None


class CardEpoch(_Part):
    """What one epoch of the training achieved; losses are means per image."""

    epoch: Annotated[int, Field(ge=1)]
    train_loss: float
    train_accuracy: Share
    validation_loss: float
    validation_accuracy: Share


class Training(_Part):
    """Where the weights come from."""

    data: Text
    init: Text
    recipe: Text
    hardware: Text
    epochs: Annotated[tuple[CardEpoch, ...], Field(max_length=10_000)] | None = None
    """The training's curves; not known of models that were made before cards had them."""


Interval = tuple[Share, Share]
"""Between which two figures 95 % of bootstrap resamples lie."""


class Metrics(_Part):
    """What was measured on one set of `n` images; intervals are of 95 %."""

    n: Annotated[int, Field(ge=1)]
    accuracy: Share
    accuracy_interval: Interval | None = None
    mean_recall: Share | None = None
    mean_recall_interval: Interval | None = None
    ece: Share | None = None
    """Expected calibration error."""
    ece_interval: Interval | None = None
    confusion: tuple[tuple[Count, ...], ...] | None = None
    """Images per true class (rows) and label (columns), in the order of the classes."""
    note: Text | None = None


class Comparison(_Part):
    """The network in int8, as OpenVINO runs it on CPUs, beside the one in float.

    Both labelled the same `n` pictures of `data`; `equal_labels` is the share that got the same.
    `precision` is that of the bundle's graph: float where int8 costs too much.
    """

    precision: Literal["int8", "float"]
    data: Text
    n: Annotated[int, Field(ge=1)]
    accuracy_float: Share
    accuracy_int8: Share
    equal_labels: Share

    def describe(self) -> str:
        """Return the comparison in one line."""
        return (
            f"{self.precision}; accuracy {self.accuracy_float:.2%} in float, "
            f"{self.accuracy_int8:.2%} in int8, {self.equal_labels:.2%} equal labels, "
            f"on {self.n:,} images of {self.data}"
        )


class Card(_Part):
    """The whole of `card.json`."""

    name: Name
    version: Label
    description: Text
    architecture: Architecture
    classes: Annotated[tuple[CardClass, ...], Field(min_length=2, max_length=100)]
    preprocess: Preprocess
    files: dict[Filename, CardFile]
    training: Training
    metrics: dict[Label, Metrics]
    openvino: Comparison | None = None
    """What the graph for CPUs is worth."""
    temperature: Annotated[float, Field(ge=0.01, le=100)] = 1.0
    """Logits are divided by it before the softmax; fitting gives 0.05 to 20."""
    terms: Text
    limits: Text
    """What the model must not be used for, and where it is known to fail."""

    @property
    def graph_weights(self) -> str:
        """The file that has the graph's numbers."""
        return WEIGHTS if WEIGHTS in self.files else GRAPH_WEIGHTS

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if len({c.id for c in self.classes}) != len(self.classes):
            raise ValueError(Message("two classes have the same id"))
        if WEIGHTS not in self.files and not {GRAPH, GRAPH_WEIGHTS} <= set(self.files):
            raise ValueError(
                Message(
                    "files names neither %(weights)s nor %(graph)s and %(graph_weights)s",
                    weights=WEIGHTS,
                    graph=GRAPH,
                    graph_weights=GRAPH_WEIGHTS,
                )
            )
        sides = {len(self.classes)}
        for split, figures in self.metrics.items():
            counts = figures.confusion
            if counts is not None and {len(counts), *map(len, counts)} != sides:
                raise ValueError(
                    Message(
                        "the confusion matrix of %(split)s does not fit the classes", split=split
                    )
                )
        if "card.json" in self.files:
            raise ValueError(Message("files names the card itself"))
        return self
