"""Models as users exchange them: folders with `card.json` and weights, read and verified.

Bundles that come with Semblante lie in the package; `registry.py` knows the imported ones, too. No
weights are parsed here.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

from pydantic import ValidationError

from semblante import input_error
from semblante.card import Card
from semblante.emotions import Emotion
from semblante.errors import BundleError, NotFound
from semblante.message import Message

CARD = "card.json"
CARD_BYTES = 1024**2
PACKAGE_MODELS = Path(__file__).parent / "models"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Model:
    """What a model is, wherever its files lie.

    `digest` is the sha256 of the card's bytes, in hexadecimal. As the card holds the sha256 of
    every file, it stands for the whole bundle.
    """

    card: Card
    digest: str

    @property
    def reference(self) -> str:
        """`name@first-12-of-sha256`: the model's identity in jobs and in the CSV."""
        return f"{self.card.name}@{self.digest[:12]}"

    @cached_property
    def classes(self) -> tuple[Emotion, ...]:
        """The classes, in the order of the network's outputs."""
        return tuple(Emotion(c.id, c.en, c.es) for c in self.card.classes)

    def is_called(self, name_or_reference: str) -> bool:
        """Whether this is the model's name or its exact reference."""
        return name_or_reference in (self.card.name, self.reference)


@dataclass(frozen=True)
class Bundle(Model):
    """A model whose files lie in a folder of this machine."""

    folder: Path

    @property
    def size_bytes(self) -> int:
        """Bytes of the card and of all files that it names."""
        return sum(self.path(name).stat().st_size for name in (CARD, *self.card.files))

    def at_temperature(self, temperature: float) -> Bundle:
        """Return the same model with another temperature than its card's; 1 leaves it out."""
        return replace(self, card=self.card.model_copy(update={"temperature": temperature}))

    def path(self, filename: str) -> Path:
        """Return where a file of the bundle lies."""
        return self.folder / filename

    def read(self, filename: str) -> bytes:
        """Return the bytes of a file that the card names, after their hash was compared.

        Raises:
            BundleError: `corrupt_bundle`, when they are missing or are not what the card says.
        """
        if filename not in self.card.files:
            raise corrupt(self.path(filename), Message("the card does not name this file"))
        try:
            data = self.path(filename).read_bytes()
        except OSError as error:
            raise corrupt(self.path(filename), reason_of(error)) from error
        if hashlib.sha256(data).hexdigest() != self.card.files[filename].sha256:
            raise corrupt(self.path(filename), Message("its sha256 is not the one in the card"))
        return data


def read_bundle(folder: Path, *, verify: bool) -> Bundle:
    """Read the bundle in `folder`; `verify` also compares the hash of every file.

    Raises:
        BundleError: `corrupt_bundle`; the message names the file and what is wrong with it.
    """
    path = folder / CARD
    try:
        with path.open("rb") as file:
            data = file.read(CARD_BYTES + 1)
    except OSError as error:
        raise corrupt(path, reason_of(error)) from error
    if len(data) > CARD_BYTES:
        raise corrupt(path, Message("it has more than %(limit)s bytes", limit=CARD_BYTES))
    bundle = Bundle(parse_card(data, path), hashlib.sha256(data).hexdigest(), folder)
    for filename, entry in bundle.card.files.items():
        if verify:
            _compare(bundle.path(filename), entry.sha256)
        elif not bundle.path(filename).is_file():
            raise corrupt(bundle.path(filename), Message("it is missing"))
    return bundle


def parse_card(data: bytes, path: Path) -> Card:
    """Check the bytes of a card; `path` is for messages.

    Raises:
        BundleError: `corrupt_bundle`, for bad JSON, unknown, missing or impossible fields.
    """
    try:
        return _parsed(data)
    except ValidationError as error:
        raise corrupt(path, input_error.first_of(error)) from error


@lru_cache(maxsize=64)
def _parsed(data: bytes) -> Card:
    """Checking a card takes longer than all else of a request that names a model."""
    return Card.model_validate_json(data)


def shipped_bundles() -> list[Bundle]:
    """Return the usable bundles of the package, by name. Hashes are not compared.

    A damaged bundle is logged and left out: it must not hide the others.
    """
    return list(_bundles_in(PACKAGE_MODELS))


@lru_cache(maxsize=1)
def _bundles_in(folder: Path) -> tuple[Bundle, ...]:
    """Read them once in a process: a package does not change while it runs."""
    bundles = []
    for path in sorted(folder.glob(f"*/{CARD}")):
        try:
            bundles.append(read_bundle(path.parent, verify=False))
        except BundleError as error:
            _log.warning("model left out: %s", error.message)
    return tuple(bundles)


def shipped_bundle(name_or_reference: str) -> Bundle:
    """Return the bundle of the package with this name or reference; raises NotFound."""
    bundles = shipped_bundles()
    for bundle in bundles:
        if bundle.is_called(name_or_reference):
            return bundle
    raise unknown(name_or_reference, bundles)


def unknown(name_or_reference: str, models: Iterable[Model]) -> NotFound:
    """Return the error for a name that none of `models` has."""
    known = ", ".join(model.reference for model in models)
    return NotFound(
        "model_not_found",
        "No model is called %(name)r. There is: %(known)s.",
        name=name_or_reference,
        known=known,
    )


def verified(blocks: Iterable[bytes], sha256: str, path: Path) -> Iterator[bytes]:
    """Pass `blocks` on, and compare their hash at the end; `path` is for messages.

    Raises:
        BundleError: `corrupt_bundle`, after the last block.
    """
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
        yield block
    if digest.hexdigest() != sha256:
        raise corrupt(path, Message("its sha256 is not the one in the card"))


def corrupt(path: Path, reason: Message) -> BundleError:
    """Return the error for a damaged file of a bundle."""
    return BundleError("corrupt_bundle", "%(path)s: %(reason)s.", path=path, reason=reason)


def reason_of(error: OSError) -> Message:
    """Return why a file of a bundle cannot be read."""
    if isinstance(error, FileNotFoundError):
        return Message("it is missing")
    return Message("it cannot be read: %(reason)s", reason=error)


def _compare(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise corrupt(path, reason_of(error)) from error
    if found != sha256:
        raise corrupt(path, Message("its sha256 is not the one in the card"))
