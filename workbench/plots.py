"""Figures: each function takes a DataFrame and returns an Axes. They read well on light and on dark paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_INK = "#78828f"  # readable on white and on near-black
_COLOURS = ("#3b82c4", "#d9822b", "#3f9c6b", "#b0579c", "#8a7a2e", "#5b6fd6")


def scores(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw scores from 0 to 9: a row a target, a colour a proposition; what is unscored stands as a cross at the left.

    Args:
        table: as `wb.score` returns it.
        ax: where to draw; a new figure when not given.
    """
    targets, propositions = list(dict.fromkeys(table["target"])), list(dict.fromkeys(table["proposition"]))
    ax = ax or _axes(height=0.9 + 0.42 * len(targets))
    for number, proposition in enumerate(propositions):
        rows = table[table["proposition"] == proposition]
        offset = 0.5 * ((number + 0.5) / len(propositions) - 0.5)
        heights = [targets.index(target) + offset for target in rows["target"]]
        colour = _COLOURS[number % len(_COLOURS)]
        ax.scatter(rows["score"], heights, color=colour, label=proposition, zorder=3)
        missing = [height for height, score in zip(heights, rows["score"], strict=True) if score != score]
        ax.scatter([-0.6] * len(missing), missing, color=colour, marker="x", zorder=3)
    ax.set(xlim=(-1, 9.4), xticks=range(10), xlabel="score from 0 to 9 (x: unscored)")
    ax.set(yticks=range(len(targets)), yticklabels=targets, ylim=(len(targets) - 0.5, -0.5))
    ax.figure.legend(loc="outside lower left", ncols=3, frameon=False, labelcolor=_INK)
    return ax


def talk_share(transcript: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how much each person said, in per cent of all characters said.

    Args:
        transcript: as `World.transcript` returns it.
        ax: where to draw; a new figure when not given.
    """
    talk = transcript[transcript["type"] == "TALK"]
    length = talk["content"].str.len().groupby(talk["source"]).sum()
    share = (100 * length / max(length.sum(), 1)).sort_values()
    ax = ax or _axes(height=0.7 + 0.32 * max(len(share), 1))
    bars = ax.barh(list(share.index), share.to_numpy(), color=_COLOURS[0], height=0.6)
    ax.bar_label(bars, fmt="%.0f %%", padding=3, color=_INK)
    ax.set(xlabel="share of what was said (%)", xlim=(0, max(share.max() if len(share) else 0, 1) * 1.15))
    return ax


def _axes(height: float) -> Axes:
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(7.2, max(height, 1.6)), layout="constrained")
    figure.patch.set_alpha(0)
    ax.patch.set_alpha(0)
    ax.tick_params(colors=_INK, length=0)
    ax.xaxis.label.set_color(_INK)
    ax.grid(axis="x", color=_INK, alpha=0.25, linewidth=0.6)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax
