"""The metrics by name, and the rows that say how large they are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median, stdev
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

METRICS: Mapping[str, str] = MappingProxyType(
    {
        "turns": "turns in which somebody talked",
        "turns_gini": "inequality of turns, 0 (equal) to 1",
        "talk_share": "share of all characters said",
        "talk_share_gini": "inequality of talk, 0 (equal) to 1",
        "distinct_1": "different words of all words",
        "distinct_2": "different pairs of words of all pairs",
        "distinct_3": "different triples of words of all triples",
        "repetition": "share of turns that say an earlier turn again",
        "repetition_of_self": "share of turns that say an earlier turn of one's own again",
        "repetition_of_others": "share of turns that say an earlier turn of somebody else again",
        "similarity_within_words": "similarity of two turns of one person, by words",
        "similarity_between_words": "similarity of two turns of two people, by words",
        "similarity_between_words_slope": "change of the similarity between people a step, by words",
        "similarity_within_meaning": "similarity of two turns of one person, by meaning",
        "similarity_between_meaning": "similarity of two turns of two people, by meaning",
        "similarity_between_meaning_slope": "change of the similarity between people a step, by meaning",
        "dispersion_meaning": "distance of turns from their centre, by meaning",
        "ideas_words": "different sentences, those of the same words merged",
        "ideas_meaning": "different sentences, those of the same words or meaning merged",
        "characters_mean": "characters a turn",
        "characters_sd": "their standard deviation",
        "characters_median": "their median",
        "words_mean": "words a turn",
        "words_sd": "their standard deviation",
        "words_median": "their median",
        "answer_steps_mean": "steps from being addressed to answering",
        "answer_steps_median": "their median",
        "answer_minutes_mean": "simulated minutes from being addressed to answering",
        "answer_minutes_median": "their median",
        "unanswered": "share of addresses that were never answered",
    }
)
"""What is measured, in the order of the table."""
WORDS, MEANING = "words", "meaning"
"""The two ways in which talk is compared."""
NOBODY_TALKED = "nobody talked"


class Row(NamedTuple):
    """One figure; where it is NaN, its note says why."""

    metric: str
    person: str
    """Empty for the whole run."""
    value: float
    n: int
    """What it rests on: people, turns, pairs of turns, n-grams, sentences, addresses or steps."""
    note: str = ""


class StepRow(NamedTuple):
    """One figure of one step; where it is NaN, its note says why."""

    step: int
    metric: str
    value: float
    n: int
    note: str = ""


def table_of(rows: Iterable[Row], people: Sequence[str]) -> pd.DataFrame:
    """Return the figures as a DataFrame: by metric, first of the whole run and then of the people in their order."""
    import pandas as pd

    metrics = {name: place for place, name in enumerate(METRICS)}
    places = {name: place for place, name in enumerate(["", *people])}
    ordered = sorted(rows, key=lambda row: (metrics[row.metric], places[row.person]))
    return pd.DataFrame(ordered, columns=list(Row._fields)).astype({"value": float, "n": int})


def steps_table_of(rows: Iterable[StepRow]) -> pd.DataFrame:
    """Return the figures of steps as a DataFrame: by metric, then by step."""
    import pandas as pd

    metrics = {name: place for place, name in enumerate([*METRICS, "new_ideas_words", "new_ideas_meaning"])}
    ordered = sorted(rows, key=lambda row: (metrics[row.metric], row.step))
    return pd.DataFrame(ordered, columns=list(StepRow._fields)).astype({"step": int, "value": float, "n": int})


def mean_row(metric: str, person: str, values: Sequence[float], missing: str) -> Row:
    """Return the mean of values; `missing` says why there is none."""
    return Row(metric, person, fmean(values), len(values)) if values else Row(metric, person, math.nan, 0, missing)


def median_row(metric: str, person: str, values: Sequence[float], missing: str) -> Row:
    """Return the median of values; `missing` says why there is none."""
    return Row(metric, person, median(values), len(values)) if values else Row(metric, person, math.nan, 0, missing)


def sd_row(metric: str, person: str, values: Sequence[float], missing: str) -> Row:
    """Return the standard deviation of values, with n - 1 below the fraction; one value has none."""
    if len(values) < 2:
        return Row(metric, person, math.nan, len(values), "one turn has no spread" if values else missing)
    return Row(metric, person, stdev(values), len(values))
