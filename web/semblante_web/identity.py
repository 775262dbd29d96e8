"""Who sends a request: by the token of a key, or by the cookie that such a token was given for."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from semblante import keys
from semblante.keys import OPERATOR, SCOPES, digest_of
from semblante.settings import Settings
from semblante.tables import ApiKey, Scope


@dataclass(frozen=True)
class Identity:
    """Who sends a request, and what that allows."""

    name: str
    """Of the key; empty where no login is needed."""
    owner: str
    """Whose jobs these are; empty for the operator's."""
    scope: Scope
    digest: str = ""
    """Hash of the token."""
    key: ApiKey | None = None
    """None for the operator, who has no row."""
    by_cookie: bool = False

    def allows(self, scope: Scope) -> bool:
        """Whether something that needs `scope` may be done."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)

    def sees(self, owner: str) -> bool:
        """Whether what belongs to `owner` may be known of."""
        return self.scope == "admin" or owner == self.owner

    @property
    def only_owner(self) -> str | None:
        """Whose jobs lists show; None for all."""
        return None if self.scope == "admin" else self.owner


ANYBODY = Identity(name="", owner="", scope="admin")
"""Everybody, where no login is needed."""


def by_token(session: Session, settings: Settings, token: str) -> Identity | None:
    """Return who has `token`; None when nobody has, or no longer."""
    operator = _operator(settings)
    if operator is not None and hmac.compare_digest(digest_of(token), operator.digest):
        return operator
    key = keys.find_by_token(session, token)
    return _of_key(key) if key is not None else None


def to_cookie(identity: Identity) -> dict[str, str]:
    """Return what the signed cookie keeps; no secret, as a cookie can be read."""
    return {"key": identity.key.id if identity.key else "", "mark": _mark(identity)}


def by_cookie(session: Session, settings: Settings, kept: Mapping[str, str]) -> Identity | None:
    """Return whom the cookie was given to; None for nobody, or when the key has changed since."""
    if "key" not in kept:
        return None
    if kept["key"]:
        key = keys.find(session, kept["key"])
        found = _of_key(key) if key is not None else None
    else:
        found = _operator(settings)
    if found is None or not hmac.compare_digest(_mark(found), kept["mark"]):
        return None
    return replace(found, by_cookie=True)


def _operator(settings: Settings) -> Identity | None:
    if settings.api_key is None:
        return None
    return Identity(OPERATOR, "", "admin", digest_of(settings.api_key))


def _of_key(key: ApiKey) -> Identity:
    return Identity(key.name, key.owner, key.scope, key.digest, key)


def _mark(identity: Identity) -> str:
    return hashlib.sha256(f"cookie {identity.digest}".encode()).hexdigest()
