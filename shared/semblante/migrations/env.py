"""Alembic's entry: runs the migrations over our own engine, so that SQLite's pragmas hold."""

from __future__ import annotations

from typing import Literal

from alembic import context
from sqlalchemy import Connection

from semblante.database import Database
from semblante.tables import Table, UtcDateTime


def render_item(kind: str, item: object, autogenerate_context: object) -> str | Literal[False]:  # noqa: ARG001
    """Write our own column type by its SQL form: a migration must not change with our code."""
    return "sa.DateTime(timezone=True)" if isinstance(item, UtcDateTime) else False


def check_references(connection: Connection) -> None:
    """Raise RuntimeError when a row refers to nothing; it reads all rows, so not at every start."""
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise RuntimeError("a migration leaves rows that refer to nothing; it is undone")


database = Database(context.config.attributes["url"])
try:
    with database.engine.execution_options(semblante_writes=True).connect() as connection:
        if database.is_sqlite:
            # A table that SQLite cannot alter is made anew, and the old one dropped: with foreign
            # keys in force that fails where rows refer to it. No transaction may have begun.
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=Table.metadata,
            render_as_batch=database.is_sqlite,
            render_item=render_item,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            before = context.get_context().get_current_heads()
            context.run_migrations()
            if database.is_sqlite and before != context.get_context().get_current_heads():
                check_references(connection)
        connection.commit()
finally:
    database.dispose()
