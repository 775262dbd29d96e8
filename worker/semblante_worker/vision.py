"""torchvision, also where its compiled operators do not fit the installed PyTorch.

The package index has one build of torchvision, compiled against PyTorch with CUDA. Beside PyTorch's
CPU build its library of operators cannot be loaded, and `import torchvision` fails with `operator
torchvision::nms does not exist`, because it describes the shapes of two operators that nobody has
declared. Only its networks and image transforms are needed here, and those are plain Python: so
the two operators are declared, without any code behind them, before the import.
"""

from __future__ import annotations

import functools
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch

from semblante.errors import Unavailable

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[torch.library.Library] = []
"""Declarations last as long as the object that made them."""


@functools.cache
def load_torchvision() -> ModuleType:
    """Import and return torchvision, with `models` and `transforms.v2`.

    Raises:
        Unavailable: `component_missing`, when it is not installed.
    """
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise Unavailable(
            "component_missing",
            "Training and this architecture need torchvision: install semblante-worker[train].",
        )
    if not _has_operators(Path(spec.origin).parent):
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for schema in _OPERATORS:
            library.define(schema)  # type: ignore[no-untyped-call]
        _declared.append(library)
    import_module("torchvision.transforms.v2")
    return import_module("torchvision")


def _has_operators(folder: Path) -> bool:
    """Whether the compiled operators in `folder` can be loaded into this PyTorch."""
    libraries = [*folder.glob("_C*.so"), *folder.glob("_C*.pyd")]
    try:
        for library in libraries:
            torch.ops.load_library(library)  # type: ignore[no-untyped-call]
    except OSError:
        return False
    return bool(libraries)
