"""The page of API keys, for admins: list, create and revoke them."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import render_template, request, url_for
from pydantic import BaseModel, ConfigDict
from werkzeug.wrappers import Response

from semblante import keys
from semblante.errors import SemblanteError
from semblante.tables import ApiKey, Scope
from semblante_web.access import record, require
from semblante_web.current import services
from semblante_web.htmx import go_to
from semblante_web.validation import validated

blueprint = APIBlueprint("keys", __name__, url_prefix="/keys", enable_openapi=False)


class NewKey(BaseModel):
    """The form for a key."""

    model_config = ConfigDict(extra="forbid")

    name: str
    scope: Scope
    owner: str | None = None


@blueprint.before_request
def _admins_only() -> None:
    require("admin")


@blueprint.get("")
def show_keys() -> str:
    """Show all keys, also revoked ones, and where to make one."""
    return _page()


@blueprint.post("")
def create_key() -> tuple[str, int]:
    """Make a key and show its token, this once: the answer is never cached."""
    try:
        wanted = validated(NewKey, {name: text for name, text in _form().items() if text})
        with services().database.writing() as session:
            key, token = keys.create(session, wanted.name, wanted.scope, wanted.owner)
            record(session, "key_create", key.name)
    except SemblanteError as error:
        return _page(refusal=error), error.http_status
    return _page(created=key, token=token), 201


@blueprint.post("/<name>/revoke")
def revoke_key(name: str) -> Response:
    """Make a key useless, at once and for good."""
    with services().database.writing() as session:
        record(session, "key_revoke", keys.revoke(session, name).name)
    return go_to(url_for("keys.show_keys"))


def _form() -> dict[str, str]:
    return {name: text.strip() for name, text in request.form.items()}


def _page(
    created: ApiKey | None = None, token: str | None = None, refusal: SemblanteError | None = None
) -> str:
    with services().database.reading() as session:
        found = keys.list_all(session)
    return render_template(
        "keys.html",
        keys=found,
        created=created,
        token=token,
        is_first=created is not None and len(found) == 1,
        refusal=refusal,
        given=_form() if refusal else {},
    )
