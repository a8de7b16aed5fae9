"""Shares of answers and of attributes: a chart a question or attribute."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.errors import InvalidSettings
from workbench.plots.paper import (
    COLOURS,
    INK,
    fonts,
    in_columns,
    in_lines,
    legend,
    legend_of,
    new_axes,
    per_cent,
    plain,
    shortened,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def levels(rows: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the shares of the levels of one attribute: realised ones as bars, targets as outlines around them.

    Args:
        rows: a row a level: attribute, level, target (NaN where there is none), realised; as in `Profile.table`.
        ax: where to draw; a new figure when not given.
    """
    alone = ax is None
    ax = ax or new_axes(height=0.9 + _LEVEL * len(rows))
    places = list(range(len(rows)))
    shares, targets = 100 * rows["realised"].to_numpy(), 100 * rows["target"].fillna(0).to_numpy()
    ax.barh(places, shares, color=COLOURS[0], height=0.5, label="realised")
    if rows["target"].notna().any():
        ax.barh(places, targets, color="none", edgecolor=INK, height=0.84, linewidth=1.1, label="target")
    longest = max(shares.max(), targets.max(), 1)
    for place, share, target in zip(places, shares, targets, strict=True):
        ax.text(max(share, target) + longest / 60, place, per_cent(share), va="center", color=INK, fontsize=8)
    named = [shortened(level) for level in rows["level"]]
    ax.set(yticks=places, ylim=(len(rows) - 0.4, -0.6), xlim=(0, longest * 1.16), xticks=[])
    ax.set_yticklabels(named, fontsize=8, fontfamily=fonts())
    ax.set_title(shortened(rows["attribute"].iloc[0]), loc="left", color=INK, fontsize=10, fontfamily=fonts())
    if alone:
        legend(ax)
    return ax


def profile(table: pd.DataFrame) -> Figure:
    """Draw a chart of `levels` for each attribute, in two columns.

    Args:
        table: as `Profile.table`.

    Returns:
        the figure; pyplot does not keep it, so that a notebook shows it once.
    """
    charts = [rows for _, rows in table.groupby("attribute", sort=False)]
    figure = _side_by_side(charts, levels, width=4.8, height=_LEVEL)
    legend(*figure.axes)
    return figure


def _side_by_side(charts: list[pd.DataFrame], draw: Callable[..., Axes], *, width: float, height: float) -> Figure:
    """Return a figure with a chart of each table, in two columns; pyplot does not keep it.

    Args:
        charts: the tables.
        draw: draws one on axes that are given.
        width: of a column, in inches.
        height: of a row of a table.
    """
    import matplotlib.pyplot as plt

    columns = in_columns([_TITLE + len(rows) for rows in charts])
    tallest = max(sum(_TITLE + len(charts[number]) for number in column) for column in columns)
    figure = plt.figure(figsize=(width * len(columns), height * tallest + 0.5), layout="constrained")
    plt.close(figure)
    figure.patch.set_alpha(0)
    grid = figure.add_gridspec(1, len(columns))
    for number_of_column, column in enumerate(columns):
        heights = [_TITLE + len(charts[number]) for number in column]
        spare = [tallest - sum(heights)] if sum(heights) < tallest else []
        inner = grid[number_of_column].subgridspec(len(heights + spare), 1, height_ratios=heights + spare)
        for row, number in enumerate(column):
            draw(charts[number], plain(figure.add_subplot(inner[row])))
    return figure


_LEVEL = 0.22
"""Inches for a level."""


_TITLE = 2.4
"""Levels that would fit where the title of a chart is."""


def distribution(rows: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the answers of both sides to one question: a row an option, the ceiling as a band behind.

    Args:
        rows: of one question and subgroup, as in `HumanComparison.distributions`.
        ax: where to draw; a new figure when not given.
    """
    alone = ax is None
    ax = ax or new_axes(height=0.9 + _OPTION * len(rows))
    places = list(range(len(rows)))
    sides = [100 * rows[side].to_numpy() for side in ("simulated", "human")]
    ends = [100 * rows[f"ceiling_{end}"].to_numpy() for end in ("low", "high")]
    for side, name, offset in ((0, "simulated", -0.18), (1, "human", 0.18)):
        heights = [place + offset for place in places]
        ax.barh(heights, sides[side], height=0.3, color=COLOURS[side], label=name, zorder=2)
    among = "humans among themselves"
    ax.barh(places, ends[1] - ends[0], 0.94, ends[0], color=INK, alpha=0.28, linewidth=0, zorder=1, label=among)
    longest = max(sides[0].max(), sides[1].max(), ends[1][ends[1] == ends[1]].max(initial=0), 1)
    for place, share, human, end in zip(places, *sides, ends[1], strict=True):
        after = max(share, human, end if end == end else 0) + longest / 60
        for offset, value, colour in ((-0.2, share, 0), (0.2, human, 1)):
            ax.text(after, place + offset, per_cent(value), va="center", color=COLOURS[colour], fontsize=7)
    ax.set(yticks=places, ylim=(len(rows) - 0.4, -0.6), xlim=(0, longest * 1.16), xticks=[])
    named = [in_lines(option, 32) for option in rows["option"]]
    ax.set_yticklabels(named, fontsize=8, fontfamily=fonts(), linespacing=1.05)
    ax.set_title(in_lines(rows["question"].iloc[0], 60), loc="left", color=INK, fontsize=10, fontfamily=fonts())
    if alone:
        legend_of(ax)
    return ax


_OPTION = 0.34
"""Inches for an option."""


def distributions(table: pd.DataFrame, subgroup: str = "all") -> Figure:
    """Draw a chart of `distribution` for each question, in two columns.

    Args:
        table: as `HumanComparison.distributions`.
        subgroup: whose answers.

    Returns:
        the figure; pyplot does not keep it, so that a notebook shows it once.
    """
    charts = [rows for _, rows in table[table["subgroup"] == subgroup].groupby("question", sort=False)]
    if not charts:
        raise InvalidSettings(f"there are no answers of subgroup {subgroup!r} to draw; there are {_subgroups(table)}")
    figure = _side_by_side(charts, distribution, width=5.4, height=_OPTION)
    legend_of(figure.axes[0])
    return figure


def _subgroups(table: pd.DataFrame) -> str:
    return ", ".join(dict.fromkeys(table["subgroup"])) or "none"


def answers(shares: pd.DataFrame) -> Figure:
    """Draw what people answered: a chart a question, a bar an option.

    Args:
        shares: as `wb.shares` returns them.

    Returns:
        the figure; pyplot does not keep it, so that a notebook shows it once.

    Raises:
        InvalidSettings: there is nothing to draw.
    """
    if not len(shares):
        raise InvalidSettings("there are no answers to draw: of questions with options or a scale")
    named = shares.rename(columns={"question": "attribute", "option": "level", "share": "realised"})
    return profile(named.assign(target=float("nan")))
