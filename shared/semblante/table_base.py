"""What all tables share: how Python's types are stored, and how constraints are named."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Float,
    LargeBinary,
    MetaData,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase

from semblante.message import Message

_JSON_START = '{"template": '


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time, also on SQLite, which stores no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Store the time in UTC."""
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the zone back that SQLite dropped."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class MessageText(TypeDecorator[Message]):
    """A message: as plain text where it has no values, else as JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Message | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Keep the values apart, for other languages."""
        if value is None:
            return None
        return json.dumps(value.to_json()) if value.values else value.template

    def process_result_value(self, value: str | None, dialect: Dialect) -> Message | None:  # noqa: ARG002
        """Return the message; older rows have plain text."""
        if value is None:
            return None
        is_plain = not value.startswith(_JSON_START)
        return Message.from_json(
            {"template": value, "values": {}} if is_plain else json.loads(value)
        )


class Table(DeclarativeBase):
    """The root of all tables; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[dict[str, str]]: JSON(),
        list[str]: JSON(),
        int: BigInteger(),
        float: Float(),
        bytes: LargeBinary(),
        Message: MessageText(),
    }
