"""The fuzzers' targets accept their own seeds, so that a fuzzer's finding is one of the code."""

from __future__ import annotations

import pytest

from fuzz.targets import TARGETS, seeds


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_is_accepted(target: str) -> None:
    count = 0
    for data in seeds(target):
        TARGETS[target](data)
        count += 1
    assert count > 2
