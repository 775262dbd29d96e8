from __future__ import annotations

import pytest

from semblante_worker import fingerprints
from semblante_worker.fingerprints import Fingerprints


def test_equal_values_are_never_missed() -> None:
    prints = Fingerprints()
    prints.add((size, crc, None) for size in range(100) for crc in range(100))
    assert not prints.may_repeat()
    prints.add([(99, 7, None)])
    assert prints.may_repeat()
    assert not Fingerprints().may_repeat()


def test_of_too_many_values_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "MOST_HASHES", 3)
    prints = Fingerprints()
    prints.add("abc")
    assert not prints.may_repeat()
    prints.add("d")
    prints.add("e")
    assert prints.may_repeat()
