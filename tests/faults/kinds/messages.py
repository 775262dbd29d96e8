"""Messages that are lost, late, or come twice."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random

from sqlalchemy import select

from faults.shape import ANYTHING, Needs
from faults.site import Site
from semblante.tables import Chunk, Job

QUEUES = ("control", "classify")
DELAY_SECONDS = 1.5


@dataclass(frozen=True)
class Flushed:
    """The broker forgets everything."""

    name: str = "FLUSHALL"
    needs: Needs = ANYTHING

    def strike(self, site: Site, random: Random) -> None:
        """Empty it."""
        with site.redis() as client:
            client.flushall()


@dataclass(frozen=True)
class Delayed:
    """The messages that wait now come later, in another order."""

    name: str = "messages late"
    needs: Needs = ANYTHING

    def strike(self, site: Site, random: Random) -> None:
        """Take them out and put them back."""
        with site.redis() as client:
            held = {queue: client.lpop(queue, 1000) or [] for queue in QUEUES}
            time.sleep(DELAY_SECONDS)
            for queue, messages in held.items():
                random.shuffle(messages)
                for message in messages:
                    client.lpush(queue, message)


@dataclass(frozen=True)
class Doubled:
    """Every message comes again, and those of chunks and steps that are done or in hand, too."""

    name: str = "messages twice"
    needs: Needs = ANYTHING

    def strike(self, site: Site, random: Random) -> None:
        """Send them once more."""
        services = site.services
        with services.database.reading() as session:
            chunks = session.execute(select(Chunk.job_id, Chunk.first)).all()
            job_ids = session.scalars(select(Job.id)).all()
        for job_id, first in chunks:
            services.queue.send("semblante.classify", job_id=job_id, first=first)
        for job_id in job_ids:
            services.queue.send("semblante.index", job_id=job_id)
            services.queue.send("semblante.finish", job_id=job_id)
