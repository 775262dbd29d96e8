"""The report folder: `metrics.json`, and `report.html` with every picture in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from semblante import __version__
from semblante.errors import Unavailable
from semblante.replace import replaced_file
from semblante_worker.evaluation.curves import EpochRecord
from semblante_worker.evaluation.document import as_document
from semblante_worker.evaluation.figures import Evaluation
from semblante_worker.evaluation.mistakes import Mistake
from semblante_worker.evaluation.subject import Subject

METRICS, REPORT = "metrics.json", "report.html"


def require_drawing() -> None:
    """Check that reports can be drawn here, before anything long is begun.

    Raises:
        Unavailable: `component_missing`.
    """
    missing = [name for name in ("matplotlib", "jinja2") if find_spec(name) is None]
    if missing:
        raise Unavailable(
            "component_missing",
            f"A report needs {' and '.join(missing)}: install semblante-worker[train].",
        )


def write_report(
    evaluation: Evaluation,
    folder: Path,
    *,
    mistakes: Sequence[Mistake],
    curves: Sequence[EpochRecord] | None = None,
    subject: Subject | None = None,
) -> Path:
    """Write both files into `folder`, which is made if needed, and return the page's path.

    Each file is written whole or not at all. With `curves`, those of a training run, the page
    shows them and the file holds them.

    Raises:
        Unavailable: `component_missing`, without the extra `train`.
        OSError: the folder cannot be written to.
    """
    require_drawing()
    page = report_page(evaluation, mistakes=mistakes, curves=curves, subject=subject)
    document = as_document(evaluation, subject, curves)
    folder.mkdir(parents=True, exist_ok=True)
    with replaced_file(folder / METRICS) as file:
        file.write(json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n")
    with replaced_file(folder / REPORT) as file:
        file.write(page.encode())
    return folder / REPORT


def report_page(
    evaluation: Evaluation,
    *,
    mistakes: Sequence[Mistake],
    curves: Sequence[EpochRecord] | None,
    subject: Subject | None,
) -> str:
    """Return `report.html`; see `write_report`."""
    from jinja2 import Environment, StrictUndefined

    from semblante_worker.evaluation import charts

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["png"] = _data_uri
    source = files(__package__).joinpath("report.html.jinja").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        evaluation=evaluation,
        classes=evaluation.classes,
        subject=subject,
        mistakes=mistakes,
        confusion=charts.confusion_chart(evaluation),
        reliability=charts.reliability_chart(evaluation),
        curves=charts.curves_chart(curves) if curves else None,
        absent=[one.emotion.en for one in evaluation.per_class if one.support == 0],
        version=__version__,
    )


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
