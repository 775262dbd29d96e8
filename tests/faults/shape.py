"""What a site under test is made of; some faults need a certain one."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

DatabaseKind = Literal["sqlite", "postgresql"]
StorageKind = Literal["local", "s3"]
LAYOUTS = ((1,), (2,), (1, 1))
"""The child processes of each worker."""


@dataclass(frozen=True)
class Needs:
    """What a fault needs of a site; None is anything."""

    database: DatabaseKind | None = None
    storage: StorageKind | None = None
    another_child: bool = False
    """While one is away, another one works."""

    def fit(self, shape: Shape) -> bool:
        """Whether `shape` has it."""
        return (
            self.database in (None, shape.database)
            and self.storage in (None, shape.storage)
            and not (self.another_child and sum(shape.children) == 1)
        )


ANYTHING = Needs()
POSTGRESQL = Needs(database="postgresql")
SQLITE = Needs(database="sqlite")
S3 = Needs(storage="s3")
ANOTHER_CHILD = Needs(another_child=True)


@dataclass(frozen=True)
class Shape:
    """Database, storage, and the child processes of each worker."""

    database: DatabaseKind
    storage: StorageKind
    children: tuple[int, ...]

    @classmethod
    def drawn(cls, random: Random, all_needs: list[Needs]) -> Shape:
        """Draw a shape that has what is needed; S3, the dearest, is drawn now and then."""
        while True:
            shape = cls(
                random.choice(("sqlite", "postgresql")),
                random.choice(("local", "local", "local", "s3")),
                random.choice(LAYOUTS),
            )
            if all(needs.fit(shape) for needs in all_needs):
                return shape

    def __str__(self) -> str:
        """Return it in a few words."""
        return f"{self.database} {self.storage} {'+'.join(map(str, self.children))}"
