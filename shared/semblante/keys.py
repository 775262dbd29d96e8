"""API keys: random tokens of which the database keeps only the hash."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import get_args

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from semblante.errors import Conflict, NotFound, Refused
from semblante.identifiers import new_id
from semblante.tables import ApiKey, Scope

SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "semblante_"
"""By which scanners for leaked secrets know a token."""
TOKEN_BYTES = 32
NAME = re.compile(r"[\w.@+-]{1,64}")
OPERATOR = "operator"
"""Who sends the key of the settings."""
USE_PERIOD = timedelta(hours=1)


def create(
    session: Session, name: str, scope: Scope, owner: str | None = None
) -> tuple[ApiKey, str]:
    """Add a key and return it with its token, which nothing can tell again.

    Args:
        session: A writing transaction.
        name: What people call the key; never used twice.
        scope: What it allows.
        owner: Whose jobs it sees; its own name without one.

    Raises:
        Refused: `invalid_request`, for a name or owner of another form.
        Conflict: `key_exists`.
    """
    for text in (name, owner or name):
        if not NAME.fullmatch(text):
            raise Refused(
                "invalid_request",
                "%(text)r is no name: use up to 64 letters, digits and _.@+-",
                text=text,
            )
    if name == OPERATOR or session.scalar(select(ApiKey.id).where(ApiKey.name == name)):
        raise Conflict(
            "key_exists", "There is, or was, a key %(name)r; choose another name.", name=name
        )
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    key = ApiKey(
        id=new_id(),
        name=name,
        owner=owner or name,
        scope=scope,
        digest=digest_of(token),
        created_at=datetime.now(UTC),
    )
    session.add(key)
    return key, token


def digest_of(token: str) -> str:
    """Return the hash under which a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def find_by_token(session: Session, token: str) -> ApiKey | None:
    """Return the key with this token, unless it was revoked.

    The search is by hash, so that its time tells nothing about tokens.
    """
    digest = digest_of(token)
    key = session.scalar(select(ApiKey).where(ApiKey.digest == digest))
    is_good = key is not None and hmac.compare_digest(key.digest, digest) and not key.revoked_at
    return key if is_good else None


def find(session: Session, key_id: str) -> ApiKey | None:
    """Return the key with this id, unless it was revoked."""
    key = session.get(ApiKey, key_id)
    return key if key is not None and not key.revoked_at else None


def any_exists(session: Session) -> bool:
    """Whether a key was ever made: then nobody works without one, revoked or not."""
    return session.scalar(select(ApiKey.id).limit(1)) is not None


def list_all(session: Session) -> list[ApiKey]:
    """Return all keys, also revoked ones, the oldest first."""
    return list(session.scalars(select(ApiKey).order_by(ApiKey.id)))


def revoke(session: Session, name: str) -> ApiKey:
    """Make a key useless for good; revoking twice is no error.

    Raises:
        NotFound: `key_not_found`.
    """
    key = session.scalar(select(ApiKey).where(ApiKey.name == name))
    if key is None:
        raise NotFound(
            "key_not_found", "There is no key %(name)r; see `semblante keys list`.", name=name
        )
    key.revoked_at = key.revoked_at or datetime.now(UTC)
    return key


def is_use_to_note(key: ApiKey) -> bool:
    """Whether the last use that was noted is long enough ago."""
    return key.last_used_at is None or datetime.now(UTC) - key.last_used_at > USE_PERIOD


def note_use(session: Session, key: ApiKey) -> None:
    """Note that the key is in use."""
    session.execute(
        update(ApiKey).where(ApiKey.id == key.id).values(last_used_at=datetime.now(UTC))
    )
