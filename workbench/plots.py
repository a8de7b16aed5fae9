"""Figures: each function takes a DataFrame and returns an Axes, or a Figure where it draws several.

They read well on light and on dark paper.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Figure  # for those who may not import matplotlib

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


def levels(rows: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the shares of the levels of one attribute: realised ones as bars, targets as outlines around them.

    Args:
        rows: a row a level: attribute, level, target (NaN where there is none), realised; as in `Profile.table`.
        ax: where to draw; a new figure when not given.
    """
    alone = ax is None
    ax = ax or _axes(height=0.9 + _LEVEL * len(rows))
    places = list(range(len(rows)))
    shares, targets = 100 * rows["realised"].to_numpy(), 100 * rows["target"].fillna(0).to_numpy()
    ax.barh(places, shares, color=_COLOURS[0], height=0.5, label="realised")
    if rows["target"].notna().any():
        ax.barh(places, targets, color="none", edgecolor=_INK, height=0.84, linewidth=1.1, label="target")
    longest = max(shares.max(), targets.max(), 1)
    for place, share, target in zip(places, shares, targets, strict=True):
        ax.text(max(share, target) + longest / 60, place, _per_cent(share), va="center", color=_INK, fontsize=8)
    named = [_shortened(level) for level in rows["level"]]
    ax.set(yticks=places, ylim=(len(rows) - 0.4, -0.6), xlim=(0, longest * 1.16), xticks=[])
    ax.set_yticklabels(named, fontsize=8, fontfamily=_fonts())
    ax.set_title(_shortened(rows["attribute"].iloc[0]), loc="left", color=_INK, fontsize=10, fontfamily=_fonts())
    if alone:
        _legend(ax)
    return ax


def _per_cent(share: float) -> str:
    return f"{share:.0f} %" if share >= 10 or not share else f"{share:.1f} %"


def _legend(*axes: Axes) -> None:
    """Say at the foot of the figure what is the target, where there is one."""
    handles, labels = max((ax.get_legend_handles_labels() for ax in axes), key=lambda one: len(one[1]))
    if len(labels) > 1:
        figure = axes[0].figure
        figure.legend(handles, labels, loc="outside lower left", ncols=2, frameon=False, labelcolor=_INK, fontsize=8)


def profile(table: pd.DataFrame) -> Figure:
    """Draw a chart of `levels` for each attribute, in two columns.

    Args:
        table: as `Profile.table`.

    Returns:
        the figure; pyplot does not keep it, so that a notebook shows it once.
    """
    import matplotlib.pyplot as plt

    charts = [rows for _, rows in table.groupby("attribute", sort=False)]
    columns = _columns([_TITLE + len(rows) for rows in charts])
    height = max(sum(_TITLE + len(charts[number]) for number in column) for column in columns)
    figure = plt.figure(figsize=(4.8 * len(columns), _LEVEL * height + 0.5), layout="constrained")
    plt.close(figure)
    figure.patch.set_alpha(0)
    grid = figure.add_gridspec(1, len(columns))
    for number_of_column, column in enumerate(columns):
        heights = [_TITLE + len(charts[number]) for number in column]
        spare = [height - sum(heights)] if sum(heights) < height else []
        inner = grid[number_of_column].subgridspec(len(heights + spare), 1, height_ratios=heights + spare)
        for row, number in enumerate(column):
            levels(charts[number], _plain(figure.add_subplot(inner[row])))
    _legend(*figure.axes)
    return figure


_LEVEL = 0.22
"""Inches for a level."""
_TITLE = 2.4
"""Levels that would fit where the title of a chart is."""
_LONGEST = 30
"""Characters of a level's name."""


def _shortened(level: object) -> str:
    # A dollar sign would begin a formula.
    words = " ".join(str(level).split())
    return (words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1].rstrip()}…").replace("$", r"\$")


