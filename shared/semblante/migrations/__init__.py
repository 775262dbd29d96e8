"""The database's schema, step by step; the files in `versions/` are applied in order."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from semblante.errors import Unavailable


def alembic_config(url: str) -> Config:
    """Return Alembic's configuration for the database at `url`."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest schema; does nothing when it is there.

    Raises:
        Unavailable: `database_unavailable`, when a newer version of Semblante has changed it.
    """
    try:
        command.upgrade(alembic_config(url), "head")
    except CommandError as error:
        raise Unavailable(
            "database_unavailable",
            "The database has a schema that this version does not know (%(reason)s): use the "
            "version of Semblante that made it, or a newer one.",
            reason=error,
        ) from error


def is_revision(revision: str) -> bool:
    """Whether this version knows the schema of that name."""
    steps = ScriptDirectory(str(Path(__file__).parent)).walk_revisions()
    return any(step.revision == revision for step in steps)


def check(url: str) -> None:
    """Raise alembic.util.CommandError when the tables in code differ from the database."""
    command.check(alembic_config(url))
