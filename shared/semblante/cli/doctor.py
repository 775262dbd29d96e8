"""`semblante doctor`: what is here, what is missing, and what to do about it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from semblante.check import Check
from semblante.cli.checks import run_checks
from semblante.cli.exit_codes import JOB_FAILED, OK
from semblante.cli.options import data_option, json_option, make_settings


@click.command()
@data_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, data: Path | None, as_json: bool) -> None:
    """Check that everything needed is here.

    The exit status is 0 only when nothing that is needed is missing.
    """
    checks = run_checks(make_settings(data=data))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(check) for check in checks], indent=2))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            click.echo(f"{_word(check):<8}  {check.name:<{width}}  {check.detail}")
            if not check.ok and check.remedy:
                click.echo(f"{'':<8}  {'':<{width}}  -> {check.remedy}")
    ctx.exit(OK if all(check.ok or not check.needed for check in checks) else JOB_FAILED)


def _word(check: Check) -> str:
    if check.ok:
        return "ok"
    return "MISSING" if check.needed else "missing"
