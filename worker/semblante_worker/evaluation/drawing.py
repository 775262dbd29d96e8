"""Pictures for reports: each is drawn twice, for light and for dark pages."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DOTS_PER_INCH = 144


@dataclass(frozen=True)
class Theme:
    """Colours of a page; `paper` is behind the picture, `accent` and `second` carry the data."""

    paper: str
    ink: str
    muted: str
    line: str
    accent: str
    second: str


LIGHT = Theme("#ffffff", "#1f2328", "#59636e", "#d1d9e0", "#0969da", "#bc4c00")
DARK = Theme("#151b23", "#f0f6fc", "#9198a1", "#3d444d", "#4493f8", "#f0883e")


@dataclass(frozen=True)
class Picture:
    """A picture as PNG for either kind of page, its size on the page, and its text."""

    light: bytes
    dark: bytes
    width: int
    height: int
    text: str


def draw_picture(
    draw: Callable[[Figure, Theme], None], inches: tuple[float, float], text: str
) -> Picture:
    """Return what `draw` draws; `text` says the same to who cannot see it."""
    light, dark = (_render(draw, inches, theme) for theme in (LIGHT, DARK))
    return Picture(light, dark, round(inches[0] * 96), round(inches[1] * 96), text)


def dress(axes: Axes, theme: Theme, *, grid: bool = True) -> None:
    """Give the axes the colours of the page."""
    axes.set_facecolor(theme.paper)
    axes.tick_params(colors=theme.ink, labelsize=9, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_color(theme.ink)
        label.set_fontsize(10)
    if grid:
        axes.grid(visible=True, color=theme.line, linewidth=0.6)
        axes.set_axisbelow(True)


def _render(
    draw: Callable[[Figure, Theme], None], inches: tuple[float, float], theme: Theme
) -> bytes:
    figure = Figure(figsize=inches, dpi=DOTS_PER_INCH, layout="constrained", facecolor=theme.paper)
    canvas = FigureCanvasAgg(figure)
    draw(figure, theme)
    buffer = io.BytesIO()
    canvas.print_figure(buffer, format="png", facecolor=theme.paper, metadata={"Software": None})
    return buffer.getvalue()
