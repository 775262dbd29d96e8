"""How a worker shares cores and devices among its children."""

from __future__ import annotations

from semblante.settings import Settings
from semblante_worker.run import share_cores, with_device


def test_children_take_the_devices_in_turn() -> None:
    settings = Settings(device="cpu")
    devices = ["cuda:0", "cuda:1"]
    taken = [with_device(settings, devices, child).device for child in (0, 1, 2, None)]
    assert taken == ["cuda:0", "cuda:1", "cuda:0", "cuda:0"]
    assert with_device(settings, [], 1) is settings


def test_threads_that_are_set_are_kept_and_others_share_the_cores() -> None:
    shared = share_cores(Settings(worker_processes=1_000, decode_threads=3))
    assert (shared.compute_threads, shared.decode_threads) == (1, 3)
