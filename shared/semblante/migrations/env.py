"""Alembic's entry: runs the migrations over our own engine, so that SQLite's pragmas hold."""

from __future__ import annotations

from typing import Literal

from alembic import context

from semblante.database import Database
from semblante.tables import Table, UtcDateTime


def render_item(kind: str, item: object, autogenerate_context: object) -> str | Literal[False]:  # noqa: ARG001
    """Write our own column type by its SQL form: a migration must not change with our code."""
    return "sa.DateTime(timezone=True)" if isinstance(item, UtcDateTime) else False


database = Database(context.config.attributes["url"])
try:
    with database.engine.execution_options(semblante_writes=True).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Table.metadata,
            render_as_batch=database.is_sqlite,
            render_item=render_item,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
finally:
    database.dispose()
