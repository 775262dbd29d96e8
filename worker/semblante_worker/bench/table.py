"""The figures as a table for people."""

from __future__ import annotations

from rich.table import Table

from semblante_worker.bench.rate import Rate
from semblante_worker.bench.run import Report

MIB = 1024**2


def as_table(report: Report) -> Table:
    """Return one table: each step alone, the whole product, the baselines."""
    table = Table(title=f"{report.sample}: {report.images:,} images, {report.model}")
    for heading in ("", "images/s", "ratio", ""):
        table.add_column(heading, justify="right" if heading else "left")
    for step in report.steps:
        _add(table, step, "slowest step" if step is report.slowest else "")
    whole = report.end_to_end
    if whole is None:
        return table
    table.add_section()
    peaks = ", ".join(f"{role} {peak // MIB} MiB" for role, peak in whole.peak_bytes.items())
    table.add_row(
        "semblante label, all of it",
        f"{whole.images_per_second:,.0f}",
        f"{report.efficiency:.2f}" if report.efficiency else "",
        f"of the slowest step; {whole.seconds:.1f} s; peak memory: {peaks}",
    )
    table.add_section()
    for baseline in report.baselines:
        rate = baseline.images_per_second
        times = f"{whole.images_per_second / rate:.1f} times as fast is semblante" if rate else ""
        _add(table, baseline, times)
    return table


def _add(table: Table, rate: Rate, remark: str) -> None:
    shown = "" if rate.images_per_second is None else f"{rate.images_per_second:,.0f}"
    table.add_row(rate.name, shown, "", "; ".join(part for part in (remark, rate.note) if part))