def _columns(heights: list[float]) -> list[list[int]]:
    """Divide charts into two columns of about one height, in their order; one chart stands alone."""
    if len(heights) == 1:
        return [[0]]
    ends = range(1, len(heights))
    end = min(ends, key=lambda end: max(sum(heights[:end]), sum(heights[end:])))
    return [list(range(end)), list(range(end, len(heights)))]


def _fonts() -> list[str]:
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


def _axes(height: float) -> Axes:
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(7.2, max(height, 1.6)), layout="constrained")
    figure.patch.set_alpha(0)
    ax.grid(axis="x", color=_INK, alpha=0.25, linewidth=0.6)
    return _plain(ax)


def _plain(ax: Axes) -> Axes:
    ax.patch.set_alpha(0)
    ax.tick_params(colors=_INK, length=0)
    ax.xaxis.label.set_color(_INK)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


def distribution(rows: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the answers of both sides to one question: a row an option, the ceiling as a band behind.

    Args:
        rows: of one question and subgroup, as in `HumanComparison.distributions`.
        ax: where to draw; a new figure when not given.
    """
    alone = ax is None
    ax = ax or _axes(height=0.9 + _OPTION * len(rows))
    places = list(range(len(rows)))
    sides = [100 * rows[side].to_numpy() for side in ("simulated", "human")]
    ends = [100 * rows[f"ceiling_{end}"].to_numpy() for end in ("low", "high")]
    for side, name, offset in ((0, "simulated", -0.18), (1, "human", 0.18)):
        heights = [place + offset for place in places]
        ax.barh(heights, sides[side], height=0.3, color=_COLOURS[side], label=name, zorder=2)
    among = "humans among themselves"
    ax.barh(places, ends[1] - ends[0], 0.94, ends[0], color=_INK, alpha=0.28, linewidth=0, zorder=1, label=among)
    longest = max(sides[0].max(), sides[1].max(), ends[1][ends[1] == ends[1]].max(initial=0), 1)
    for place, share, human, end in zip(places, *sides, ends[1], strict=True):
        after = max(share, human, end if end == end else 0) + longest / 60
        for offset, value, colour in ((-0.2, share, 0), (0.2, human, 1)):
            ax.text(after, place + offset, _per_cent(value), va="center", color=_COLOURS[colour], fontsize=7)
    ax.set(yticks=places, ylim=(len(rows) - 0.4, -0.6), xlim=(0, longest * 1.16), xticks=[])
    named = [_in_lines(option, 32) for option in rows["option"]]
    ax.set_yticklabels(named, fontsize=8, fontfamily=_fonts(), linespacing=1.05)
    ax.set_title(_in_lines(rows["question"].iloc[0], 60), loc="left", color=_INK, fontsize=10, fontfamily=_fonts())
    if alone:
        _sides(ax)
    return ax


def _in_lines(words: object, width: int) -> str:
    """Return text in two lines at most; a dollar sign would begin a formula."""
    lines = textwrap.wrap(" ".join(str(words).split()), width, max_lines=2, placeholder="…")
    return "\n".join(lines).replace("$", r"\$")


def _sides(ax: Axes) -> None:
    handles, labels = ax.get_legend_handles_labels()
    ax.figure.legend(handles, labels, loc="outside lower left", ncols=3, frameon=False, labelcolor=_INK, fontsize=8)


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
    import matplotlib.pyplot as plt

    charts = [rows for _, rows in table[table["subgroup"] == subgroup].groupby("question", sort=False)]
    if not charts:
        raise InvalidSettings(f"there are no answers of subgroup {subgroup!r} to draw; there are {_subgroups(table)}")
    columns = _columns([_TITLE + len(rows) for rows in charts])
    height = max(sum(_TITLE + len(charts[number]) for number in column) for column in columns)
    figure = plt.figure(figsize=(5.4 * len(columns), _OPTION * height + 0.5), layout="constrained")
    plt.close(figure)
    figure.patch.set_alpha(0)
    grid = figure.add_gridspec(1, len(columns))
    for number_of_column, column in enumerate(columns):
        heights = [_TITLE + len(charts[number]) for number in column]
        spare = [height - sum(heights)] if sum(heights) < height else []
        inner = grid[number_of_column].subgridspec(len(heights + spare), 1, height_ratios=heights + spare)
        for row, number in enumerate(column):
            distribution(charts[number], _plain(figure.add_subplot(inner[row])))
    _sides(figure.axes[0])
    return figure


def _subgroups(table: pd.DataFrame) -> str:
    return ", ".join(dict.fromkeys(table["subgroup"])) or "none"


def calibration(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how often a judge was right beside how sure it was; the number of verdicts stands below.

    Args:
        table: a row a bin: confidence, right, ci_low, ci_high, n; as in `JudgeQuality.calibration`.
        ax: where to draw; a new figure when not given.
    """
    ax = ax or _axes(height=4.4)
    ax.plot([0, 1], [0, 1], color=_INK, linewidth=1, linestyle="--", label="as sure as right")
    sure, right, counts = (table[name].to_numpy(dtype=float) for name in ("confidence", "right", "n"))
    ends = [right - table["ci_low"].to_numpy(dtype=float), table["ci_high"].to_numpy(dtype=float) - right]
    heights = 0.14 * counts / max(counts.max(initial=0), 1)
    ax.bar(sure, heights, 0.03, -0.26, color=_INK, alpha=0.5, label="verdicts")  # in a band of their own, below 0
    ax.errorbar(sure, right, [end.clip(0) for end in ends], color=_COLOURS[0], marker="o", capsize=3, label="the judge")
    for x, height, n in zip(sure, heights, counts, strict=True):
        ax.text(x, height - 0.25, f"{n:.0f}", ha="center", color=_INK, fontsize=8)
    ax.grid(axis="y", color=_INK, alpha=0.25, linewidth=0.6)
    ax.set(
        xlim=(-0.02, 1.05),
        ylim=(-0.27, 1.05),
        yticks=[0, 0.2, 0.4, 0.6, 0.8, 1],
        xlabel="confidence of the judge",
        ylabel="share of verdicts right",
    )
    ax.yaxis.label.set_color(_INK)
    ax.figure.legend(loc="outside lower left", ncols=3, frameon=False, labelcolor=_INK, fontsize=8)
    return ax


def closed(ax: Axes) -> Figure:
    """Return the figure of a chart; pyplot does not keep it, so that a notebook shows it once."""
    import matplotlib.pyplot as plt

    figure = ax.get_figure(root=True)
    assert figure
    plt.close(figure)
    return figure


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
            ax.plot(rows["step"], line, color=_COLOURS[number], linewidth=1, linestyle=(0, (4, 3)), alpha=0.8)
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
    ax.bar(rows["step"], rows["value"], color=_COLOURS[0], width=0.6, zorder=2)
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
        ax = chart(table, _plain(figure.add_subplot(2, 2, place)))
        ax.grid(axis="y", color=_INK, alpha=0.25, linewidth=0.6)
    return figure


def _by_step(table: pd.DataFrame, names: dict[str, str], title: str, ax: Axes | None) -> Axes:
    """Draw figures over the steps, and name them where there are several; steps without a value leave a gap."""
    from matplotlib.ticker import MaxNLocator

    if ax is None:
        ax = _axes(height=2.8)
        ax.grid(visible=False, axis="x")
        ax.grid(axis="y", color=_INK, alpha=0.25, linewidth=0.6)
    there = set(table["metric"][table["value"].notna()])
    for number, (metric, name) in enumerate(names.items()):
        rows = table[table["metric"] == metric]
        if metric in there:
            ax.plot(rows["step"], rows["value"], color=_COLOURS[number], label=name, marker="o", markersize=4, zorder=3)
    if sum(name in there for name in names) > 1:
        ax.legend(loc="best", frameon=False, labelcolor=_INK, fontsize=8)
    last = table["step"].max() if len(table) else 1
    ax.set(xlim=(0.5, last + 0.5), xlabel="step")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_title(title, loc="left", color=_INK, fontsize=10)
    return ax


def _line(steps: list[int], values: list[float]) -> list[float]:
    """Return the straight line through values, by least squares."""
    middle, level = sum(steps) / len(steps), sum(values) / len(values)
    spread = sum((step - middle) ** 2 for step in steps)
    slope = sum((step - middle) * (value - level) for step, value in zip(steps, values, strict=True)) / spread
    return [level + slope * (step - middle) for step in steps]


def effects(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the effect size of each metric and pair with its interval: filled where p, corrected by Holm, is below 0.05.

    That p is the permutation test's where the table has it, since clusters count there, and else the effect's own.

    Args:
        table: as `compare` of conditions returns it. Of the effects of a metric and pair the first of Hedges' g,
            Cliff's delta, Cramér's V and the difference of means is drawn: leave rows out to draw another.
        ax: where to draw; a new figure when not given.
    """
    rows = _one_effect(table)
    ax = ax or _axes(height=0.9 + 0.34 * max(len(rows), 1))
    ax.axvline(0, color=_INK, linewidth=0.9, zorder=1)
    for place, row in enumerate(rows):
        _draw_effect(ax, place, row)
    undefined = any(row["effect_size"] != row["effect_size"] for row in rows)
    words = "filled: p below 0.05 after Holm" + ("; x: not defined" if undefined else "")
    ax.set(yticks=range(len(rows)), ylim=(max(len(rows), 1) - 0.5, -0.5), xlabel=f"effect size ({words})")
    ax.set_yticklabels([_compared(row) for row in rows], fontfamily=_fonts())
    for effect in dict.fromkeys(row["effect"] for row in rows):
        ax.scatter([], [], color=_colour_of(effect), label=_EFFECTS[effect])
    if rows:
        ax.figure.legend(loc="outside lower left", ncols=4, frameon=False, labelcolor=_INK, fontsize=8)
    return ax


def _draw_effect(ax: Axes, place: int, row: dict[str, Any]) -> None:
    colour = _colour_of(row["effect"])
    if row["effect_size"] != row["effect_size"]:
        ax.scatter([0], [place], color=colour, marker="x", zorder=3)
        return
    if row["ci_low"] == row["ci_low"]:
        ax.plot([row["ci_low"], row["ci_high"]], [place, place], color=colour, linewidth=2, zorder=2)
    face = colour if row["p_holm"] < 0.05 else "none"
    ax.scatter([row["effect_size"]], [place], s=46, facecolor=face, edgecolor=colour, zorder=3)


def _colour_of(effect: str) -> str:
    return _COLOURS[list(_EFFECTS).index(effect)]


_EFFECTS = {
    "hedges_g": "Hedges' g",
    "cliffs_delta": "Cliff's delta",
    "cramers_v": "Cramér's V",
    "mean_difference": "difference of means",
}


def _one_effect(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row for each metric and pair, in the order of the table."""
    rows = table[table["a"].notna()].to_dict("records")
    found: dict[tuple[object, ...], dict[str, dict[str, Any]]] = {}
    permuted: dict[tuple[object, ...], dict[str, Any]] = {}
    for row in rows:
        key = (row["metric"], row["a"], row["b"])
        if row["effect"] in _EFFECTS:
            found.setdefault(key, {}).setdefault(row["effect"], {str(name): value for name, value in row.items()})
        if row["test"] == "permutation":
            permuted[key] = {"p_holm": row["p_holm"]}
    firsts = {key: next(by_name[name] for name in _EFFECTS if name in by_name) for key, by_name in found.items()}
    return [row | permuted.get(key, {}) for key, row in firsts.items()]


def _compared(row: dict[str, Any]) -> str:
    return _shortened(row["metric"]) + ": " + " − ".join(_shortened(row[side]) for side in ("a", "b"))
