"""One run: a job over an archive while what the plan says goes wrong, and the checks after it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import OperationalError

from faults.checks import check_files, check_rows, processes_of
from faults.plan import Plan, Strike
from faults.servers import Servers
from faults.site import Pace, Site, running_site
from flow.conftest import csv_of, submit
from semblante import jobs
from semblante.lifecycle import OPEN_STATES
from semblante.tables import Chunk, Job

LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Recovery:
    """How long it took until all worked again, from the end of the fault on."""

    fault: str
    seconds: float | None
    """None when the job was over before the fault was: nothing shows that all works again."""

    def __str__(self) -> str:
        """Return it in a few words."""
        return self.fault + (f" {self.seconds:.1f} s" if self.seconds is not None else "")


def run(
    plan: Plan, pace: Pace, servers: Servers, archive: Path, expected: bytes, folder: Path
) -> list[Recovery]:
    """Do one run in the empty `folder`; raises AssertionError when something is lost or left."""
    random = Random(plan.seed)
    with running_site(plan.shape, pace, servers, folder) as site:
        job_id = submit(site.services, archive)
        recoveries = [_strike(site, job_id, strike, random) for strike in plan.strikes]
        disturbed = csv_of(site.services, job_id)
        for end in site.last:
            end()
        _wait(site.is_up, "all components run")
        _wait(lambda: _is_idle(site), "the messages are worked off")
        check_rows(site, job_id)
        assert disturbed == expected
        assert csv_of(site.services, job_id) == expected, "nobody writes it again"
        check_files(site, job_id)
    psutil.wait_procs(processes_of(folder), timeout=5)
    assert [process.cmdline() for process in processes_of(folder)] == []
    return recoveries


def _strike(site: Site, job_id: str, strike: Strike, random: Random) -> Recovery:
    _wait(lambda: _has_reached(_job(site, job_id), strike.share), f"{strike} can happen")
    in_hand = _in_hand(site, job_id)
    strike.fault.strike(site, random)
    started = time.monotonic()
    is_over = _job(site, job_id).state not in OPEN_STATES
    done = _count(site, job_id, Chunk.state == "done")

    def works_again() -> bool:
        if not site.is_up():
            return False
        if _job(site, job_id).state not in OPEN_STATES:
            return True
        finished = Chunk.state == "done"
        rest = _count(site, job_id, Chunk.first.in_(in_hand), ~finished)
        return rest == 0 and _count(site, job_id, finished) > done

    _wait(works_again, f"all works again after {strike}")
    return Recovery(strike.fault.name, None if is_over else time.monotonic() - started)


def _has_reached(job: Job, share: float) -> bool:
    if share == 0 or job.state not in OPEN_STATES:
        return True
    if share == 1:
        return job.state == "finalizing"
    return job.total > 0 and job.ok + job.failed >= share * job.total


def _job(site: Site, job_id: str) -> Job:
    with site.services.database.reading() as session:
        return jobs.get(session, job_id)


def _in_hand(site: Site, job_id: str) -> list[int]:
    with site.services.database.reading() as session:
        leased = select(Chunk.first).where(Chunk.job_id == job_id, Chunk.state == "leased")
        return list(session.scalars(leased))


def _count(site: Site, job_id: str, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(Chunk).where(Chunk.job_id == job_id, *conditions)
    with site.services.database.reading() as session:
        return session.scalar(query) or 0


def _is_idle(site: Site) -> bool:
    """Whether no message waits; the sweep's own come and go."""
    with site.redis() as client:
        return bool(client.llen("classify") == 0)


def _wait(reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if reached():
                return
        except OperationalError:
            pass  # the database is away, for us, too
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(LOOK_SECONDS)
