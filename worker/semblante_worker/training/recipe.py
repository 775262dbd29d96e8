"""Recipes: everything that decides what a training run does, except data, seed and device.

A recipe is a small TOML file; `recipes/` holds those that come with Semblante. docs/training.md
has a table of all fields, written from the descriptions here.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from semblante.card import (
    Architecture,
    CardClass,
    ClassId,
    Label,
    Name,
    Positive,
    Preprocess,
    Share,
    Text,
)
from semblante.emotions import EMOTIONS, OTHER_NAMES

Stage = Literal["stem", "stage1", "stage2", "stage3", "stage4", "head"]
"""Parts of every backbone, from the image to the classes; `stages.py` says which layers."""
Precision = Literal["auto", "float32", "bfloat16"]
LEAST_MIXUP, MOST_MIXUP = 0.001, 1000.0
"""Beyond these torch draws from the beta distribution what it does not hold, or nothing."""


def _ascends(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise ValueError("the first number must not be greater than the second")
    return limits


def _is_mixup(value: float) -> float:
    if value and not LEAST_MIXUP <= value <= MOST_MIXUP:
        raise ValueError(f"must be 0, or from {LEAST_MIXUP:g} to {MOST_MIXUP:g}")
    return value


Range = Annotated[tuple[Positive, Positive], AfterValidator(_ascends)]
_PositiveShare = Annotated[float, Field(gt=0, le=1)]
Shares = Annotated[tuple[_PositiveShare, _PositiveShare], AfterValidator(_ascends)]
Mixup = Annotated[float, AfterValidator(_is_mixup)]


class _Part(BaseModel):
    """A part of a recipe: unknown fields are refused, so that no misspelling is overlooked."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RecipeClass(_Part):
    """A class that the network's head has."""

    id: ClassId = Field(description="The class in the CSV and the API.")
    en: Label = Field(description="English name.")
    es: Label = Field(description="Spanish name.")
    folders: tuple[Label, ...] = Field(
        (), description="Further names of its folder, or of its label in a manifest."
    )

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a folder of this class may have."""
        return (self.id, self.en, self.es, *self.folders)

    def for_card(self) -> CardClass:
        """Return the class as a card has it."""
        return CardClass(id=self.id, en=self.en, es=self.es)


SEVEN = tuple(
    RecipeClass(id=e.id, en=e.en, es=e.es, folders=(str(folder), *OTHER_NAMES[e.id]))
    for folder, e in enumerate(EMOTIONS, 1)
)


class Data(_Part):
    """Which images are used, and for what."""

    validation_from: tuple[Literal["val", "test", "split"], ...] = Field(
        ("val", "split"),
        min_length=1,
        description="Where validation images come from: the first of these that the data set has. "
        "`split` takes a stratified part of the training images.",
    )
    validation_share: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="The share of training images that `split` takes."
    )
    validation_sources: tuple[Text, ...] = Field(
        (), description="Sources of a manifest that `split` takes from; empty means all."
    )
    other_classes: Literal["refuse", "skip"] = Field(
        "refuse", description="What to do with folders of classes that the recipe lacks."
    )
    per_class: int | None = Field(
        None,
        ge=2,
        description="At most so many training images per class, before `split` takes its part.",
    )


class Augmentation(_Part):
    """What happens to each training picture, in this order; 0 or nothing switches a step off."""

    crop_scale: Shares | None = Field(
        None,
        description="Area of a random crop, as shares of the picture; without it the picture is "
        "resized and cut as in evaluation.",
    )
    crop_ratio: Range = Field((0.75, 1.3333), description="Width to height of that crop.")
    flip: Share = Field(0.0, description="Probability of mirroring left and right.")
    rotation: float = Field(0.0, ge=0, le=180, description="Most degrees of turning.")
    shift: Share = Field(0.0, description="Most shift, as a share of the width and the height.")
    zoom: Range | None = Field(None, description="Least and greatest enlargement.")
    shear: float = Field(0.0, ge=0, le=60, description="Most degrees of shearing.")
    brightness: Share = Field(0.0, description="Most relative change of brightness.")
    contrast: Share = Field(0.0, description="Most relative change of contrast.")
    low_resolution: Share = Field(
        0.0, description="Probability of scaling down and up again, as small pictures look."
    )
    low_resolution_side: int = Field(
        40, ge=4, description="Smallest side in pixels that this scales down to."
    )
    operations: int = Field(0, ge=0, le=8, description="RandAugment: operations per picture.")
    magnitude: int = Field(9, ge=0, le=30, description="RandAugment: their strength.")
    erasing: Share = Field(0.0, description="Probability of a patch of the mean's grey.")


class Phase(_Part):
    """A part of the run with its own optimizer."""

    epochs: int = Field(ge=1, le=10_000, description="Passes over the training images.")
    learning_rates: dict[Stage, Positive] = Field(
        min_length=1,
        description="Highest rate of each stage that is trained (`stem`, `stage1` to `stage4`, "
        "`head`); one that is not named stays frozen, its batch norm statistics too.",
    )
    optimizer: Literal["adam", "adamw", "sgd"] = Field(
        "adam", description="`sgd` has a momentum of 0.9 (Nesterov)."
    )
    weight_decay: float = Field(0.0, ge=0, description="Of weights; biases and norms have none.")
    schedule: Literal["constant", "cosine", "one_cycle"] = Field(
        "constant", description="How the rate changes from step to step."
    )
    warmup: Share = Field(
        0.0, description="Share of the steps in which the rate rises; `one_cycle` needs it above 0."
    )
    sources: tuple[Text, ...] = Field(
        (),
        description="Sources of a manifest to train on, one named twice twice in each epoch; empty "
        "means all.",
    )
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Share of every target that all classes divide equally."
    )
    mixup: Mixup = Field(
        0.0,
        description="Parameter of the beta distribution, 0.001 to 1000; 0 mixes nothing.",
    )


class Recipe(_Part):
    """A whole recipe."""

    name: Name = Field(description="Also the bundle's name unless --name says another.")
    description: Text = Field(description="What it is for; the card repeats it.")
    architecture: Architecture = Field(description="The network.")
    pretrained: bool = Field(
        True, description="Start from torchvision's ImageNet weights, unless --init names a file."
    )
    classes: tuple[RecipeClass, ...] = Field(
        SEVEN, min_length=2, description="The classes; RAF-DB's seven unless given."
    )
    preprocess: Preprocess = Field(description="How an image becomes input, as in the card.")
    data: Data = Field(Data(), description="Which images are used.")
    augmentation: Augmentation = Field(Augmentation(), description="Changes of training pictures.")
    phases: tuple[Phase, ...] = Field(min_length=1, description="One after the other.")
    batch_size: int = Field(32, ge=2, description="Images per step.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Probability that a feature before the head is left out."
    )
    class_balance: Literal["none", "sample", "loss"] = Field(
        "none", description="`sample` draws rare classes more often, `loss` weighs them more."
    )
    class_balance_strength: Share = Field(
        1.0, description="1 makes all classes equal, 0 changes nothing."
    )
    ema: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Decay of an average of the weights that is validated instead of them."
    )
    patience: int = Field(
        0, ge=0, description="Stop after so many epochs without a better validation; 0 never."
    )
    precision: Precision = Field(
        "auto",
        description="Of the passes; `auto` is bfloat16 on CUDA and on CPUs with AMX or AVX-512 "
        "BF16, else float32.",
    )
    loader_processes: int | None = Field(
        None,
        ge=0,
        le=64,
        description="That decode and augment, at most 64; unset: none on a CPU, one per core else.",
    )
    terms: Text = Field(
        "The terms of the images that it was trained on hold for this model.",
        description="Under what terms the model may be used, for its card.",
    )
    limits: Text = Field(
        "An expression is not a feeling. In the European Union, inferring emotions of people at "
        "work or in education is prohibited by law, but for medical or safety reasons.",
        description="What the model must not be used for, for its card.",
    )

    @property
    def epochs(self) -> int:
        """Epochs of all phases."""
        return sum(phase.epochs for phase in self.phases)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if len({c.id for c in self.classes}) != len(self.classes):
            raise ValueError("two classes have the same id")
        for number, phase in enumerate(self.phases):
            if phase.schedule == "one_cycle" and not 0 < phase.warmup < 1:
                raise ValueError(f"phases.{number}.warmup must be between 0 and 1 for one_cycle")
        return self
