"""`semblante webcam`: label the faces before a camera, or in a video, in a window or into files."""

from __future__ import annotations

from pathlib import Path

import click

from semblante.cli.options import data_option, make_settings

_OUTPUT = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command()
@click.argument("source", default="0")
@click.option("--model", help="Name or reference; the default model without.")
@click.option("-o", "--output", type=_OUTPUT, help="Annotated video to write: .mp4 or .avi.")
@click.option("--csv", "table", type=_OUTPUT, help="Table to write, a row per face and frame.")
@click.option(
    "--window/--no-window",
    default=None,
    help="Show a window; by default, unless a file is written.",
)
@click.option("--lang", type=click.Choice(["en", "es"]), default="en", show_default=True)
@click.option("--device", help="auto, cpu, cuda or cuda:N.")
@data_option
def webcam(
    source: str,
    model: str | None,
    output: Path | None,
    table: Path | None,
    window: bool | None,
    lang: str,
    device: str | None,
    data: Path | None,
) -> None:
    """Label faces before a camera.

    SOURCE is the number of a camera, 0 for the first, or a video file. Faces are boxed with their
    label, smoothed over frames; nothing is kept unless -o or --csv asks for it. The key q, Escape
    or Ctrl-C ends it.
    """
    from semblante_worker.webcam.run import Wishes, run_webcam

    has_window = window if window is not None else not (output or table)
    if not (has_window or output or table):
        raise click.UsageError("Without a window, name a file with -o or --csv.")
    _refuse_overwriting(Path(source), output, table)
    wishes = Wishes(source, model, output, table, has_window, "es" if lang == "es" else "en")
    done = run_webcam(make_settings(data=data, device=device), wishes)
    click.echo(
        f"{done.frames} frames, {done.faces} faces, {done.frames_per_second:.1f} frames/s", err=True
    )
    if done.is_short:
        text = f"{source} says that it has {done.announced} frames: it may be damaged."
        click.echo(text, err=True)


def _refuse_overwriting(source: Path, output: Path | None, table: Path | None) -> None:
    """Raise UsageError when one file would take another one's place."""
    if output is not None and table is not None and output.resolve() == table.resolve():
        raise click.UsageError("-o and --csv name the same file.")
    for path in (output, table):
        if path is not None and path.exists() and source.exists() and path.samefile(source):
            raise click.UsageError(f"{path} is the video itself; name another file.")
