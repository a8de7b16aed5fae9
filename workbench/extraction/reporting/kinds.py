"""Kinds of tables that are known by their columns: what is said and drawn of each."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workbench.extraction.reporting.grids import grid_of, is_true
from workbench.extraction.reporting.tables import Kind, ToldRow, ToldTable, count_of, is_mark, refusal, told_of

if TYPE_CHECKING:
    import pandas as pd

_NAME = re.compile(r"\{\{\s*name\s*\}\}")


def told_table(table: pd.DataFrame) -> ToldTable:
    """Return a table as a report has it.

    Scores, checks, answers, effects, transcripts and extracted rows are known by their columns, and shown without those
    that serve bookkeeping; of any other table all columns are shown.
    """
    there = list(map(str, table.columns))
    if len(set(there)) == len(there):
        for kind in _KINDS:
            if kind.columns <= set(there) and (len(table) or kind.of_nothing) and kind.fits(table):
                return kind.tell(table, kind)
    return told_of(table)


def _scores(table: pd.DataFrame, kind: Kind) -> ToldTable:
    from workbench import plots

    n_missing = int(table["score"].isna().sum())
    what = f"{count_of(table, 'score')} of {table['target'].nunique()} by {_claims(table)}"
    made = {"Scores": f"{len(table) - n_missing} of {len(table)}", "Cost": _money(table)}
    drawn = plots.closed(plots.scores(_with_names(table, "…"))) if n_missing < len(table) else None
    return replace(
        kind.told(_with_names(table)),
        what=f"{what}{f'; {n_missing} could not be given' if n_missing else ''}."
        f"{' The chart shows them.' if drawn else ''}",
        figure=drawn,
        made=_known(made),
        shows=frozenset({"scores", "simulated"}),
    )


def _checks(table: pd.DataFrame, kind: Kind) -> ToldTable:
    there = int(table["holds"].notna().sum())
    what = f"{count_of(table, 'check')} of {table['target'].nunique()} by {_claims(table)}"
    made = {"Checks": f"{there} of {len(table)}", "Cost": _money(table)}
    without = len(table) - there
    return replace(
        kind.told(_with_names(table)),
        what=f"{what}{f'; {without} could not be made' if without else ''}.",
        made=_known(made),
        shows=frozenset({"scores", "simulated"}),
    )


def _answers(table: pd.DataFrame, kind: Kind) -> ToldTable:
    from workbench import plots
    from workbench.evaluation.surveys.shares import shares

    counted = shares(table)
    n_missing = int(table["answer"].isna().sum())
    people, questions = table["person"].nunique(), table["question"].nunique()
    methods = ", ".join(sorted(map(str, table["method"].dropna().unique()))) if "method" in table else ""
    made = {"People asked": str(people), "Questions": str(questions), "Elicitation": methods}
    asked = f"{questions} question{'' if questions == 1 else 's'}"
    what = f"What {_people(people)} answered to {asked}; {_n_missing(n_missing)}."
    told = replace(
        kind.told(table),
        made=_known(made),
        shows=frozenset({"answers", *(["simulated"] if methods else [])}),
        what=what,
    )
    if not len(counted):
        return told
    shown_rows = [ToldRow(number, words, of="share") for number, words in enumerate(grid_of(counted).in_words(), 1)]
    open_ones = sorted(set(map(str, table["question"])) - set(map(str, counted["question"])))
    besides = (
        f" Answers to {', '.join(open_ones)} are in words or numbers of their own, and not counted."
        if open_ones
        else ""
    )
    return replace(
        told,
        what=f"{what} The table counts them: the share of those who answered.{besides}",
        rows=[*told.rows, *shown_rows],
        shown=grid_of(counted),
        resting=[None] * len(counted),
        left_out=(),
        figure=plots.answers(counted),
    )


def _effects(table: pd.DataFrame, kind: Kind) -> ToldTable:
    from workbench import plots

    drawn = plots.closed(plots.effects(table)) if table["a"].notna().any() else None
    chart = " The chart shows the effect sizes with their intervals." if drawn else ""
    return replace(kind.told(table), what=f"Conditions compared: {count_of(table, 'test')}.{chart}", figure=drawn)


def _transcript(table: pd.DataFrame, kind: Kind) -> ToldTable:
    from workbench import plots

    drawn = plots.closed(plots.talk_share(table)) if table["type"].eq("TALK").any() else None
    happened = table[~table["kind"].isin(("mind", "note", "intervention"))]
    told, n = kind.told(happened), len(table) - len(happened)
    besides = f" Not among them: {n} of minds and of how the run was led." if n else ""
    rows = [replace(row, number=int(happened["id"].iloc[row.number - 1]), of="event") for row in told.rows]
    return replace(told, what=f"A transcript of {count_of(happened, 'event')}.{besides}", rows=rows, figure=drawn)


def _extracted(table: pd.DataFrame, kind: Kind) -> ToldTable:
    facts: Mapping[str, Any] = table.attrs.get("extraction") or table.attrs.get("merging") or {}
    unsupported = sum(is_true(mark) for mark in table["unsupported"])
    made = {
        "What was looked for": facts.get("objective", ""),
        "What was made one": facts.get("same", ""),
        "Model that read": facts.get("model", ""),
        "Events read": f"{facts['n_events']} in {_parts(facts['n_parts'])}" if "n_events" in facts else "",
        "Rows merged": str(facts.get("n_merged", "")),
        "Cost": _usd(facts.get("usd")) if facts else "",
    }
    how = "Rows of several runs, merged" if "n_runs" in table and "variants" in table else "Extracted"
    what = f"{how}: {count_of(table, 'row')}, {unsupported} without support.{refusal(unsupported)}"
    return replace(kind.told(table), what=what, made=_known(made), caveat=facts.get("caveat", ""))


def _with_names(table: pd.DataFrame, name: str | None = None) -> pd.DataFrame:
    """Return scores or checks whose claims have the name of their target, or another, for `{{name}}`."""
    claims = [
        _NAME.sub(str(name or target).replace("\\", r"\\"), str(claim))
        for claim, target in zip(table["proposition"], table["target"], strict=True)
    ]
    return table.assign(proposition=claims)


def _numeric(table: pd.DataFrame) -> bool:
    return table["score"].dtype.kind in "iuf" or bool(table["score"].isna().all())


def _has_marks(table: pd.DataFrame) -> bool:
    return all(is_mark(one) for one in table["unsupported"])


_JUDGED = ("quotes", "call", "usd", "note")
_KINDS = (
    Kind(frozenset({"target", "proposition", "score"}), _scores, (*_JUDGED, "sd"), _numeric, "target"),
    Kind(frozenset({"target", "proposition", "holds", "justification"}), _checks, _JUDGED, person="target"),
    Kind(
        frozenset({"person", "question", "kind", "answer", "order", "weight"}),
        _answers,
        ("probabilities", "order", "events", "call", "note"),
        no_facts=("replicate", "kind", "method", "missing", "weight"),
    ),
    Kind(
        frozenset({"metric", "a", "b", "effect", "effect_size", "ci_low", "ci_high", "p_holm", "test"}),
        _effects,
        ("note",),
    ),
    Kind(
        frozenset({"id", "step", "time", "kind", "type", "source", "target", "content"}),
        _transcript,
        ("call",),
        person="source",
    ),
    Kind(
        frozenset({"evidence", "unsupported", "note"}),
        _extracted,
        ("quotes", "spans", "variants", "unsupported", "n_unsupported", "note"),
        _has_marks,
        of_nothing=True,
    ),
)


def _known(facts: Mapping[str, str]) -> dict[str, str]:
    return {name: fact for name, fact in facts.items() if fact}


def _claims(table: pd.DataFrame) -> str:
    n = table["proposition"].nunique()
    return f"{n} claim{'' if n == 1 else 's'}"


def _people(n: int) -> str:
    return "1 person" if n == 1 else f"{n} people"


def _parts(n: int) -> str:
    return "1 part" if n == 1 else f"{n} parts"


def _n_missing(n: int) -> str:
    return "none is missing" if not n else "1 answer is missing" if n == 1 else f"{n} answers are missing"


def _money(table: pd.DataFrame) -> str:
    return _usd(float(table["usd"].sum(skipna=False))) if "usd" in table else ""


def _usd(usd: float | None) -> str:
    return "not known: no price is set" if usd is None or math.isnan(usd) else f"${usd:.4f}"
