"""What all figures share: ink, colours, fonts, and the axes that they are drawn on."""

from __future__ import annotations

import io
import textwrap
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


INK = "#78828f"  # readable on white and on near-black


COLOURS = ("#3b82c4", "#d9822b", "#3f9c6b", "#b0579c", "#8a7a2e", "#5b6fd6")


def per_cent(share: float) -> str:
    """Return a share of 100 as a label."""
    return f"{share:.0f} %" if share >= 10 or not share else f"{share:.1f} %"


def legend(*axes: Axes) -> None:
    """Say at the foot of the figure what is the target, where there is one."""
    handles, labels = max((ax.get_legend_handles_labels() for ax in axes), key=lambda one: len(one[1]))
    if len(labels) > 1:
        figure = axes[0].figure
        figure.legend(handles, labels, loc="outside lower left", ncols=2, frameon=False, labelcolor=INK, fontsize=8)


_LONGEST = 30
"""Characters of a level's name."""


def shortened(level: object) -> str:
    """Return a name in one line, cut where it is long; a dollar sign would begin a formula."""
    words = " ".join(str(level).split())
    return (words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1].rstrip()}…").replace("$", r"\$")


def in_columns(heights: list[float]) -> list[list[int]]:
    """Divide charts into two columns of about one height, in their order; one chart stands alone."""
    if len(heights) == 1:
        return [[0]]
    ends = range(1, len(heights))
    end = min(ends, key=lambda end: max(sum(heights[:end]), sum(heights[end:])))
    return [list(range(end)), list(range(end, len(heights)))]


def fonts() -> list[str]:
    """Return fonts that are there, so that between them they have the letters of most languages."""
    from matplotlib.font_manager import get_font_names

    there = set(get_font_names())
    return ["DejaVu Sans", *(name for name in _SCRIPTS if name in there)]


_SCRIPTS = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Noto Sans SC", "Noto Sans KR", "Noto Sans Arabic"),
    *("Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Thai"),
    *("Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Nirmala UI", "Leelawadee UI", "Segoe UI"),  # Windows
    *("Hiragino Sans", "PingFang SC", "Apple SD Gothic Neo", "Kohinoor Devanagari", "Thonburi", "Arial Unicode MS"),
)


def png(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PNG, with nothing behind it; letters that no font has are empty boxes."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.savefig(file, format="png", dpi=110, transparent=True)
    return file.getvalue()


def new_axes(height: float) -> Axes:
    """Return the axes of a new figure.

    Args:
        height: in inches.
    """
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(7.2, max(height, 1.6)), layout="constrained")
    figure.patch.set_alpha(0)
    ax.grid(axis="x", color=INK, alpha=0.25, linewidth=0.6)
    return plain(ax)


def plain(ax: Axes) -> Axes:
    """Return axes without a frame and with nothing behind them, in an ink that reads on light and dark."""
    ax.patch.set_alpha(0)
    ax.tick_params(colors=INK, length=0)
    ax.xaxis.label.set_color(INK)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


def in_lines(words: object, width: int) -> str:
    """Return text in two lines at most; a dollar sign would begin a formula."""
    lines = textwrap.wrap(" ".join(str(words).split()), width, max_lines=2, placeholder="…")
    return "\n".join(lines).replace("$", r"\$")


def legend_of(ax: Axes) -> None:
    """Say at the foot of the figure what each colour is."""
    handles, labels = ax.get_legend_handles_labels()
    ax.figure.legend(handles, labels, loc="outside lower left", ncols=3, frameon=False, labelcolor=INK, fontsize=8)


def closed(ax: Axes) -> Figure:
    """Return the figure of a chart; pyplot does not keep it, so that a notebook shows it once."""
    import matplotlib.pyplot as plt

    figure = ax.get_figure(root=True)
    assert figure
    plt.close(figure)
    return figure
