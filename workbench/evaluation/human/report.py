"""`HumanComparison`: the report of simulated answers held against human ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench import html
from workbench.errors import InvalidSettings
from workbench.evaluation.human.codes import listed
from workbench.evaluation.human.resampling import Resampling
from workbench.evaluation.human.rows import Row, table_of
from workbench.evaluation.human.told import Asked
from workbench.evaluation.human.verdicts import Verdict
from workbench.record import markdown

if TYPE_CHECKING:
    import pandas as pd

    from workbench.plots import Figure

_SHOWN = {
    "question": "question",
    "statistic": "statistic",
    "value": "value",
    "interval": "interval",
    "human": "human",
    "ceiling": "humans among themselves",
    "uniform": "at random",
    "most_common": "most common",
    "logistic_regression": "regression",
    "people": "people",
}
"""Headings of the table that is shown; those of which all cells are empty are left out."""
_FIGURES = ("share", "first_choice_share", "mean_rank", "borda")
"""Statistics with a row an option: the chart shows them, and `table` has them."""


@dataclass(frozen=True, eq=False)
class HumanComparison:
    """Simulated answers held against human ones, between two floors and a ceiling."""

    table: pd.DataFrame
    """A row a statistic: question, kind, statistic, option (that it is about), value, ci_low, ci_high, human (where it
    is a figure of one side), the floors uniform, most_common and logistic_regression, ceiling_low and ceiling_high
    (humans against themselves), split_half, n_simulated, n_human, subgroup, note. A floor or a ceiling that a statistic
    does not have is NaN; why a value is, is in note."""
    verdicts: pd.DataFrame
    """A row a question and subgroup: question, subgroup, verdict, flags, words."""
    distributions: pd.DataFrame
    """What the chart shows: question, kind, subgroup, option, simulated, ci_low, ci_high, human, ceiling_low,
    ceiling_high."""
    questions: pd.DataFrame
    """How each question was read: question, kind, options, missing_simulated, missing_human, note."""
    resampling: Resampling

    @property
    def verdict(self) -> str:
        """What is said of each question, a line each."""
        return "\n".join(_lines(self.verdicts))

    def plot(self, subgroup: str = "all") -> Figure:
        """Draw the distributions of both sides, a chart a question, with the ceilings as a band.

        Args:
            subgroup: whose answers.
        """
        from workbench import plots

        return plots.distributions(self.distributions, subgroup)

    def to_markdown(self) -> str:
        """Return the report as Markdown: verdicts, statistics, and how questions were read."""
        lines = [f"- {markdown.escaped(line)}" for line in _lines(self.verdicts)]
        tables = [_markdown(*self._shown()), _markdown(*self._notes()), _markdown(*_whole(self.questions))]
        names = ["", "### Notes", "### Questions"]
        parts = ["## Simulated and human answers", self._how(), "\n".join(lines)]
        parts += [part for pair in zip(names, tables, strict=True) for part in pair if part]
        return "\n\n".join(parts) + "\n"

    def __str__(self) -> str:
        return self.verdict

    def __repr__(self) -> str:
        counts = self.verdicts["verdict"].value_counts()
        return f"HumanComparison({', '.join(f'{label}: {count}' for label, count in counts.items())})"

    def _repr_html_(self) -> str:
        from workbench import plots

        verdicts = html.table(
            ["question", "verdict", "besides", "in words"], [_said(row) for row in self.verdicts.itertuples()]
        )
        everybody = self.distributions["subgroup"].eq("all").any()
        words = "Distributions of simulated and human answers; the table has the numbers."
        chart = html.image(plots.png(self.plot()), words) if everybody else ""
        tables = [html.table(*part) for part in (self._shown(), self._notes(), _whole(self.questions))]
        return html.box("Simulated and human answers", self._how(), "".join([verdicts, chart, *tables]))

    def _how(self) -> str:
        how = self.resampling
        return (
            f"{how.confidence:.0%} intervals of {how.n_resamples:,} resamples of people, seed {how.seed}. Ceiling: "
            "humans in place of the simulated people, as many as there are of those."
        )

    def _shown(self) -> tuple[list[str], list[list[str]]]:
        """Return the statistics that the chart does not show."""
        rows = self.table[~self.table["statistic"].isin(_FIGURES)].to_dict("records")
        cells = [[_shown(row, name) for name in _SHOWN] for row in rows]
        used = [place for place in range(len(_SHOWN)) if any(line[place] != "–" for line in cells)]
        headings = list(_SHOWN.values())
        return [headings[place] for place in used], [[line[place] for place in used] for line in cells]

    def _notes(self) -> tuple[list[str], list[list[str]]]:
        rows = self.table[~self.table["statistic"].isin(_FIGURES) & (self.table["note"] != "")].to_dict("records")
        return ["question", "statistic", "note"], [[_shown(row, name) for name in _NOTED] for row in rows]


_NOTED = ("question", "statistic", "note")


def report_of(
    rows: Sequence[Row],
    verdicts: Sequence[Verdict],
    questions: Sequence[Asked],
    resampling: Resampling,
    statistic: str | Sequence[str],
) -> HumanComparison:
    """Return the report.

    Args:
        rows: all statistics.
        verdicts: on all questions and scales.
        questions: as they were read.
        resampling: how often, how sure.
        statistic: which the table is to have, or all.

    Raises:
        InvalidSettings: there is no such statistic of these questions.
    """
    import pandas as pd

    table = table_of(rows)
    shares = table[table["statistic"].isin(["share", "first_choice_share"])].rename(columns={"value": "simulated"})
    ends = ["ci_low", "ci_high", "human", "ceiling_low", "ceiling_high"]
    shares = shares[["question", "kind", "subgroup", "option", "simulated", *ends]].reset_index(drop=True)
    said = [(one.question, one.subgroup, one.verdict, "; ".join(one.flags), one.words) for one in verdicts]
    read = [(one.question.name, one.question.kind, _options(one), *one.missing, one.question.note) for one in questions]
    return HumanComparison(
        table=_only(table, statistic),
        verdicts=pd.DataFrame(said, columns=["question", "subgroup", "verdict", "flags", "words"]),
        distributions=shares,
        questions=pd.DataFrame(
            read, columns=["question", "kind", "options", "missing_simulated", "missing_human", "note"]
        ),
        resampling=resampling,
    )


def _options(one: Asked) -> str:
    options = one.question.options
    if one.question.kind == "number":
        return f"{options[0]:g} to {options[-1]:g}"
    return ", ".join(map(str, options))


def _only(table: pd.DataFrame, statistic: str | Sequence[str]) -> pd.DataFrame:
    if statistic == "all":
        return table
    wanted = [statistic] if isinstance(statistic, str) else list(statistic)
    there = set(table["statistic"])
    if unknown := [name for name in wanted if name not in there]:
        raise InvalidSettings(f"statistic {listed(unknown)}: these questions have {listed(sorted(there))}, or 'all'")
    return table[table["statistic"].isin(wanted)].reset_index(drop=True)


def _said(row: Any) -> list[str]:
    where = f" ({row.subgroup})" if row.subgroup != "all" else ""
    return [f"{row.question}{where}", row.verdict, row.flags, row.words]


def _lines(verdicts: pd.DataFrame) -> Iterator[str]:
    for row in verdicts.itertuples():
        where = f" ({row.subgroup})" if row.subgroup != "all" else ""
        yield f"{row.question}{where}: {row.verdict}. {row.words}"


def _shown(row: Mapping[Any, Any], name: str) -> str:
    if name == "interval":
        return _range(row["ci_low"], row["ci_high"])
    if name == "ceiling":
        return _range(row["ceiling_low"], row["ceiling_high"])
    if name == "people":
        return f"{row['n_simulated']}{_HARD}/{_HARD}{row['n_human']}"
    if name == "question" and row["subgroup"] != "all":
        return f"{row['question']} ({row['subgroup']})"
    if name == "statistic" and row["option"]:
        return f"{row['statistic']}: {row['option']}"
    return _cell(row[name])


_HARD = "\u00a0"
"""A space at which no line ends."""


def _range(low: object, high: object) -> str:
    return "–" if _cell(low) == "–" else f"{_cell(low)}{_HARD}to{_HARD}{_cell(high)}"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.3f}".replace("-0.000", "0.000")
    return str(value)


def _whole(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    return list(map(str, table.columns)), [[_cell(value) for value in row] for row in table.itertuples(index=False)]


def _markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return markdown.table([*map(markdown.escaped, headings)], [[*map(markdown.escaped, row)] for row in rows])
