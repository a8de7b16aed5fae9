"""What went on in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.plots.paper import COLOURS, INK, new_axes, plain

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def talk_share(transcript: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how much each person said, in per cent of all characters said.

    Args:
        transcript: as `World.transcript` returns it.
        ax: where to draw; a new figure when not given.
    """
    talk = transcript[transcript["type"] == "TALK"]
    length = talk["content"].str.len().groupby(talk["source"]).sum()
    share = (100 * length / max(length.sum(), 1)).sort_values()
    ax = ax or new_axes(height=0.7 + 0.32 * max(len(share), 1))
    bars = ax.barh(list(share.index), share.to_numpy(), color=COLOURS[0], height=0.6)
    ax.bar_label(bars, fmt="%.0f %%", padding=3, color=INK)
    ax.set(xlabel="share of what was said (%)", xlim=(0, max(share.max() if len(share) else 0, 1) * 1.15))
    return ax


def similarity_by_step(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how alike what two people say in a step is, by words and by meaning, each with its line over the steps.

    Args:
        table: a row a metric and step: step, metric, value; as in `RunMetrics.by_step`.
        ax: where to draw; a new figure when not given.
    """
    names = {"similarity_between_words": "by words", "similarity_between_meaning": "by meaning"}
    ax = _by_step(table, names, "similarity between people", ax)
    for number, metric in enumerate(names):
        rows = table[(table["metric"] == metric) & table["value"].notna()]
        if len(rows) > 2:
            line = _line(rows["step"].tolist(), rows["value"].tolist())
            ax.plot(rows["step"], line, color=COLOURS[number], linewidth=1, linestyle=(0, (4, 3)), alpha=0.8)
    ax.set(ylim=(min(ax.get_ylim()[0], -0.03), 1.06))
    return ax


def repetition_by_step(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the share of turns of each step that say an earlier turn again.

    Args:
        table: as for `similarity_by_step`.
        ax: where to draw; a new figure when not given.
    """
    ax = _by_step(table, {"repetition": ""}, "share of turns that repeat", ax)
    ax.set(ylim=(-0.03, 1.06))
    return ax


def length_by_step(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the mean words of a turn in each step.

    Args:
        table: as for `similarity_by_step`.
        ax: where to draw; a new figure when not given.
    """
    ax = _by_step(table, {"words_mean": ""}, "words a turn", ax)
    ax.set(ylim=(0, max(ax.get_ylim()[1], 1)))
    return ax


def ideas_by_step(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how many ideas of each step are new: duplicates merged by meaning where that was measured, else by words.

    Args:
        table: as for `similarity_by_step`.
        ax: where to draw; a new figure when not given.
    """
    metric = "new_ideas_meaning" if table["metric"].eq("new_ideas_meaning").any() else "new_ideas_words"
    rows = table[(table["metric"] == metric) & table["value"].notna()]
    ax = _by_step(table[table["metric"] == metric], {}, "new ideas", ax)
    ax.bar(rows["step"], rows["value"], color=COLOURS[0], width=0.6, zorder=2)
    ax.set(ylim=(0, max(rows["value"].max() * 1.06 if len(rows) else 0, 1)))
    return ax


def run_metrics(table: pd.DataFrame) -> Figure:
    """Draw similarity, repetition, length and new ideas by step, side by side.

    Args:
        table: as for `similarity_by_step`.

    Returns:
        the figure; pyplot does not keep it, so that a notebook shows it once.
    """
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(9.6, 5.2), layout="constrained")
    plt.close(figure)
    figure.patch.set_alpha(0)
    charts = (similarity_by_step, repetition_by_step, length_by_step, ideas_by_step)
    for place, chart in enumerate(charts, start=1):
        ax = chart(table, plain(figure.add_subplot(2, 2, place)))
        ax.grid(axis="y", color=INK, alpha=0.25, linewidth=0.6)
    return figure


def _by_step(table: pd.DataFrame, names: dict[str, str], title: str, ax: Axes | None) -> Axes:
    """Draw figures over the steps, and name them where there are several; steps without a value leave a gap."""
    from matplotlib.ticker import MaxNLocator

    if ax is None:
        ax = new_axes(height=2.8)
        ax.grid(visible=False, axis="x")
        ax.grid(axis="y", color=INK, alpha=0.25, linewidth=0.6)
    there = set(table["metric"][table["value"].notna()])
    for number, (metric, name) in enumerate(names.items()):
        rows = table[table["metric"] == metric]
        if metric in there:
            ax.plot(rows["step"], rows["value"], color=COLOURS[number], label=name, marker="o", markersize=4, zorder=3)
    if sum(name in there for name in names) > 1:
        ax.legend(loc="best", frameon=False, labelcolor=INK, fontsize=8)
    last = table["step"].max() if len(table) else 1
    ax.set(xlim=(0.5, last + 0.5), xlabel="step")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_title(title, loc="left", color=INK, fontsize=10)
    return ax


def _line(steps: list[int], values: list[float]) -> list[float]:
    """Return the straight line through values, by least squares."""
    middle, level = sum(steps) / len(steps), sum(values) / len(values)
    spread = sum((step - middle) ** 2 for step in steps)
    slope = sum((step - middle) * (value - level) for step, value in zip(steps, values, strict=True)) / spread
    return [level + slope * (step - middle) for step in steps]
