"""Processes that are killed, stopped, or frozen."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from random import Random

import psutil

from faults.shape import ANOTHER_CHILD, ANYTHING, Needs
from faults.site import Site

FROZEN_SECONDS = 2.0


def role_of(site: Site, role: str, random: Random) -> str:
    """Return the name of a component: of some worker, where any will do."""
    return random.choice(site.workers) if role == "worker" else role


@dataclass(frozen=True)
class Signalled:
    """A process gets a signal that ends it; the supervisor starts it again."""

    name: str
    role: str
    number: signal.Signals = signal.SIGKILL
    needs: Needs = ANYTHING

    def strike(self, site: Site, random: Random) -> None:
        """Send the signal."""
        with suppress(ProcessLookupError):
            os.kill(site.pid(role_of(site, self.role, random)), self.number)


@dataclass(frozen=True)
class ChildKilled:
    """A child process of a worker is killed; its parent makes another."""

    name: str = "worker's child killed"
    needs: Needs = ANYTHING

    def strike(self, site: Site, random: Random) -> None:
        """Kill one child."""
        with suppress(psutil.NoSuchProcess):
            random.choice(site.children(random.choice(site.workers))).kill()


@dataclass(frozen=True)
class Frozen:
    """A process and its children stand still for a while."""

    name: str
    role: str
    needs: Needs = ANYTHING

    def strike(self, site: Site, random: Random) -> None:
        """Freeze and go on."""
        process = psutil.Process(site.pid(role_of(site, self.role, random)))
        processes = [process, *process.children(recursive=True)]
        for one in processes:
            one.suspend()
        time.sleep(FROZEN_SECONDS)
        for one in processes:
            with suppress(psutil.NoSuchProcess):
                one.resume()


@dataclass(frozen=True)
class ChildFrozenForGood:
    """A child stands still until the job is over, and then wakes up with old rows."""

    name: str = "worker's child frozen for good"
    needs: Needs = ANOTHER_CHILD

    def strike(self, site: Site, random: Random) -> None:
        """Freeze one child."""
        child = random.choice(site.children(random.choice(site.workers)))
        child.suspend()
        while not self._lets_others_write(site):
            child.resume()
            time.sleep(random.uniform(0, 0.1))
            child.suspend()

        def wake() -> None:
            with suppress(psutil.NoSuchProcess):
                child.resume()

        site.last.append(wake)

    def _lets_others_write(self, site: Site) -> bool:
        """PostgreSQL ends a silent writer's transaction; SQLite waits for it for ever."""
        if site.shape.database == "postgresql":
            return True
        path = site.settings.data / "semblante.sqlite3"
        with closing(sqlite3.connect(path, timeout=0.5)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
        return True


@dataclass(frozen=True)
class AllKilled:
    """A power cut: every process of the site at once."""

    name: str = "all processes killed at once"
    needs: Needs = ANYTHING

    def strike(self, site: Site, random: Random) -> None:
        """Kill them all."""
        processes = [psutil.Process(site.pid(name)) for name in (*site.workers, "web", "broker")]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
