"""The database's schema, step by step; the files in `versions/` are applied in order."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config


def alembic_config(url: str) -> Config:
    """Return Alembic's configuration for the database at `url`."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest schema; does nothing when it is there."""
    command.upgrade(alembic_config(url), "head")


def check(url: str) -> None:
    """Raise alembic.util.CommandError when the tables in code differ from the database."""
    command.check(alembic_config(url))
