"""Every odd tar ends as its case says; none ends the worker."""

from __future__ import annotations

import gzip

import pytest

from archives import tar_of
from hostile.conftest import Label
from hostile.tars import CASES
from semblante.archive import BytesSource, Limits, unpack_gzip
from semblante.errors import ArchiveError


def test_odd_tars(label: Label) -> None:
    outcomes = {name: label(data) for name, (data, _) in CASES.items()}
    assert outcomes == {name: expected for name, (_, expected) in CASES.items()}


def test_a_gzip_bomb_stops_by_its_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semblante.archive.member.UNSUSPICIOUS_BYTES", 1_000_000)
    bomb = gzip.compress(tar_of({"a.jpg": bytes(20_000_000)}))
    assert len(bomb) < 25_000
    most = Limits(10, 10**9, 10**9, max_unpacked_ratio=100).most_unpacked(len(bomb))
    with pytest.raises(ArchiveError) as caught:
        list(unpack_gzip(BytesSource(bomb), most))
    assert caught.value.code == "too_large_unpacked"
