"""Person by person, where both tables name the same people: does the simulation give the person's own answer?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workbench.evaluation.human import agreement
from workbench.evaluation.human.baselines import at_random, most_common
from workbench.evaluation.human.kinds import Question
from workbench.evaluation.human.logistic import predicted
from workbench.evaluation.human.questions import ALONE
from workbench.evaluation.human.resampling import Resampling, Urn, band
from workbench.evaluation.human.rows import NAN, Row
from workbench.evaluation.human.samples import Sample

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from workbench.evaluation.human.resampling import Rng

    Numbers = np.ndarray[Any, np.dtype[Any]]

FOLDS = 5
"""Of the cross-validation of the logistic regression."""
BY_CHANCE = "chance alone would agree in all: all gave one answer"


@dataclass(frozen=True)
class _Agreement:
    """A statistic of the means of `_pairs`."""

    name: str
    of: Callable[[Numbers], Numbers]
    undefined: str = ""


def compare_persons(
    question: Question,
    simulated: Sample,
    human: Sample,
    how: Resampling,
    rng: Rng,
    *,
    retest: Sample | None = None,
    attributes: pd.DataFrame | None = None,
) -> list[Row]:
    """Return how well the answers of the same people agree; nothing where nobody is in both samples.

    Args:
        question: what it is.
        simulated: people who answered.
        human: people who answered.
        how: how often, how sure.
        rng: to draw with.
        retest: the humans' second answers to the same question.
        attributes: of the humans, a row a person, for the logistic regression.
    """
    pairs = _pairs(question, simulated, human)
    if not pairs.n:
        return []
    floors = [_independent(question, one, human.of(pairs.people)) for one in _floors(question, human)]
    model, said = _model(question, human, pairs.people, attributes, how.seed)
    again = _pairs(question, retest, human) if retest is not None else None
    rows = []
    for one in _agreements(question):
        row = _row(one, question, pairs, how, rng, said)
        row = replace(row, uniform=float(one.of(floors[0])), most_common=float(one.of(floors[1])))
        if model is not None:
            row = replace(row, logistic_regression=float(one.of(model)))
        if again is not None and again.n > 1:
            low, high = band(one.of(_drawn(again, how, rng)), how.confidence)
            row = replace(row, ceiling_low=low, ceiling_high=high)
        rows.append(row)
    return [*rows, *(_normalised(question, pairs, again, how, rng, rows[0]) if again is not None else [])]


def _floors(question: Question, human: Sample) -> list[Numbers]:
    return [at_random(question), most_common(question, human)]


def _agreements(question: Question) -> list[_Agreement]:
    k, positions = len(question.options), question.positions
    if question.kind == "number":
        return [_Agreement("mean_absolute_error", lambda means: means[..., 0])]
    first = _Agreement("accuracy", lambda means: agreement.accuracy(_square(means, k)))
    kappa = _Agreement("kappa", lambda means: agreement.kappa(_square(means, k)), BY_CHANCE)
    if positions is None:
        return [first, kappa]
    weighted = _Agreement(
        "weighted_kappa", lambda means: agreement.kappa(_square(means, k), "quadratic", positions), BY_CHANCE
    )
    error = _Agreement("mean_absolute_error", lambda means: agreement.mean_absolute_error(_square(means, k), positions))
    return [first, error, kappa, weighted]


def _square(means: Numbers, k: int) -> Numbers:
    return means.reshape(*means.shape[:-1], k, k)


def _pairs(question: Question, first: Sample, second: Sample) -> Sample:
    """Return people who are in both, with the share of each pair of answers; of numbers, how far both are apart."""
    import numpy as np
    from scipy.sparse import csr_array

    there = set(first.people)
    people = [person for person in second.people if person in there]
    left, right = _choices(question, first.of(people)), _choices(question, second.of(people))
    k = len(question.options)
    cells: list[tuple[int, int, float]] = []
    for row in range(len(people)):
        for a, share in _entries(left, row):
            for b, other in _entries(right, row):
                if question.kind == "number" and question.positions is not None:
                    cells.append((row, 0, share * other * abs(float(question.positions[a] - question.positions[b]))))
                else:
                    cells.append((row, a * k + b, share * other))
    rows, columns, values = zip(*cells, strict=True) if cells else ((), (), ())
    width = 1 if question.kind == "number" else k * k
    grid = csr_array((np.array(values, dtype=float), (rows, columns)), shape=(len(people), width))
    return Sample(tuple(people), grid, second.of(people).weights)


def _choices(question: Question, sample: Sample) -> Any:
    return sample.rows[:, len(question.options) :] if question.kind == "ranking" else sample.rows


def _entries(rows: Any, row: int) -> list[tuple[int, float]]:
    inside = slice(rows.indptr[row], rows.indptr[row + 1])
    return list(zip(rows.indices[inside].tolist(), rows.data[inside].tolist(), strict=True))


def _independent(question: Question, simulated: Numbers, human: Sample) -> Numbers:
    """Return the means of `_pairs` if answers had nothing to do with the person."""
    import numpy as np

    k = len(question.options)
    theirs = human.means
    if question.kind == "ranking":
        simulated, theirs = simulated[k:], theirs[k:]
    if question.kind == "number" and question.positions is not None:
        given, own = np.flatnonzero(simulated), np.flatnonzero(theirs)
        apart = np.abs(question.positions[given][:, None] - question.positions[own][None, :])
        return np.array([simulated[given] @ apart @ theirs[own]])
    return np.outer(simulated, theirs).ravel()


def _drawn(pairs: Sample, how: Resampling, rng: Rng) -> Numbers:
    return Urn.of(pairs).draw(how.n_resamples, rng)


def _row(one: _Agreement, question: Question, pairs: Sample, how: Resampling, rng: Rng, said: str) -> Row:
    value = float(one.of(pairs.means))
    of_what = "of the first choice" if question.kind == "ranking" else ""
    notes = [
        "level of persons",
        of_what,
        one.undefined if math.isnan(value) else "",
        said,
        ALONE if pairs.n < 2 else "",
    ]
    row = Row(question.name, question.kind, one.name, value=value, n_simulated=pairs.n, n_human=pairs.n)
    low, high = band(one.of(_drawn(pairs, how, rng)), how.confidence) if pairs.n > 1 else (NAN, NAN)
    return replace(row, ci_low=low, ci_high=high, note="; ".join(note for note in notes if note))


def _normalised(
    question: Question, pairs: Sample, again: Sample, how: Resampling, rng: Rng, accuracy: Row
) -> list[Row]:
    """Return the accuracy / that of the persons' own second answers, among those who have all three."""
    from scipy.sparse import csr_array, hstack

    if accuracy.statistic != "accuracy":
        return []
    people = [person for person in pairs.people if person in set(again.people)]
    row = replace(
        accuracy, statistic="normalised_accuracy", value=NAN, ci_low=NAN, ci_high=NAN, uniform=NAN, most_common=NAN
    )
    row = replace(
        row, logistic_regression=NAN, ceiling_low=NAN, ceiling_high=NAN, n_simulated=len(people), n_human=len(people)
    )
    if not people:
        return [replace(row, note="level of persons; nobody who was simulated answered twice")]
    first, second = pairs.of(people), again.of(people)
    both = Sample(first.people, csr_array(hstack([first.rows, second.rows])), first.weights)
    k = len(question.options)

    def ratio(means: Numbers) -> Numbers:
        halves = (means[..., : k * k], means[..., k * k :])
        return agreement.normalised(*(agreement.accuracy(_square(half, k)) for half in halves))

    value = float(ratio(both.means))
    own = float(agreement.accuracy(_square(second.means, k)))
    note = f"level of persons; {own:.0%} gave their own answer again"
    if both.n < 2 or math.isnan(value):
        return [replace(row, value=value, note=f"{note}; {ALONE if both.n < 2 else 'nothing to divide by'}")]
    low, high = band(ratio(_drawn(both, how, rng)), how.confidence)
    return [replace(row, value=value, ci_low=low, ci_high=high, ceiling_low=1.0, ceiling_high=1.0, note=note)]


def _model(
    question: Question, human: Sample, people: Sequence[str], attributes: pd.DataFrame | None, seed: int
) -> tuple[Numbers | None, str]:
    """Return the means of `_pairs` of what a logistic regression predicts, and what is to be said of it."""
    import numpy as np
    from scipy.sparse import csr_array

    if attributes is None or question.kind in ("number", "ranking"):
        return None, ""
    # An answer that is also an attribute would tell itself.
    attributes = attributes.drop(columns=question.name, errors="ignore")
    chosen = np.asarray(human.rows.toarray().argmax(axis=1))
    if human.n < 2 * FOLDS or len(set(chosen.tolist())) < 2:
        return None, f"no logistic regression: it needs {2 * FOLDS} people and two different answers"
    k = len(question.options)
    known = attributes.loc[list(human.people)]
    classes = predicted(known, chosen, k, weights=human.weights, folds=FOLDS, seed=seed)
    rows = csr_array(np.eye(k)[classes])
    pairs = _pairs(question, Sample(human.people, rows, human.weights), human.of(people))
    names = ", ".join(map(str, attributes.columns))
    return pairs.means, f"logistic regression on {names}, {FOLDS} folds"
