"""Tables in a report: what kind each is, which of its columns are read, and what is drawn of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.record.cells import cell

if TYPE_CHECKING:
    import pandas as pd

    from workbench.plots import Figure

_UNREAD = frozenset({"call", "spans", "quotes", "probabilities", "order", "events", "weight", "usd"})
"""Columns that readers of a report can do without; exports have them."""
_SCORES = {"target", "proposition", "score"}
_ANSWERS = {"person", "question", "kind", "answer", "order", "weight"}
_EFFECTS = {"metric", "a", "b", "effect", "effect_size", "ci_low", "ci_high", "p_holm", "test"}
_TRANSCRIPT = {"id", "step", "time", "kind", "type", "source", "target", "content"}


@dataclass(frozen=True)
class ToldTable:
    """A table as a report has it."""

    what: str
    rows: Sequence[str]
    """What can be cited: each row in words."""
    shown: pd.DataFrame
    figure: Figure | None = None
    made: Mapping[str, str] = field(default_factory=dict)
    caveat: str = ""
    shows: frozenset[str] = frozenset()


def told_table(table: pd.DataFrame) -> ToldTable:
    """Return a table as a report has it: scores, answers, effects and extracted rows are known by their columns."""
    there = set(map(str, table.columns))
    for columns, tell in _KINDS:
        if columns <= there and len(table):
            return tell(table)
    return _any(table)


def _any(table: pd.DataFrame) -> ToldTable:
    shown = table[[name for name in table.columns if name not in _UNREAD]]
    return ToldTable(f"A table of {_count(table, 'row')}.", _rows(shown), shown)


def _scores(table: pd.DataFrame) -> ToldTable:
    from workbench import plots

    told = _any(table)
    missing = int(table["score"].isna().sum())
    what = f"{_count(table, 'score')} of {table['target'].nunique()} by {table['proposition'].nunique()} claims"
    made = {"Scores": f"{len(table) - missing} of {len(table)}", "Cost": _money(table)}
    return ToldTable(
        f"{what}{f'; {missing} could not be given' if missing else ''}. The chart shows them.",
        told.rows,
        told.shown,
        plots.closed(plots.scores(table)),
        {name: fact for name, fact in made.items() if fact},
        shows=frozenset({"scores"}),
    )


def _answers(table: pd.DataFrame) -> ToldTable:
    from workbench import plots
    from workbench.evaluation.surveys.shares import shares

    counted, told = shares(table), _any(table)
    missing = int(table["answer"].isna().sum())
    people, questions = table["person"].nunique(), table["question"].nunique()
    methods = ", ".join(sorted(map(str, table["method"].dropna().unique()))) if "method" in table else ""
    made = {"People asked": str(people), "Questions": str(questions), "Elicitation": methods}
    return ToldTable(
        f"What {people} people answered to {questions} question{'' if questions == 1 else 's'}; {missing} answers are "
        "missing.",
        told.rows,
        counted if len(counted) else told.shown,
        plots.answers(counted) if len(counted) else None,
        {name: fact for name, fact in made.items() if fact},
        shows=frozenset({"answers"}),
    )


def _effects(table: pd.DataFrame) -> ToldTable:
    from workbench import plots

    told = _any(table)
    drawn = plots.closed(plots.effects(table)) if table["a"].notna().any() else None
    what = f"Conditions compared: {_count(table, 'test')}. The chart shows the effect sizes with their intervals."
    return ToldTable(what, told.rows, told.shown, drawn)


def _transcript(table: pd.DataFrame) -> ToldTable:
    from workbench import plots

    told = _any(table)
    drawn = plots.closed(plots.talk_share(table)) if table["type"].eq("TALK").any() else None
    return ToldTable(f"A transcript of {_count(table, 'event')}.", told.rows, told.shown, drawn)


def _extracted(table: pd.DataFrame) -> ToldTable:
    told = _any(table)
    facts: Mapping[str, Any] = table.attrs.get("extraction", {})
    unsupported = int(table["unsupported"].astype(bool).sum())
    made = {
        "What was looked for": facts.get("objective", ""),
        "Model that read": facts.get("model", ""),
        "Events read": f"{facts['n_events']:,} in {facts['n_parts']:,} parts" if facts else "",
        "Rows merged": f"{facts['n_merged']:,}" if facts else "",
        "Cost": _usd(facts.get("usd")) if facts else "",
    }
    what = f"Extracted: {_count(table, 'row')}, {unsupported} without support."
    known = {name: fact for name, fact in made.items() if fact}
    return ToldTable(what, told.rows, told.shown, made=known, caveat=facts.get("caveat", ""))


_KINDS: Sequence[tuple[set[str], Callable[[pd.DataFrame], ToldTable]]] = (
    (_SCORES, _scores),
    (_ANSWERS, _answers),
    (_EFFECTS, _effects),
    (_TRANSCRIPT, _transcript),
    ({"evidence", "unsupported", "note"}, _extracted),
)


def _rows(table: pd.DataFrame) -> list[str]:
    """Return each row in words: what is missing, and what it rests on, is left out."""
    named = [str(name) for name in table.columns]
    return [_in_words(dict(zip(named, row, strict=True))) for row in table.itertuples(index=False, name=None)]


def _in_words(row: Mapping[str, Any]) -> str:
    told = ((name, cell(value)) for name, value in row.items() if name not in ("evidence", "unsupported"))
    return "; ".join(f"{name}: {words}" for name, words in told if words)


def _count(table: pd.DataFrame, what: str) -> str:
    return f"{len(table):,} {what}{'' if len(table) == 1 else 's'}"


def _money(table: pd.DataFrame) -> str:
    return _usd(float(table["usd"].sum(skipna=False))) if "usd" in table else ""


def _usd(usd: float | None) -> str:
    return "not known: no price is set" if usd is None or math.isnan(usd) else f"${usd:.4f}"
