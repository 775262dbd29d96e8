"""`/healthz`: the process lives. `/readyz`: what it works with answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Literal

from apiflask import APIBlueprint
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from semblante.errors import SemblanteError
from semblante.identifiers import new_id
from semblante.services import Services
from semblante_web.current import services
from semblante_web.openapi_problems import named


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether each of the parts answers: `ok` or the reason."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str]


UNREADY: dict[int | str, Any] = {
    503: {
        "description": "A part does not answer.",
        "content": {"application/json": {"schema": named("Readiness")}},
    }
}
blueprint = APIBlueprint("health", __name__, tag="Health")


@blueprint.get("/healthz")
@blueprint.output(Alive)
@blueprint.doc(operation_id="isAlive")
def is_alive() -> Alive:
    """Tell that the process answers; asks nothing else."""
    return Alive(status="ok")


@blueprint.get("/readyz")
@blueprint.output(Readiness)
@blueprint.doc(
    operation_id="isReady",
    responses=UNREADY,
)
def is_ready() -> tuple[Readiness, int]:
    """Tell whether database, broker, storage and a worker answer: `ok` or the reason."""
    checks: dict[str, Callable[[Services], object]] = {
        "database": _ask_database,
        "broker": _ask_broker,
        "storage": _ask_storage,
        "worker": _ask_workers,
    }
    found = {name: _outcome(check) for name, check in checks.items()}
    is_fine = all(outcome == "ok" for outcome in found.values())
    word: Literal["ok", "unavailable"] = "ok" if is_fine else "unavailable"
    return Readiness(status=word, checks=found), 200 if is_fine else 503


def _outcome(check: Callable[[Services], object]) -> str:
    try:
        check(services())
    except (SQLAlchemyError, sqlite3.Error, OSError, SemblanteError) as error:
        return str(error).splitlines()[0]
    return "ok"


def _ask_database(services: Services) -> None:
    with services.database.reading() as session:
        session.execute(text("SELECT count(*) FROM jobs WHERE id = ''"))


def _ask_broker(services: Services) -> None:
    services.queue.depth("control")


def _ask_workers(services: Services) -> None:
    services.queue.check_worker()


def _ask_storage(services: Services) -> None:
    key = f"health/{new_id()}"
    services.storage.write(key, [b"ok"])
    services.storage.delete(key)
