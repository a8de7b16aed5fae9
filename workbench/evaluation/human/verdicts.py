"""What is said of a question, in words. Never that both agree because a test found no difference.

- `equivalent`: each interval that counts is within the margin, so that a difference that matters is ruled out.
- `different`: farther apart than humans are among themselves.
- `not told apart yet at this n`: neither is shown.
- `no verdict`: too few people, or nothing that can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.evaluation.human.kinds import Question
from workbench.evaluation.human.margins import Margins
from workbench.evaluation.human.rows import EVERYBODY, Row

EQUIVALENT, DIFFERENT = "equivalent", "different"
NOT_TOLD_APART, NO_VERDICT = "not told apart yet at this n", "no verdict"
CHANCE = "no better than chance"
TYPICAL = "no better than the most common answer"
MODEL = "no better than a logistic regression"
NARROW, WIDE = "spread too small", "spread too large"
FEWEST = 5
"""People on a side below which nothing is said."""
_NAMES = {
    "total_variation": "total variation",
    "wasserstein": "Wasserstein distance",
    "sd_ratio": "SD ratio",
    "rank_distance": "distance of mean ranks",
    "first_choice_variation": "total variation of first choices",
    "cronbach_alpha": "Cronbach's alpha",
    "correlation": "correlation",
}
_DECIDING = {
    "nominal": ("total_variation",),
    "ordinal": ("wasserstein", "sd_ratio"),
    "number": ("wasserstein", "sd_ratio"),
    "ranking": ("rank_distance", "first_choice_variation"),
}


@dataclass(frozen=True)
class Verdict:
    """What is said of one question in one subgroup."""

    question: str
    subgroup: str
    verdict: str
    flags: tuple[str, ...]
    """What else is to be known of it: chance, spread."""
    words: str

    def __str__(self) -> str:
        where = f" ({self.subgroup})" if self.subgroup != EVERYBODY else ""
        return f"{self.question}{where}: {self.verdict}. {self.words}".rstrip()


def verdict_of(question: Question, rows: Sequence[Row], margins: Margins, confidence: float) -> Verdict:
    """Return the verdict on one question.

    Args:
        question: what it is.
        rows: its statistics in one subgroup, without those at the level of persons.
        margins: within which both sides are as good as equal.
        confidence: of the intervals.
    """
    first = rows[0]
    by_name = {row.statistic: row for row in rows if not row.option}
    n = min(first.n_simulated, first.n_human)
    people = f"{first.n_simulated} simulated people, {first.n_human} humans"
    deciding = [by_name[name] for name in _DECIDING[question.kind] if name in by_name]
    deciding = [row for row in deciding if not math.isnan(row.value)]
    if n < FEWEST or not deciding:
        why = first.note if not deciding else f"fewer than {FEWEST} on a side"
        return Verdict(first.question, first.subgroup, NO_VERDICT, (), f"{people}: {why}.")
    human_sd = by_name["sd"].human if "sd" in by_name else math.nan
    limits = {row.statistic: (0.0, margins.of(question, human_sd, row.statistic)) for row in deciding}
    limits["sd_ratio"] = margins.spread
    alike = all(_inside(row, limits[row.statistic], n) for row in deciding) and _same_mean(by_name, confidence)
    if alike and not _near_chance(deciding[0]):
        words = _sentence("; ".join(_held(row, limits[row.statistic]) for row in deciding))
        return Verdict(first.question, first.subgroup, EQUIVALENT, (), f"{words}.")
    beyond = [row for row in deciding if _beyond(row, n)]
    flags = tuple(_flags(deciding, beyond))
    label = DIFFERENT if beyond else NOT_TOLD_APART
    words = ". ".join(_apart(row) for row in beyond) if beyond else f"{_undecided(deciding, limits)} ({people})"
    return Verdict(first.question, first.subgroup, label, flags, ". ".join([words, *_said(flags, deciding)]) + ".")


def _same_mean(by_name: Mapping[str, Row], confidence: float) -> bool:
    """Return whether the means are shown to be within the margin, where there are means that have a spread."""
    tested = by_name.get("equivalence_p")
    return tested is None or math.isnan(tested.value) or tested.value < 1 - confidence


def _inside(row: Row, limits: tuple[float, float], n: int) -> bool:
    low, high = row.inner_low, row.inner_high
    if low == high:
        # Resamples of people who all say the same never differ. Rule of three: what none of n does, up to 3 / n may do
        # (Hanley and Lippman-Hand 1983, doi:10.1001/jama.1983.03330370053031).
        high += 3 / n
    return limits[0] <= low and high <= limits[1]


def _near_chance(row: Row) -> bool:
    """Return whether answers at random might be as near, though humans among themselves are nearer than those.

    Where humans themselves answer almost at random, that is no fault.
    """
    return row.over_uniform >= 0 and row.uniform > row.ceiling_high


def _beyond(row: Row, n: int) -> bool:
    """Return whether both sides are farther apart than humans are among themselves."""
    low, high = row.ceiling_low, row.ceiling_high
    if row.statistic == "sd_ratio":
        # Spreads vary much between samples with a long tail: either band alone would be too narrow.
        return not low <= row.value <= high and not row.ci_low <= 1 <= row.ci_high
    return row.value > (high if high > low else high + 3 / n)


def _flags(deciding: Sequence[Row], beyond: Sequence[Row]) -> list[str]:
    first, flags = deciding[0], []
    if first.statistic != "sd_ratio" and first in beyond:
        flags += [name for name, over in ((CHANCE, first.over_uniform), (TYPICAL, first.over_most_common)) if over >= 0]
    for row in beyond:
        if row.statistic == "sd_ratio" and (row.ci_high < 1 or row.ci_low > 1):
            flags.append(NARROW if row.value < 1 else WIDE)
    return flags


def _said(flags: Sequence[str], deciding: Sequence[Row]) -> list[str]:
    first, ratio = deciding[0], next((row for row in deciding if row.statistic == "sd_ratio"), deciding[0])
    spread = f"the SD is {ratio.value:.2f} of the humans' ({ratio.ci_low:.2f} to {ratio.ci_high:.2f})"
    why = {
        CHANCE: f"answers at random are {first.uniform:.3f} away",
        TYPICAL: f"if all gave it, they would be {first.most_common:.3f} away",
        NARROW: spread,
        WIDE: spread,
    }
    shown = {CHANCE: ", as far as is shown", TYPICAL: ", as far as is shown"}
    return [f"{_sentence(flag)}{shown.get(flag, '')}: {why[flag]}" for flag in flags]


def _held(row: Row, limits: tuple[float, float]) -> str:
    if row.statistic == "sd_ratio":
        return f"{_between(row)} within {limits[0]:g} to {limits[1]:g}"
    return f"{_NAMES[row.statistic]} {row.value:.3f}, at most {row.inner_high:.3f}; margin {limits[1]:.3g}"


def _apart(row: Row) -> str:
    if row.statistic == "sd_ratio":
        return f"{_between(row, 'ci')}; humans among themselves {row.ceiling_low:.2f} to {row.ceiling_high:.2f}"
    reach = f"humans among themselves reach {row.ceiling_high:.3f}"
    return f"{_sentence(_NAMES[row.statistic])} {row.value:.3f} ({row.ci_low:.3f} to {row.ci_high:.3f}); {reach}"


def _undecided(deciding: Sequence[Row], limits: Mapping[str, tuple[float, float]]) -> str:
    parts, first = [], deciding[0]
    for row in deciding:
        low, high = limits[row.statistic]
        within = f"{low:g} to {high:g}" if row.statistic == "sd_ratio" else f"at most {high:.3g}"
        parts.append(f"{_between(row, digits=3)}, wanted {within}")
    chance = "; nor shown to be nearer than answers at random" if first.over_uniform >= 0 else ""
    return f"Neither shown to be alike nor farther apart than humans among themselves: {'; '.join(parts)}{chance}"


def _between(row: Row, ends: str = "inner", digits: int = 2) -> str:
    low, high = (row.ci_low, row.ci_high) if ends == "ci" else (row.inner_low, row.inner_high)
    return f"{_NAMES[row.statistic]} {row.value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def with_persons(verdict: Verdict, rows: Sequence[Row]) -> Verdict:
    """Return a verdict that also says how often the simulation gives the person's own answer.

    Args:
        verdict: on the distributions.
        rows: at the level of persons.
    """
    row = rows[0]
    error = row.statistic == "mean_absolute_error"
    held = {
        "at random": row.uniform,
        "the most common answer": row.most_common,
        "a logistic regression": row.logistic_regression,
        "the persons again": (row.ceiling_low + row.ceiling_high) / 2,
    }
    beside = ", ".join(f"{name} {_amount(value, error)}" for name, value in held.items() if not math.isnan(value))
    what = "off by" if error else "right in"
    interval = f" ({_amount(row.ci_low, error)} to {_amount(row.ci_high, error)})" if row.ci_low == row.ci_low else ""
    words = f"Person by person ({row.n_human}) {what} {_amount(row.value, error)}{interval}; {beside}"
    flags = [
        flag
        for flag, floor in ((CHANCE, row.uniform), (TYPICAL, row.most_common), (MODEL, row.logistic_regression))
        if _no_better(row, floor, error)
    ]
    own = tuple(f"persons: {flag}" for flag in flags)
    floors = " or ".join(flag.removeprefix("no better than ") for flag in flags)
    said = f". Not shown to be better than {floors}" if flags else ""
    return Verdict(
        verdict.question, verdict.subgroup, verdict.verdict, verdict.flags + own, f"{verdict.words} {words}{said}."
    )


def _no_better(row: Row, floor: float, error: bool) -> bool:
    """Return whether it is not shown that persons are met better than by a floor."""
    return row.ci_high >= floor if error else row.ci_low <= floor


def _amount(value: float, error: bool) -> str:
    return f"{value:.2f}" if error else f"{value:.0%}"


def verdict_on_scale(row: Row) -> Verdict:
    """Return the verdict on a scale: whether its figure is where that of humans in place of the simulated would be."""
    name = _NAMES[row.statistic] + (f" with {row.option}" if row.option else "")
    people = f"{row.n_simulated} simulated people, {row.n_human} humans"
    if min(row.n_simulated, row.n_human) < FEWEST or math.isnan(row.value) or math.isnan(row.human):
        return Verdict(row.question, row.subgroup, NO_VERDICT, (), f"{name}: {people}. {row.note}".rstrip())
    label = NOT_TOLD_APART if row.ceiling_low <= row.value <= row.ceiling_high else DIFFERENT
    among = f"humans {row.human:.2f}, among themselves {row.ceiling_low:.2f} to {row.ceiling_high:.2f}"
    interval = f"{row.value:.2f} ({row.ci_low:.2f} to {row.ci_high:.2f})"
    return Verdict(row.question, row.subgroup, label, (), f"{_sentence(name)} {interval}; {among}.")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
