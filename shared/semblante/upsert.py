"""Inserting rows that may be there already, which SQLite and PostgreSQL write alike."""

from __future__ import annotations

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session


def insert_into(
    session: Session, table: type[DeclarativeBase]
) -> sqlite.Insert | postgresql.Insert:
    """Return an insertion that takes `on_conflict_do_update` or `on_conflict_do_nothing`."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
