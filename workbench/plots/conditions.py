"""Conditions against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.plots.paper import COLOURS, INK, fonts, new_axes, shortened

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def effects(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the effect size of each metric and pair with its interval: filled where p, corrected by Holm, is below 0.05.

    That p is the permutation test's where the table has it, since clusters count there, and else the effect's own.

    Args:
        table: as `compare` of conditions returns it. Of the effects of a metric and pair the first of Hedges' g,
            Cliff's delta, Cramér's V and the difference of means is drawn: leave rows out to draw another.
        ax: where to draw; a new figure when not given.
    """
    rows = _one_effect(table)
    ax = ax or new_axes(height=0.9 + 0.34 * max(len(rows), 1))
    ax.axvline(0, color=INK, linewidth=0.9, zorder=1)
    for place, row in enumerate(rows):
        _draw_effect(ax, place, row)
    undefined = any(row["effect_size"] != row["effect_size"] for row in rows)
    words = "filled: p below 0.05 after Holm" + ("; x: not defined" if undefined else "")
    ax.set(yticks=range(len(rows)), ylim=(max(len(rows), 1) - 0.5, -0.5), xlabel=f"effect size ({words})")
    ax.set_yticklabels([_compared(row) for row in rows], fontfamily=fonts())
    for effect in dict.fromkeys(row["effect"] for row in rows):
        ax.scatter([], [], color=_colour_of(effect), label=_EFFECTS[effect])
    if rows:
        ax.figure.legend(loc="outside lower left", ncols=4, frameon=False, labelcolor=INK, fontsize=8)
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
    return COLOURS[list(_EFFECTS).index(effect)]


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
    return shortened(row["metric"]) + ": " + " − ".join(shortened(row[side]) for side in ("a", "b"))
