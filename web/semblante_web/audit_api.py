"""The audit log over HTTP and as a page, for admins."""

from __future__ import annotations

from datetime import datetime

from apiflask import APIBlueprint
from flask import render_template, request
from pydantic import BaseModel, ConfigDict, Field

from semblante import audit
from semblante.identifiers import ID_PATTERN
from semblante_web.access import require
from semblante_web.current import services

ENTRIES_PER_PAGE = 50
blueprint = APIBlueprint("audit", __name__, tag="Audit")


class AuditQuery(BaseModel):
    """Which entries to list."""

    model_config = ConfigDict(extra="forbid")

    after: str | None = Field(None, pattern=ID_PATTERN, description="`next` of the page before.")
    limit: int = Field(ENTRIES_PER_PAGE, ge=1, le=500, description="Most entries to return.")


class AuditView(BaseModel):
    """Something a person did."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    at: datetime
    actor: str = Field(description="Name of the key; empty where no login is needed.")
    address: str = Field(description="Where the request came from; empty for the command line.")
    action: str
    subject: str = Field(description="Id or name of what it was done to.")


class AuditPage(BaseModel):
    """Entries, newest first."""

    items: list[AuditView]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


@blueprint.get("/api/v1/audit")
@blueprint.input(AuditQuery, location="query")
@blueprint.output(AuditPage)
@blueprint.doc(operation_id="listAudit")
def list_entries(query_data: AuditQuery) -> AuditPage:
    """List what was submitted, changed, deleted and logged in by whom; admins only."""
    return _page(query_data.after, query_data.limit)


@blueprint.get("/audit")
@blueprint.doc(hide=True)
def show_entries() -> str:
    """Show the newest entries, and older ones page by page."""
    return render_template("audit.html", page=_page(request.args.get("after"), ENTRIES_PER_PAGE))


def _page(after: str | None, limit: int) -> AuditPage:
    require("admin")
    with services().database.reading() as session:
        found = audit.newest(session, after=after, limit=limit + 1)
    items = [AuditView.model_validate(entry) for entry in found[:limit]]
    return AuditPage(items=items, next=items[-1].id if len(found) > limit else None)
