"""A command group that imports a command only when it is invoked: `--help` stays fast."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, NamedTuple, cast

import click

from semblante.cli.exit_codes import INTERRUPTED, REFUSED
from semblante.errors import SemblanteError
from semblante.quick_imports import end_imports

ENTRY_POINTS = "semblante.commands"


class CommandPlace(NamedTuple):
    """Where a command of this distribution lies, and its line in the list of commands."""

    module: str
    summary: str


class LazyGroup(click.Group):
    """Commands by name: our own, and those that installed distributions add by entry point."""

    def __init__(
        self, *, places: Mapping[str, CommandPlace], summaries: Mapping[str, str], **options: Any
    ) -> None:
        """Take the places of our own commands, and one line for each command of others."""
        super().__init__(**options)
        self._places = places
        self._summaries = summaries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return our own commands in their order, then those of other distributions."""
        added = {point.name for point in entry_points(group=ENTRY_POINTS)}
        return [*self._places, *sorted(added - self._places.keys())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return the command.

        Raises:
            ClickException: When it belongs to a distribution that is not installed.
        """
        if cmd_name in self._places:
            module = import_module(self._places[cmd_name].module)
            name = cmd_name.replace("-", "_")
            # A command called like one of Python's own words has an underscore behind it.
            function = getattr(module, f"{name}_", None) or getattr(module, name)
            return cast("click.Command", function)
        for point in entry_points(group=ENTRY_POINTS, name=cmd_name):
            return cast("click.Command", point.load())
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Import the command, and end the imports that `main` began.

        Raises:
            ReportedError: The distribution of a known command is missing; it says which.
        """
        name = args[0] if args else ""
        if name in self._summaries and name not in self.list_commands(ctx):
            package = "semblante-web" if name == "web" else "semblante-worker"
            raise ReportedError(
                "component_missing", f"`semblante {name}` needs {package}; install it."
            )
        resolved = super().resolve_command(ctx, args)
        end_imports()
        return resolved

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any of them."""
        lines = []
        for name in self.list_commands(ctx):
            place = self._places.get(name)
            lines.append((name, place.summary if place else self._summaries.get(name, "")))
        with formatter.section("Commands"):
            formatter.write_dl(lines)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; our errors become one line and exit status 2, Ctrl-C becomes 130."""
        try:
            return super().invoke(ctx)
        except SemblanteError as error:
            raise ReportedError(error.code, error.message) from error
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of our output has gone: click ends quietly
                raise
            raise ReportedError(None, str(error)) from error


class ReportedError(click.ClickException):
    """An error that the person can do something about: what to do, and its code if it is ours."""

    exit_code = REFUSED

    def __init__(self, code: str | None, message: str) -> None:
        super().__init__(f"{message} [{code}]" if code else message)
