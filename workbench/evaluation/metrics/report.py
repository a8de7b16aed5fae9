"""`RunMetrics`: what was measured of a run, and what has to be said of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench import html
from workbench.evaluation.metrics.rows import METRICS

if TYPE_CHECKING:
    import pandas as pd

    from workbench.plots import Figure


_OF_PEOPLE = (
    *("turns", "talk_share", "words_mean", "distinct_2", "repetition", "similarity_within_words"),
    *("similarity_between_words", "ideas_meaning", "answer_steps_mean", "unanswered"),
)
"""What a notebook shows of each person; the table has all."""


@dataclass(frozen=True, eq=False)
class RunMetrics:
    """Figures of a run that no model was asked for."""

    table: pd.DataFrame
    """A row a metric and person: metric (`METRICS` says what each is), person ("" for the whole run), value, n (what it
    rests on), note (why a value is NaN, or what it cannot say)."""
    by_step: pd.DataFrame
    """A row a metric and step: step, metric, value, n, note. Besides metrics of the table, `new_ideas_words` and
    `new_ideas_meaning`: ideas that nobody had voiced in an earlier step."""
    turns: pd.DataFrame
    """A row a turn of talk: person, step, events (ids), characters, words, repeats (the id of the event that it says
    again; missing where it says something new)."""
    against: pd.DataFrame
    """A row a baseline and metric: baseline, metric, value, baseline_value, difference, ratio (of `words_sd`, the SD
    ratio), note."""
    warnings: tuple[str, ...]
    """What looks like a collapse, with numbers and thresholds."""

    def value(self, metric: str, person: str = "") -> float:
        """Return one figure; NaN where there is none.

        Args:
            metric: its name.
            person: whose it is; the whole run's when not given.
        """
        rows = self.table[(self.table["metric"] == metric) & (self.table["person"] == person)]
        return float(rows["value"].iloc[0]) if len(rows) else math.nan

    @property
    def whole(self) -> dict[str, float]:
        """The figures of the whole run by metric."""
        rows = self.table[self.table["person"] == ""]
        return dict(zip(rows["metric"].tolist(), rows["value"].tolist(), strict=True))

    def plot(self) -> Figure:
        """Draw similarity, repetition, length and new ideas by step."""
        from workbench import plots

        return plots.run_metrics(self.by_step)

    def __str__(self) -> str:
        rows = [row for row in self.table.to_dict("records") if not row["person"]]
        width = max(len(metric) for metric in METRICS)
        lines = [f"{row['metric']:<{width}}  {_number(row['value']):>8}  {_meaning(row)}" for row in rows]
        return "\n".join([*self.warnings, *([""] if self.warnings else []), *lines])

    def __repr__(self) -> str:
        n_people = len({person for person in self.table["person"] if person})
        return f"RunMetrics({n_people} people, {len(self.turns)} turns, {len(self.warnings)} warnings)"

    def _repr_html_(self) -> str:
        from workbench import plots

        warned = "".join(html.callout(words) for words in self.warnings)
        words = "Similarity, repetition, length and new ideas by step; by_step has the numbers."
        chart = html.image(plots.png(self.plot()), words) if len(self.turns) else ""
        rows = [row for row in self.table.to_dict("records") if not row["person"]]
        cells = [[row["metric"], _number(row["value"]), row["n"], _meaning(row)] for row in rows]
        parts = [warned, chart, html.table(["metric", "value", "n", ""], cells), self._people(), self._against()]
        return html.box("Metrics of a run", self._subtitle(), "".join(parts))

    def _subtitle(self) -> str:
        n = len(self.warnings)
        said = "no sign of a collapse" if not n else "1 warning" if n == 1 else f"{n} warnings"
        return f"{len(self.turns):,} turns of talk; {said if len(self.turns) else 'nothing to compare'}"

    def _people(self) -> str:
        """Return some figures of people, a row a person."""
        rows = self.table[self.table["person"] != ""]
        if rows.empty:
            return ""
        keys = zip(rows["person"], rows["metric"], strict=True)
        values = dict(zip(keys, rows["value"].tolist(), strict=True))
        shown = [metric for metric in _OF_PEOPLE if any(key[1] == metric for key in values)]
        people = list(dict.fromkeys(rows["person"]))
        cells = [[name, *(_number(values[name, metric]) for metric in shown)] for name in people]
        return html.table(["person", *shown], cells)

    def _against(self) -> str:
        if self.against.empty:
            return ""
        return html.table(list(self.against.columns), [list(map(_cell, row)) for row in self.against.to_numpy()])


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    number = f"{value:,.3f}".rstrip("0").rstrip(".")
    return "0" if number == "-0" else number


def _cell(value: object) -> str:
    return _number(value) if isinstance(value, float) else str(value)


def _meaning(row: dict[object, object]) -> str:
    meaning = METRICS[str(row["metric"])]
    return f"{meaning} ({row['note']})" if row["note"] else meaning
