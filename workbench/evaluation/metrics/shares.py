"""Who talks how much, and how unequal that is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from workbench.errors import InvalidSettings
from workbench.evaluation.metrics.rows import NOBODY_TALKED, Row
from workbench.evaluation.metrics.turns import Turn, by_person


def gini(values: Sequence[float]) -> float:
    """Return the Gini coefficient: 0 where all have the same, (n - 1) / n where one has everything.

    With values x in rising order, sum((2i - n - 1) x_i) / (n sum(x)), i from 1: half the mean difference of two people,
    as a share of the mean (Gini 1912, Variabilita e mutabilita; the formula as in Sen 1973, On Economic Inequality).

    Args:
        values: none negative.

    Returns:
        NaN where there are none, or all are 0.

    Raises:
        InvalidSettings: a value that is negative or no number.

    >>> gini([1, 1, 1]), gini([0, 0, 0, 1])
    (0.0, 0.75)
    """
    if odd := [value for value in values if not 0 <= value < math.inf]:
        raise InvalidSettings(f"{odd[0]!r} is no amount: the Gini coefficient is of numbers from 0")
    largest = max(values, default=0)
    if not largest:
        return math.nan
    ordered = sorted(value / largest for value in values)  # the largest numbers would have no finite sum
    n = len(ordered)
    above = math.fsum((2 * place - n - 1) * value for place, value in enumerate(ordered, start=1))
    return min(max(above / (n * math.fsum(ordered)), 0.0), 1.0)


def share_rows(people: Sequence[str], turns: Sequence[Turn]) -> Iterator[Row]:
    """Yield turns and talk share of each person, and the Gini coefficient of both."""
    counts = {name: len(own) for name, own in by_person(people, turns)}
    said = {name: sum(turn.n_characters for turn in own) for name, own in by_person(people, turns)}
    total = said[""]
    for name, count in counts.items():
        yield Row("turns", name, count, len(turns))
    for name in people:
        share = said[name] / total if total else math.nan
        yield Row("talk_share", name, share, counts[name], "" if total else NOBODY_TALKED)
    note = "" if total else NOBODY_TALKED
    for metric, values in (("turns_gini", counts), ("talk_share_gini", said)):
        amounts = [values[name] for name in people]
        alone = "one person has everything and nobody to share with" if total and len(people) == 1 else note
        yield Row(metric, "", gini(amounts), len(people), alone)
