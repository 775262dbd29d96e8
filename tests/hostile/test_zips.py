"""Every odd zip ends as its case says; none ends the worker."""

from __future__ import annotations

import pytest

from hostile import zip_lies, zips
from hostile.conftest import Label
from hostile.zips import Case

CASES = zips.CASES | zip_lies.CASES


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES.keys())
def test_odd_zips(label: Label, cases: dict[str, Case]) -> None:
    outcomes = {name: label(data) for name, (data, _) in cases.items()}
    assert outcomes == {name: expected for name, (_, expected) in cases.items()}
