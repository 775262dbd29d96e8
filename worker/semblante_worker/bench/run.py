"""One measurement: steps, whole product and baselines over one sample."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semblante.bundles import Bundle
from semblante.settings import Settings
from semblante_worker.bench.baselines import measure_baselines
from semblante_worker.bench.end_to_end import EndToEnd, label_archive
from semblante_worker.bench.rate import Rate
from semblante_worker.bench.sample import Sample
from semblante_worker.bench.steps import measure_database, measure_steps
from semblante_worker.decode import usable_cores


@dataclass(frozen=True)
class Report:
    """What was measured over one archive; `end_to_end` is None where it was left out."""

    sample: str
    images: int
    model: str
    steps: tuple[Rate, ...]
    end_to_end: EndToEnd | None
    baselines: tuple[Rate, ...]

    @property
    def slowest(self) -> Rate:
        """The step that bounds the whole."""
        return min(self.steps, key=lambda step: step.images_per_second or 0)

    @property
    def efficiency(self) -> float | None:
        """End-to-end rate as a share of the slowest step's alone."""
        rate = self.slowest.images_per_second
        return self.end_to_end.images_per_second / rate if self.end_to_end and rate else None

    def as_document(self) -> dict[str, Any]:
        """Return the figures for `--json`."""
        whole = self.end_to_end
        return {
            "archive": self.sample,
            "images": self.images,
            "model": self.model,
            "cores": usable_cores(),
            "python": platform.python_version(),
            "steps": [vars(step) for step in self.steps],
            "slowest_step": self.slowest.name,
            "end_to_end": whole
            and {
                "images_per_second": whole.images_per_second,
                "seconds": whole.seconds,
                "share_of_slowest_step": self.efficiency,
                "peak_bytes": whole.peak_bytes,
            },
            "baselines": [vars(baseline) for baseline in self.baselines],
        }


def run_bench(
    sample: Sample, bundle: Bundle, settings: Settings, folder: Path, *, steps_only: bool
) -> Report:
    """Measure one sample after the other, nothing side by side."""
    place = folder / f"database-{sample.name}"
    place.mkdir()
    steps = (*measure_steps(sample, bundle, settings), measure_database(bundle, settings, place))
    whole = None
    baselines: tuple[Rate, ...] = ()
    if not steps_only:
        whole = label_archive(sample, bundle.reference, settings.device, folder)
        baselines = tuple(measure_baselines(sample, bundle, settings.device))
    return Report(sample.name, sample.images, bundle.reference, steps, whole, baselines)
