"""The whole product: `semblante label` as a person starts it, and the memory of its processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from semblante.cli.exit_codes import OK, SOME_IMAGES_FAILED
from semblante_worker.bench.sample import Sample

SAMPLE_SECONDS = 0.2


@dataclass(frozen=True)
class EndToEnd:
    """A whole job: its seconds with all that starts and stops, and peak resident bytes by role."""

    images: int
    seconds: float
    peak_bytes: dict[str, int]

    @property
    def images_per_second(self) -> float:
        """Images of the archive by wall time of the whole command."""
        return self.images / self.seconds


def label_archive(sample: Sample, model: str, device: str, folder: Path) -> EndToEnd:
    """Run `semblante label` on the sample's archive with a fresh data folder.

    Raises:
        subprocess.CalledProcessError: the command failed.
    """
    output, data = folder / f"{sample.name}.csv", folder / f"data-{sample.name}"
    words = (str(sample.archive), "--model", model, "-o", str(output), "--data", str(data))
    environment = {**os.environ, "SEMBLANTE_DEVICE": device}
    seconds, peaks = run_label((*words, "--no-keep"), environment)
    return EndToEnd(sample.images, seconds, peaks)


def run_label(words: Sequence[str], environment: Mapping[str, str]) -> tuple[float, dict[str, int]]:
    """Run `semblante label` with `words`; return its seconds, and peak resident bytes by role.

    Raises:
        subprocess.CalledProcessError: the command failed.
    """
    command = [sys.executable, "-m", "semblante", "label", *words]
    peaks: dict[str, int] = {}
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as child:
        root = psutil.Process(child.pid)
        while child.poll() is None:
            _note_peaks(root, peaks)
            time.sleep(SAMPLE_SECONDS)
    if child.returncode not in (OK, SOME_IMAGES_FAILED):
        raise subprocess.CalledProcessError(child.returncode, command)
    return time.perf_counter() - started, peaks


def _note_peaks(root: psutil.Process, peaks: dict[str, int]) -> None:
    for process in [root, *root.children(recursive=True)]:
        try:
            role = _role(process, root)
            peaks[role] = max(peaks.get(role, 0), process.memory_info().rss)
        except psutil.NoSuchProcess:
            continue


def _role(process: psutil.Process, root: psutil.Process) -> str:
    if process == root:
        return "command"
    if "worker" not in process.cmdline():
        return "broker"
    return "worker parent" if process.parent() == root else "worker child"
