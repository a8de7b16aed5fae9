"""How long turns are, in characters and words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbench.evaluation.metrics.rows import NOBODY_TALKED, Row, StepRow, mean_row, median_row, sd_row
from workbench.evaluation.metrics.turns import Turn, by_person, by_step


def length_rows(people: Sequence[str], turns: Sequence[Turn]) -> Iterator[Row]:
    """Yield mean, standard deviation (n - 1) and median of the characters and words of a turn.

    Of a script that puts no space between words, two characters count as a word.
    """
    for name, own in by_person(people, turns):
        missing = "never talked" if turns else NOBODY_TALKED
        for unit, values in (
            ("characters", [turn.n_characters for turn in own]),
            ("words", [turn.n_words for turn in own]),
        ):
            yield mean_row(f"{unit}_mean", name, values, missing)
            yield sd_row(f"{unit}_sd", name, values, missing)
            yield median_row(f"{unit}_median", name, values, missing)


def length_steps(n_steps: int, turns: Sequence[Turn]) -> Iterator[StepRow]:
    """Yield the mean words of a turn in each step."""
    for step, own in by_step(n_steps, turns):
        row = mean_row("words_mean", "", [turn.n_words for turn in own], NOBODY_TALKED)
        yield StepRow(step, row.metric, row.value, row.n, row.note)
