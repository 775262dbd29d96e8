"""Fuzzes one target from the hostile corpus; `bin/fuzz` runs all. Needs atheris.

    python tests/fuzz/run.py archive --seconds 20 --folder FOLDER

An input that brings out a defect stays in FOLDER, and the exit status is not 0.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))
with atheris.instrument_imports(include=["semblante", "semblante_web"]):
    from fuzz.targets import TARGETS, seeds

SEED = 20_261_121


def main() -> None:
    """Run until the time is over or a defect is found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    corpus = options.folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for data in seeds(options.target):
        (corpus / hashlib.sha256(data).hexdigest()).write_bytes(data)
    limits = ["-max_len=65536", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1"]
    run = [
        f"-max_total_time={options.seconds}",
        f"-seed={SEED}",
        f"-artifact_prefix={options.folder}/",
    ]
    atheris.Setup([sys.argv[0], *limits, *run, str(corpus)], TARGETS[options.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
