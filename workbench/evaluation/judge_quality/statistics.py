"""The statistics of a quality report: each a number with its interval, or with the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workbench.evaluation.human import agreement as pairs
from workbench.evaluation.judge_quality.agreement import alpha_of, coincidences_of, joint_of
from workbench.evaluation.judge_quality.calibration import error_by_chance, error_of
from workbench.evaluation.judge_quality.levels import are_numbers
from workbench.evaluation.judge_quality.ranking import auc, spearman, spearman_given
from workbench.evaluation.judge_quality.reading import Items
from workbench.evaluation.statistics.bootstrap import bootstrap_interval

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]

FEW = 30
"""Items below which a figure is marked as resting on few."""


@dataclass(frozen=True)
class Resampling:
    """How intervals are drawn: items with replacement, or whole clusters of items."""

    n_resamples: int = 2000
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True)
class Row:
    """One statistic."""

    statistic: str
    value: float
    ci_low: float
    ci_high: float
    n: int
    """Items that it rests on."""
    note: str


def rows_of(items: Items, resampling: Resampling, *, tolerance: float, bins: int) -> list[Row]:
    """Return all statistics of a judge, in the order of the report."""
    figures = _Figures(items, resampling, tolerance)
    return [
        figures.unscored(),
        *figures.of_agreement(),
        *figures.of_distance(),
        *figures.of_order(),
        figures.of_calibration(bins),
        *figures.of_sensitivity(),
        figures.of_people(),
    ]


def right_of(items: Items, tolerance: float) -> Numbers:
    """Return whether each verdict is that of people, or within so many points of it."""
    import numpy as np

    if not tolerance:
        return np.asarray(items.judged == items.label)
    return np.asarray(np.abs(items.positions[items.judged] - items.positions[items.label]) <= tolerance)


class _Figures:
    """Makes rows of one report: they share items, resampling and what is said of both."""

    def __init__(self, items: Items, resampling: Resampling, tolerance: float) -> None:
        self.items, self.resampling, self.tolerance = items, resampling, tolerance
        self.both = (items.judged >= 0) & (items.label >= 0)
        self.k = len(items.levels)

    def row(
        self, name: str, statistic: Callable[..., float], arrays: Sequence[Numbers], where: Numbers, **words: str
    ) -> Row:
        """Return a statistic of the items of a mask; `words`: note, and `nan`, why it may be undefined."""
        taken = [array[where] for array in arrays]
        n = int(where.sum())
        if not n:
            return absent(name, words.get("empty") or "no item has all that this needs")
        value = float(statistic(*taken))
        if math.isnan(value):
            return absent(name, words.get("nan") or "undefined for these items", n)
        how = self.resampling
        low, high = bootstrap_interval(
            statistic,
            *taken,
            clusters=self.items.cluster[where],
            paired=True,
            n_resamples=how.n_resamples,
            confidence=how.confidence,
            seed=how.seed,
        )
        notes = [words.get("note", ""), f"few items ({n})" if n < FEW else ""]
        if math.isnan(low):
            notes.append("no interval: undefined when items are drawn anew")
        return Row(name, value, low, high, n, "; ".join(filter(None, notes)))

    def unscored(self) -> Row:
        """Return the share of labelled items of which the judge said nothing."""
        items = self.items
        labelled = items.label >= 0
        silent = (items.judged < 0) & (np_isnan(items.score) if items.score is not None else True)
        ties = int((~labelled).sum())
        notes = [f"{ties} item(s) have no label, or a tie of labels"] if ties else []
        notes += [f"{items.n_beyond} verdict(s) on items without a label"] if items.n_beyond else []
        return self.row("unscored", _mean, [silent.astype(float)], labelled, note="; ".join(notes))

    def of_agreement(self) -> Iterator[Row]:
        """Yield agreement of verdicts with labels."""
        items, k = self.items, self.k
        codes = [items.judged, items.label]
        why = {"empty": items.how or "no item has both a label and a verdict"}
        within = f"within {self.tolerance:g} of the label" if self.tolerance else ""
        note = "; ".join(filter(None, [within, items.how]))
        yield self.row("accuracy", _mean, [right_of(items, self.tolerance).astype(float)], self.both, note=note, **why)
        yield self.of_most_common(why)
        one = {"nan": "one and the same label and verdict for all: nothing to tell apart", **why}
        yield self.row("kappa", _kappa(k, "none", items.positions), codes, self.both, **one)
        for weights in ("linear", "quadratic"):
            name = f"kappa_{weights}"
            if items.has_order:
                yield self.row(name, _kappa(k, weights, items.positions), codes, self.both, **one)
            else:
                yield absent(name, "the labels have no order")
        yield self.row("alpha", _alpha(items), codes, self.both, note=items.level, **one)

    def of_most_common(self, why: dict[str, str]) -> Row:
        """Return the accuracy of whoever says one and the same of all: a judge that is no better adds nothing."""
        import numpy as np

        always = [
            right_of(replace(self.items, judged=np.full_like(self.items.label, one)), self.tolerance)
            for one in range(self.k)
        ]
        best = int(np.argmax([right[self.both].sum() for right in always]))
        note = f"always {self.items.levels[best]!r}"
        return self.row("accuracy_of_most_common", _mean, [always[best].astype(float)], self.both, note=note, **why)

    def of_distance(self) -> Iterator[Row]:
        """Yield how far scores are from labels, in points of the scale, and to which side."""
        items = self.items
        if not (items.has_order and are_numbers(items.levels) and items.score is not None):
            for name in ("mean_absolute_error", "bias"):
                yield absent(name, "the labels are no numbers of a scale")
            return
        where = ~np_isnan(items.score) & (items.label >= 0)
        apart = items.score - items.positions[items.label]
        yield self.row("mean_absolute_error", _mean, [abs(apart)], where, note="points of the scale")
        yield self.row("bias", _mean, [apart], where, note="points of the scale; above 0 the judge is the milder")

    def of_order(self) -> Iterator[Row]:
        """Yield how well scores order the items as labels do."""
        items = self.items
        if items.score is None:
            yield absent("auc", "the judge gave no scores")
            yield absent("spearman", "the judge gave no scores")
            return
        where = ~np_isnan(items.score) & (items.label >= 0)
        if self.k == 2:
            note = f"of {items.levels[1]!r} over {items.levels[0]!r}"
            yield self.row("auc", auc, [items.score, items.label == 1], where, note=note, nan="only one label occurs")
        else:
            yield absent("auc", f"labels are of {self.k} levels, and it takes two")
        if self.k > 2 and not items.has_order:
            yield absent("spearman", "the labels have no order")
        else:
            label = items.positions[items.label]
            constant = "all scores or all labels are the same"
            yield self.row("spearman", spearman, [items.score, label], where, nan=constant)

    def of_calibration(self, bins: int) -> Row:
        """Return the expected calibration error."""
        items, name = self.items, "expected_calibration_error"
        if items.confidence is None:
            return absent(name, "the judge gave no confidence")
        where = self.both & ~np_isnan(items.confidence)
        right = right_of(items, self.tolerance).astype(float)
        chance = error_by_chance(items.confidence[where], bins, self.resampling.seed) if where.any() else 0.0
        note = f"a judge whose confidence is right has {chance:.3f} at this n"

        def error(confidence: Numbers, right: Numbers) -> float:
            return float(error_of(confidence, right, bins))

        return self.row(name, error, [items.confidence, right], where, note=note)

    def of_sensitivity(self) -> Iterator[Row]:
        """Yield what should not sway a judge and may: the order of options, and length."""
        items = self.items
        if items.swapped is None:
            yield absent("changed_by_order", "not asked with the options in another order: no column 'swapped'")
        else:
            where = (items.judged >= 0) & (items.swapped >= 0)
            changed = (items.judged != items.swapped).astype(float)
            yield self.row("changed_by_order", _mean, [changed], where, note="share of verdicts")
        if items.length is None:
            yield absent("length_effect", "the lengths are not known: no column 'length'")
        elif items.score is None:
            yield absent("length_effect", "the judge gave no scores")
        else:
            where = ~np_isnan(items.score) & ~np_isnan(items.length) & (items.label >= 0)
            ordered = items.has_order or self.k <= 2

            def effect(score: Numbers, length: Numbers, label: Numbers) -> float:
                return spearman_given(score, length, label, ordered=ordered)

            given = [items.score, items.length, items.label]
            note, constant = "Spearman of score and length at the same label", "nothing varies beside the label"
            yield self.row("length_effect", effect, given, where, note=note, nan=constant)

    def of_people(self) -> Row:
        """Return how far people agree among themselves: no judge can be held to more."""
        items, name = self.items, "alpha_of_people"
        rated = sum((codes >= 0).astype(int) for codes in items.raters)
        if len(items.raters) < 2 or not (rated >= 2).any():  # type: ignore[union-attr]  # an array
            return absent(name, "one label an item: give those of several raters")

        def alpha(*raters: Numbers) -> float:
            return alpha_of(coincidences_of(raters, self.k), items.level, items.positions)

        several = rated >= 2
        note = f"{len(items.raters)} raters; the ceiling of a judge"
        return self.row(name, alpha, items.raters, several, note=note, nan="all labels are the same")  # type: ignore[arg-type]


def absent(name: str, why: str, n: int = 0) -> Row:
    """Return that there is no such number, and why."""
    return Row(name, math.nan, math.nan, math.nan, n, why)


def np_isnan(numbers: Numbers) -> Numbers:
    """Return which are missing."""
    import numpy as np

    return np.asarray(np.isnan(numbers))


def _mean(values: Numbers) -> float:
    return float(values.mean())


def _kappa(k: int, weights: Any, positions: Numbers) -> Callable[[Numbers, Numbers], float]:
    return lambda judged, label: float(pairs.kappa(joint_of(judged, label, k), weights, positions))


def _alpha(items: Items) -> Callable[[Numbers, Numbers], float]:
    def alpha(judged: Numbers, label: Numbers) -> float:
        joint = joint_of(judged, label, len(items.levels))
        return alpha_of(joint + joint.T, items.level, items.positions)

    return alpha
