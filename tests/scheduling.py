"""Which test process runs what: one that has started a stack runs all tests that share it.

pytest-xdist's own `--dist loadgroup` does nothing with pytest 9.2, whose test ids it cannot change.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

from xdist.scheduler.loadscope import LoadScopeScheduling

REPOSITORY = Path(__file__).parents[1]
SHARED = re.compile(r"\b(stack: Stack|visit: Visit|browser: Browser|exported: Bundle)\b")
"""Dear fixtures of a module, as its tests ask for them."""


class ByStack(LoadScopeScheduling):  # type: ignore[misc]
    """Gives out modules that share a stack whole, first of all, and other tests one by one."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return module if shares_a_stack(module) else nodeid


@functools.cache
def shares_a_stack(module: str) -> bool:
    """Whether the tests of the module at this path need something that is started once for it."""
    return SHARED.search((REPOSITORY / module).read_text(encoding="utf-8")) is not None
