"""The command line. Each command is one module of this package, imported when it is invoked."""

from __future__ import annotations

import click

from semblante import __version__
from semblante.cli.lazy_group import CommandPlace, LazyGroup
from semblante.cli.streams import open_closed_streams
from semblante.quick_imports import begin_imports

PLACES = {
    "label": CommandPlace("semblante.cli.label", "Label images on this machine and write a CSV."),
    "up": CommandPlace("semblante.cli.up", "Start everything on this machine, for the browser."),
    "predict": CommandPlace("semblante.cli.predict", "Label one image at once."),
    "submit": CommandPlace("semblante.cli.submit", "Send images to a running server."),
    "list": CommandPlace("semblante.cli.jobs", "List the server's jobs, newest first."),
    "status": CommandPlace("semblante.cli.jobs", "Show one job."),
    "watch": CommandPlace("semblante.cli.submit", "Follow a job until it has ended."),
    "download": CommandPlace("semblante.cli.download", "Download a job's results."),
    "cancel": CommandPlace("semblante.cli.jobs", "Stop a job for good."),
    "pause": CommandPlace("semblante.cli.jobs", "Let a job rest."),
    "resume": CommandPlace("semblante.cli.jobs", "Go on with a paused job."),
    "retry": CommandPlace("semblante.cli.jobs", "Label the failed images of a job again."),
    "delete": CommandPlace("semblante.cli.jobs", "Remove a job, its results and its upload."),
    "models": CommandPlace(
        "semblante.cli.models",
        "List, show, import, remove and choose models; fetch the face detector.",
    ),
    "watch-folder": CommandPlace(
        "semblante.cli.watch_folder", "Submit what appears in a folder, as it appears."
    ),
    "webhooks": CommandPlace(
        "semblante.cli.webhooks", "See what jobs told their webhooks, and what signs it."
    ),
    "keys": CommandPlace("semblante.cli.keys", "Create, list and revoke API keys."),
    "operator": CommandPlace(
        "semblante.cli.operator",
        "Look at the whole stack; pause all jobs, drain a worker, and let them go on.",
    ),
    "migrate": CommandPlace(
        "semblante.cli.migrate",
        "Bring the database to the newest schema, and make the storage's folder or bucket.",
    ),
    "backup": CommandPlace(
        "semblante.cli.backup",
        "Copy jobs, results, uploads and models of the embedded stack to FILE, a tar.",
    ),
    "restore": CommandPlace(
        "semblante.cli.backup",
        "Fill an empty data folder from a backup, also one of an older version.",
    ),
    "doctor": CommandPlace("semblante.cli.doctor", "Check that everything needed is here."),
}
"""Our own commands in the order of `semblante --help`; a test compares the summaries."""

SUMMARIES = {
    "web": "Run the web only: pages and API (production).",
    "worker": "Run one worker only (production).",
    "train": "Train a model.",
    "dataset": "Look at a data set, or make a smaller copy of it.",
    "evaluate": "Measure a model on labelled images.",
    "export": "Add to a bundle what CPUs run fastest: its network for OpenVINO, in int8.",
    "webcam": "Label faces before a camera.",
}
"""Commands that other distributions add."""


@click.group(
    cls=LazyGroup,
    places=PLACES,
    summaries=SUMMARIES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 all images labelled, 3 some failed, 1 the job failed, 2 refused.",
)
@click.version_option(__version__, prog_name="semblante")
def cli() -> None:
    """Semblante labels the emotion of every face in a large archive of images.

    Begin with `semblante label photos.zip`, or with `semblante up` and a browser.
    """


def main() -> None:
    """Run the command line of this process's arguments, and exit."""
    open_closed_streams()
    begin_imports()  # the group ends them when it has the command
    cli(prog_name="semblante")
