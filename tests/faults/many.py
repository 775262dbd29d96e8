"""Many seeds, one after the other: a line for each, and a table of recovery times at the end.

bin/faults 200               seeds 0 to 199
bin/faults --seed 17         that one alone; its folder, with all logs, stays when it fails
bin/faults 30 --shipped      with the sweep's period and the leases of the shipped settings
bin/faults --power-cuts 20   one job, in which all processes are killed at once as often
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from pathlib import Path

from faults.plan import Plan
from faults.power_cut import survive
from faults.run import Recovery, run
from faults.servers import Servers
from faults.site import QUICK, SHIPPED, Pace
from faults.undisturbed import undisturbed_csv
from noisy_archive import write_archive


def main() -> int:
    """Run the seeds; return 1 when one of them failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seeds", type=int, nargs="?", default=10, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, help="one seed alone")
    parser.add_argument("--shipped", action="store_true", help="at the pace of shipped settings")
    parser.add_argument("--power-cuts", type=int, metavar="TIMES", help="instead of seeds")
    options = parser.parse_args()
    first = options.first if options.seed is None else options.seed
    seeds = range(first, first + (options.seeds if options.seed is None else 1))
    pace = SHIPPED if options.shipped else QUICK
    recoveries: dict[str, list[float]] = defaultdict(list)
    failed: list[int] = []
    with tempfile.TemporaryDirectory(prefix="faults") as name, Servers() as servers:
        archive = Path(name) / "faces.zip"
        write_archive(archive)
        expected = undisturbed_csv(archive, Path(name) / "calm")
        if options.power_cuts:
            return cut_power(archive, expected, options.power_cuts)
        for seed in seeds:
            found = run_one(Plan.of(seed), pace, servers, archive, expected)
            if found is None:
                failed.append(seed)
            for recovery in found or ():
                if recovery.seconds is not None:
                    recoveries[recovery.fault].append(recovery.seconds)
    print_table(recoveries)
    print(f"{len(seeds) - len(failed)} of {len(seeds)} seeds: nothing lost, repeated or left over")
    if failed:
        print(f"failed: {failed}")
    return 1 if failed else 0


def cut_power(archive: Path, expected: bytes, times: int) -> int:
    """Cut the power in one job and print what came of it; return 1 when the CSV differs."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults") as folder:
        same = survive(archive, Path(folder), times) == expected
    seconds = time.monotonic() - started
    print(f"{times} power cuts in {seconds:.0f} s; the CSV is {'the same' if same else 'OTHER'}")
    return 0 if same else 1


def run_one(
    plan: Plan, pace: Pace, servers: Servers, archive: Path, expected: bytes
) -> list[Recovery] | None:
    """Run one seed and print its line; None when it failed, and then its folder stays."""
    folder = Path(tempfile.mkdtemp(prefix=f"faults-{plan.seed}-"))
    started = time.monotonic()
    try:
        recoveries = run(plan, pace, servers, archive, expected, folder)
    except Exception:  # noqa: BLE001 (one failed seed must not end the others)
        traceback.print_exc(file=sys.stdout)
        print(f"FAILED, see {folder}: {plan}", flush=True)
        return None
    shutil.rmtree(folder)
    times = ", ".join(map(str, recoveries))
    seconds = time.monotonic() - started
    print(
        f"seed {plan.seed} ({plan.shape}) in {seconds:.0f} s; works again after: {times}",
        flush=True,
    )
    return recoveries


def print_table(recoveries: dict[str, list[float]]) -> None:
    """Print how long it took after each kind of fault."""
    print("\n| fault | times | median s | most s |\n|---|---|---|---|")
    for fault, seconds in sorted(recoveries.items()):
        median = statistics.median(seconds)
        print(f"| {fault} | {len(seconds)} | {median:.1f} | {max(seconds):.1f} |")
    print(flush=True)


if __name__ == "__main__":
    sys.exit(main())
