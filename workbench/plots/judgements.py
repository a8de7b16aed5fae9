"""Scores of a judge, and how far it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.plots.paper import COLOURS, INK, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def scores(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw scores from 0 to 9: a row a target, a colour a proposition; what is unscored stands as a cross at the left.

    Args:
        table: as `wb.score` returns it.
        ax: where to draw; a new figure when not given.
    """
    targets, propositions = list(dict.fromkeys(table["target"])), list(dict.fromkeys(table["proposition"]))
    ax = ax or new_axes(height=0.9 + 0.42 * len(targets))
    for number, proposition in enumerate(propositions):
        rows = table[table["proposition"] == proposition]
        offset = 0.5 * ((number + 0.5) / len(propositions) - 0.5)
        heights = [targets.index(target) + offset for target in rows["target"]]
        colour = COLOURS[number % len(COLOURS)]
        ax.scatter(rows["score"], heights, color=colour, label=proposition, zorder=3)
        missing = [height for height, score in zip(heights, rows["score"], strict=True) if score != score]
        ax.scatter([-0.6] * len(missing), missing, color=colour, marker="x", zorder=3)
    ax.set(xlim=(-1, 9.4), xticks=range(10), xlabel="score from 0 to 9 (x: unscored)")
    ax.set(yticks=range(len(targets)), yticklabels=targets, ylim=(len(targets) - 0.5, -0.5))
    ax.figure.legend(loc="outside lower left", ncols=3, frameon=False, labelcolor=INK)
    return ax


def calibration(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how often a judge was right beside how sure it was; the number of verdicts stands below.

    Args:
        table: a row a bin: confidence, right, ci_low, ci_high, n; as in `JudgeQuality.calibration`.
        ax: where to draw; a new figure when not given.
    """
    ax = ax or new_axes(height=4.4)
    ax.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle="--", label="as sure as right")
    sure, right, counts = (table[name].to_numpy(dtype=float) for name in ("confidence", "right", "n"))
    ends = [right - table["ci_low"].to_numpy(dtype=float), table["ci_high"].to_numpy(dtype=float) - right]
    heights = 0.14 * counts / max(counts.max(initial=0), 1)
    ax.bar(sure, heights, 0.03, -0.26, color=INK, alpha=0.5, label="verdicts")  # in a band of their own, below 0
    ax.errorbar(sure, right, [end.clip(0) for end in ends], color=COLOURS[0], marker="o", capsize=3, label="the judge")
    for x, height, n in zip(sure, heights, counts, strict=True):
        ax.text(x, height - 0.25, f"{n:.0f}", ha="center", color=INK, fontsize=8)
    ax.grid(axis="y", color=INK, alpha=0.25, linewidth=0.6)
    ax.set(
        xlim=(-0.02, 1.05),
        ylim=(-0.27, 1.05),
        yticks=[0, 0.2, 0.4, 0.6, 0.8, 1],
        xlabel="confidence of the judge",
        ylabel="share of verdicts right",
    )
    ax.yaxis.label.set_color(INK)
    ax.figure.legend(loc="outside lower left", ncols=3, frameon=False, labelcolor=INK, fontsize=8)
    return ax
