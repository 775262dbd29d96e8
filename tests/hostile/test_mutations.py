"""Zips and tars mutated byte by byte go the whole way: a documented code, or honest rows."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archives import tar_of
from hostile.conftest import Label
from hostile.packing import pack
from hostile.zip_writer import Entry, write_zip
from hostile.zips import PICTURE
from semblante.errors import IMAGE_ERROR_CODES, JOB_ERROR_CODES

ZIP = write_zip(
    [
        Entry(b"%d.jpg" % method, PICTURE, method, pack(PICTURE, method))
        for method in (0, 8, 9, 12, 14, 93, 95)
    ],
    zip64=True,
)
TAR = tar_of({"a.jpg": PICTURE, "n" * 120 + ".jpg": PICTURE})


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.sampled_from([ZIP, TAR]),
    patches=st.lists(
        st.tuples(st.integers(0, 10**5), st.binary(min_size=1, max_size=8)), max_size=4
    ),
    cut=st.one_of(st.just(0), st.integers(0, 10**5)),
)
def test_any_mutation_ends_in_codes_or_rows(
    label: Label, data: bytes, patches: list[tuple[int, bytes]], cut: int
) -> None:
    damaged = bytearray(data)
    for place, value in patches:
        at = place % len(data)
        damaged[at : at + len(value)] = value
    outcomes = label(bytes(damaged[: len(damaged) - cut % len(damaged)]))
    if isinstance(outcomes, str):
        assert outcomes in set(JOB_ERROR_CODES) - {"incomplete_results", "step_crash"}
    else:
        assert set(outcomes.values()) <= {"ok", *IMAGE_ERROR_CODES} - {"worker_crash"}
