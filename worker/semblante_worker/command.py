"""`semblante worker`, and what the worker adds to `semblante predict` and `doctor`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from semblante.local_models import fetch_local_bundle
from semblante.quick_imports import begin_imports, end_imports
from semblante.settings import Settings, settings_with
from semblante.stack.ready_file import ready_file
from semblante_worker.metrics_server import served_metrics


@click.command()
@click.option("--name", default="worker", show_default=True, help="Name of this worker.")
@click.option(
    "--queues",
    default="control,classify,predict",
    show_default=True,
    help="Queues to work on, separated by commas.",
)
@click.option("--processes", type=click.IntRange(1), help="Child processes, each with its model.")
@click.option("--device", help="auto, cpu, cuda or cuda:N.")
@click.option(
    "--devices", help="CUDA devices, separated by commas: a worker process for each of them."
)
@click.option("--data", type=click.Path(path_type=Path), help="Data folder.")
@click.option(
    "--held",
    is_flag=True,
    help="Begin when a line comes on standard input, and end if that ends first: for programs that"
    " start workers before broker and database are ready.",
)
def worker(
    name: str,
    queues: str,
    processes: int | None,
    device: str | None,
    devices: str | None,
    data: Path | None,
    held: bool,
) -> None:
    """Run one worker: it indexes archives, labels chunks and answers single images."""
    each = devices.split(",") if devices else []
    settings = settings_with(
        worker_processes=processes or len(each) or None, device=device, data=data
    )
    ready = ready_file(settings.data, name)
    with served_metrics(settings, name):
        begin_imports()
        from semblante_worker.run import run_worker  # its metrics go where `served_metrics` said

        end_imports()
        if held and not sys.stdin.readline():
            return  # whoever held it has ended
        code = run_worker(settings, name, queues.split(","), ready, each)
    sys.exit(code)


def predict_here(settings: Settings, data: bytes, model: str | None) -> dict[str, Any]:
    """Label one image in this process: `semblante predict` without a server.

    Raises:
        ImageError: The image cannot be labelled.
        NotFound: `model_not_found`.
        Unavailable: `model_unavailable` or `database_unavailable`.
    """
    from semblante_worker.predict import Predictor
    from semblante_worker.predict_answers import answer

    return answer(Predictor(settings), fetch_local_bundle(settings, model), data, settings.detect)
