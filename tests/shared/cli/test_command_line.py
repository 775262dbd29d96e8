from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from semblante.cli import PLACES, cli
from semblante.cli.lazy_group import CommandPlace, LazyGroup
from semblante.errors import Conflict

HEAVY = ("pydantic", "sqlalchemy", "httpx", "rich", "celery", "alembic", "PIL", "torch", "flask")


def run(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, arguments, prog_name="semblante", env=environment)
    return result.exit_code, result.stdout, result.stderr


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from semblante.cli import cli\n"
        "try: cli(['--help'], prog_name='semblante')\n"
        f"finally: print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert output.rstrip().endswith("[]")
    for name in (*PLACES, "web", "worker"):
        assert f"\n  {name} " in output


@pytest.mark.parametrize("name", PLACES)
def test_the_list_says_what_the_command_says(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(100) == PLACES[name].summary


def test_a_missing_distribution_is_named() -> None:
    group = LazyGroup(name="s", places={}, summaries={"train": "", "web": "", "nothing": ""})
    group.list_commands = lambda ctx: []  # type: ignore[method-assign]
    result = CliRunner().invoke(group, ["train"])
    assert result.exit_code == 2
    message = "`semblante train` needs semblante-worker; install it."
    assert result.stderr == f"Error: {message} [component_missing]\n"


def group_that_raises(error: BaseException) -> LazyGroup:
    group = LazyGroup(name="s", places={"x": CommandPlace("nowhere", "")}, summaries={})

    @click.command()
    def x() -> None:
        raise error

    group.get_command = lambda ctx, cmd_name: x  # type: ignore[method-assign]
    return group


def test_our_errors_are_one_line_with_their_code() -> None:
    group = group_that_raises(Conflict("already_running", "Another one runs."))
    result = CliRunner().invoke(group, ["x"])
    assert result.exit_code == 2
    assert result.stderr == "Error: Another one runs. [already_running]\n"
    assert result.stdout == ""


def test_errors_of_the_system_are_one_line() -> None:
    group = group_that_raises(OSError(28, "No space left on device", "/somewhere"))
    result = CliRunner().invoke(group, ["x"])
    assert result.exit_code == 2
    assert result.stderr == ("Error: [Errno 28] No space left on device: '/somewhere'\n")


def test_a_defect_keeps_its_traceback() -> None:
    result = CliRunner().invoke(group_that_raises(ZeroDivisionError()), ["x"])
    assert isinstance(result.exception, ZeroDivisionError)


def test_ctrl_c_is_130() -> None:
    assert CliRunner().invoke(group_that_raises(KeyboardInterrupt()), ["x"]).exit_code == 130


def test_an_unknown_command_is_a_usage_error() -> None:
    code, _stdout, stderr = run("labell")
    assert code == 2
    assert "No such command 'labell'" in stderr


def test_a_bad_setting_names_its_variable() -> None:
    code, _stdout, stderr = run("doctor", environment={"SEMBLANTE_PORT": "many"})
    assert code == 2
    assert "port (SEMBLANTE_PORT): Input should be a valid integer" in stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RETENTION_DAYS", "1e9"),
        ("RETENTION_DAYS", "inf"),
        ("TIDY_SECONDS", "inf"),
        ("BROKER_URL", "redis://h:p"),
    ],
)
def test_a_setting_that_nothing_can_be_done_with_is_refused(name: str, value: str) -> None:
    code, _stdout, stderr = run("doctor", environment={f"SEMBLANTE_{name}": value})
    assert code == 2
    assert f"(SEMBLANTE_{name}): " in stderr


def test_serving_other_machines_without_a_key_is_refused() -> None:
    code, _stdout, stderr = run("up", "--host", "0.0.0.0")
    assert code == 2
    assert "[unsafe_binding]" in stderr


def test_version() -> None:
    assert run("--version") == (0, "semblante, version 0.1.0\n", "")
