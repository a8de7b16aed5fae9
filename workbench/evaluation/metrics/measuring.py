"""`measure`: the figures of a run that no model is asked for."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import EmbeddedModelMissing
from workbench.evaluation.metrics.baselines import (
    against_df,
    baseline_warnings,
    held_against,
    named,
    numbers_of,
)
from workbench.evaluation.metrics.collapse import CollapseLimits, collapse_warnings
from workbench.evaluation.metrics.dispersion import dispersion_rows, dispersion_steps
from workbench.evaluation.metrics.ideas import Ideas
from workbench.evaluation.metrics.latency import latency_rows
from workbench.evaluation.metrics.lengths import length_rows, length_steps
from workbench.evaluation.metrics.repeating import Repeat, repeats_of, repetition_rows, repetition_steps
from workbench.evaluation.metrics.report import RunMetrics
from workbench.evaluation.metrics.rows import (
    MEANING,
    METRICS,
    NOBODY_TALKED,
    WORDS,
    Row,
    StepRow,
    steps_table_of,
    table_of,
)
from workbench.evaluation.metrics.shares import share_rows
from workbench.evaluation.metrics.similarity import similarity_rows, similarity_steps
from workbench.evaluation.metrics.sources import MeasuredRun, read_run
from workbench.evaluation.metrics.trend import FEWEST_STEPS, trend_of
from workbench.evaluation.metrics.turns import Turn, turns_of
from workbench.evaluation.metrics.variety import variety_rows
from workbench.llm.client import LLM, default_llm
from workbench.populations.homogeneity import tf_idf
from workbench.record.events import Event
from workbench.record.run_file import RunFile
from workbench.worlds.world import World

if TYPE_CHECKING:
    import pandas as pd

_log = logging.getLogger("workbench")
_BY_MEANING = tuple(name for name in METRICS if "meaning" in name)


@dataclass(frozen=True)
class Meanings:
    """The embeddings of what was said."""

    turns: Any
    """A row a turn."""
    sentences: Mapping[str, Any]


async def measure(
    source: World | RunFile | str | Path | pd.DataFrame | Iterable[Event],
    *,
    baselines: object = None,
    people: Sequence[str] | None = None,
    meaning: bool = True,
    simultaneous: bool | None = None,
    limits: CollapseLimits | None = None,
    llm: LLM | None = None,
) -> RunMetrics:
    """Measure a run without asking a model: who talks, how varied and alike that is, and whether it collapses.

    The unit is the turn of talk: what somebody says in a step before somebody else speaks. `METRICS` names the figures;
    each has its formula where it is computed. What looks like a collapse is in `warnings`, and is logged once.

    Args:
        source: a world, a run file or its path, a transcript as `World.transcript` returns it, or events.
        baselines: another run (as `source`), numbers by metric (`{"words_sd": 9.1}`), what `measure` returned for
            another run, or several of these by name.
        people: whose talk is measured. When not given, all people of a world or a run file; of a transcript or events,
            all who act in it.
        meaning: whether what was said is compared by its embeddings, too. The encoder in the process takes some 7 ms a
            sentence, once: embeddings are cached.
        simultaneous: whether all act on the same past in a step, so that nobody hears what is said in the same step.
            When not given, as the run says; of a transcript or events, True, as worlds are by default.
        limits: from where on to warn of a collapse.
        llm: whose embeddings and cache serve; the world's own, or else the default one, when not given.

    Raises:
        InvalidSettings: a source or a baseline that is none.
        UnknownName: there is no such file.
        DamagedFile, NewerFile: it cannot be read.
        ModelError: the endpoint's embedding model failed. Without an encoder, figures by meaning are NaN with a note.
    """
    limits = limits or CollapseLimits()
    run = read_run(source, people, simultaneous)
    others = named(baselines)
    chosen = llm or (source.llm if isinstance(source, World) else None)
    numbers = {name: await _baseline(other, name, meaning, chosen) for name, other in others.items()}
    measured = await _measured(run, meaning, chosen, limits)
    against = held_against(measured.whole, numbers)
    warnings = (*measured.warnings, *baseline_warnings(against, limits))
    if warnings:
        _log.warning("%s", "\n".join(warnings))
    return RunMetrics(measured.table, measured.by_step, measured.turns, against_df(against), warnings)


async def _baseline(given: Any, name: str, meaning: bool, llm: LLM | None) -> dict[str, float]:
    """Return the figures of a baseline by metric."""
    if isinstance(given, RunMetrics):
        return given.whole
    if isinstance(given, Mapping):
        return numbers_of(given, f"baselines[{name!r}]")
    chosen = llm or (given.llm if isinstance(given, World) else None)
    return (await _measured(read_run(given), meaning, chosen, CollapseLimits())).whole


async def _measured(run: MeasuredRun, meaning: bool, llm: LLM | None, limits: CollapseLimits) -> RunMetrics:
    turns = turns_of(run)
    meanings, missing = await _meanings(turns, llm) if meaning else (None, "meaning=False")
    return await asyncio.to_thread(_figures, run, turns, meanings, missing, limits)


async def _meanings(turns: Sequence[Turn], llm: LLM | None) -> tuple[Meanings | None, str]:
    """Return the embeddings of turns and sentences, or why there are none."""
    import numpy as np

    if not turns:
        return None, NOBODY_TALKED
    sentences = list(dict.fromkeys(sentence for turn in turns for sentence in turn.ideas))
    texts = list(dict.fromkeys([*(turn.text for turn in turns), *sentences]))
    try:
        vectors = (await (llm or default_llm()).embed(texts, purpose="metrics")).astype(np.float64)
    except EmbeddedModelMissing as error:
        return None, f"there is no sentence encoder: {error}"
    of = dict(zip(texts, vectors, strict=True))
    return Meanings(np.stack([of[turn.text] for turn in turns]), {sentence: of[sentence] for sentence in sentences}), ""


def _figures(
    run: MeasuredRun, turns: Sequence[Turn], meanings: Meanings | None, missing: str, limits: CollapseLimits
) -> RunMetrics:
    repeats = repeats_of(turns)
    compared = [_by_words(run, turns), *([_by_meaning(run, turns, meanings)] if meanings else [])]
    rows = [*_plain_rows(run, turns, repeats), *(row for rows, _ in compared for row in rows)]
    if meanings is None:
        rows += [Row(name, "", math.nan, 0, missing) for name in _BY_MEANING]
    steps = [*repetition_steps(run.n_steps, turns, repeats), *length_steps(run.n_steps, turns)]
    by_step = steps_table_of([*steps, *(row for _, rows in compared for row in rows)])
    table = table_of([*rows, *_slopes(by_step, [WORDS, MEANING] if meanings else [WORDS])], run.people)
    warnings = tuple(collapse_warnings(by_step, turns, repeats, limits))
    return RunMetrics(table, by_step, _turns_df(turns, repeats), against_df([]), warnings)


def _plain_rows(run: MeasuredRun, turns: Sequence[Turn], repeats: Sequence[Repeat]) -> Iterator[Row]:
    yield from share_rows(run.people, turns)
    yield from variety_rows(run.people, turns)
    yield from repetition_rows(run.people, turns, repeats)
    yield from length_rows(run.people, turns)
    yield from latency_rows(run)


def _by_words(run: MeasuredRun, turns: Sequence[Turn]) -> tuple[list[Row], list[StepRow]]:
    vectors, ideas = tf_idf([turn.words for turn in turns]), Ideas(turns)
    rows = [*similarity_rows(run.people, turns, vectors, WORDS), *ideas.rows(run.people)]
    return rows, [*similarity_steps(run.n_steps, turns, vectors, WORDS), *ideas.steps(run.n_steps)]


def _by_meaning(run: MeasuredRun, turns: Sequence[Turn], meanings: Meanings) -> tuple[list[Row], list[StepRow]]:
    vectors, ideas, n_steps = meanings.turns, Ideas(turns, meanings.sentences), run.n_steps
    rows = [*similarity_rows(run.people, turns, vectors, MEANING), *dispersion_rows(run.people, turns, vectors)]
    steps = [*similarity_steps(n_steps, turns, vectors, MEANING), *dispersion_steps(n_steps, turns, vectors)]
    return [*rows, *ideas.rows(run.people)], [*steps, *ideas.steps(n_steps)]


def _slopes(by_step: pd.DataFrame, ways: Sequence[str]) -> Iterator[Row]:
    for way in ways:
        rows = by_step[by_step["metric"] == f"similarity_between_{way}"]
        trend = trend_of(rows["step"].tolist(), rows["value"].tolist())
        few = f"in fewer than {FEWEST_STEPS} steps, two people talked"
        yield Row(f"similarity_between_{way}_slope", "", trend.slope, trend.n, few if math.isnan(trend.slope) else "")


def _turns_df(turns: Sequence[Turn], repeats: Sequence[Repeat]) -> pd.DataFrame:
    import pandas as pd

    columns = {
        "person": [turn.person for turn in turns],
        "step": [turn.step for turn in turns],
        "events": [list(turn.events) for turn in turns],
        "characters": [turn.n_characters for turn in turns],
        "words": [turn.n_words for turn in turns],
        "repeats": pd.array([again.first.events[0] if again.first else None for again in repeats], dtype="Int64"),
    }
    return pd.DataFrame(columns)
