"""The CSV that every run must give."""

from __future__ import annotations

from pathlib import Path

from faults.servers import Servers
from faults.shape import Shape
from faults.site import QUICK, running_site
from flow.conftest import csv_of, submit
from noisy_archive import IMAGES


def undisturbed_csv(archive: Path, folder: Path) -> bytes:
    """Run a job over `archive` that nothing disturbs, in the new `folder`; return its CSV."""
    folder.mkdir()
    shape = Shape("sqlite", "local", (1,))
    with Servers() as servers, running_site(shape, QUICK, servers, folder) as site:
        csv = csv_of(site.services, submit(site.services, archive))
    assert csv.count(b"\r\n") == IMAGES + 2
    return csv
