"""The two tables of a quality report, read into arrays: what people said of each item, and what the judge said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.evaluation.judge_quality.agreement import Level
from workbench.evaluation.judge_quality.levels import (
    are_numbers,
    codes_of,
    is_missing,
    levels_of,
    named,
    positions_of,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Items:
    """What was said of each labelled item. Codes are places among the levels; -1 and NaN: nothing was said."""

    levels: tuple[Any, ...]
    positions: Numbers
    level: Level
    raters: list[Numbers]
    """What each person said, as codes."""
    label: Numbers
    """What people said together, as codes."""
    judged: Numbers
    """What the judge said, as codes."""
    swapped: Numbers | None
    """The same with the options in another order."""
    score: Numbers | None
    confidence: Numbers | None
    length: Numbers | None
    cluster: Numbers
    how: str
    """How scores became verdicts, where they did; or why they did not."""
    n_beyond: int
    """Verdicts on items that have no label."""

    @property
    def has_order(self) -> bool:
        """Whether the levels are more than names."""
        return self.level != "nominal"


@dataclass(frozen=True)
class Scale:
    """How labels and scores are to be read."""

    levels: Sequence[object] | None = None
    level: Level | None = None
    threshold: float | None = None


def items_of(verdicts: pd.DataFrame, labelled: pd.DataFrame, scale: Scale) -> Items:
    """Read the tables of a judge and of people.

    Raises:
        InvalidSettings: tables that do not fit together; the message names both sides.
    """
    import numpy as np

    people, judge = _by_item(labelled, "labelled"), _by_item(verdicts, "verdicts")
    _check(people, judge)
    order = list(dict.fromkeys(people.index))
    n_beyond = int((~judge.index.isin(order)).sum())
    judge = judge.reindex(order)
    levels = _levels(people, judge, scale)
    level = _level(levels, scale)
    raters = _raters(people, order, levels)
    label = np.array([_together(codes, level) for codes in zip(*raters, strict=True)], dtype=np.intp)
    score = _numbers(judge, "score")
    read = _Verdicts(levels, level, scale.threshold)
    judged, how = read.codes(judge.get("verdict"), score)
    if score is None and (are_numbers(levels) or len(levels) == 2):
        score = np.where(judged >= 0, positions_of(levels)[judged], np.nan)
    first = people[~people.index.duplicated()].reindex(order)
    length = _numbers(judge, "length") if "length" in judge else _numbers(first, "length")
    return Items(
        levels=levels,
        positions=positions_of(levels),
        level=level,
        raters=raters,
        label=label,
        judged=judged,
        swapped=_swapped(judge, read),
        score=score,
        confidence=_numbers(judge, "confidence"),
        length=length,
        cluster=first["cluster"].to_numpy() if "cluster" in first else np.arange(len(order)),
        how=how,
        n_beyond=n_beyond,
    )


@dataclass(frozen=True)
class _Verdicts:
    """How what a judge says becomes a level of the people's scale."""

    levels: tuple[Any, ...]
    level: Level
    threshold: float | None

    def codes(self, said: Any, score: Numbers | None) -> tuple[Numbers, str]:
        """Return what was said as codes, and how scores were read."""
        import numpy as np

        if said is not None and not said.map(is_missing).all():
            return codes_of(said, self.levels), ""
        if score is None:
            return np.full(len(said), -1), ""
        there = ~np.isnan(score)
        if self.threshold is not None:
            if len(self.levels) != 2:
                raise InvalidSettings(
                    f"a threshold makes two levels, and labels are {named(self.levels)}: give both as `levels`"
                )
            codes, how = (
                (score >= self.threshold).astype(np.intp),
                f"scores from {self.threshold:g} on are {self.levels[1]!r}",
            )
        elif set(score[there]) <= set(self.levels):
            codes, how = np.array([self.levels.index(one) if one == one else -1 for one in score]), ""
        elif are_numbers(self.levels) and len(self.levels) > 2:
            positions = positions_of(self.levels)
            codes = np.abs(np.where(there, score, 0)[:, None] - positions).argmin(axis=1)
            how = "scores count as the nearest level"
        else:
            how = f"scores are on another scale than the labels ({named(self.levels)}): give a threshold"
            return np.full(len(score), -1), how
        return np.where(there, codes, -1), how


def _swapped(judge: pd.DataFrame, read: _Verdicts) -> Numbers | None:
    """Return what the judge said with the options in another order: verdicts where it gave such, else scores."""
    if "swapped" not in judge:
        return None
    if "verdict" in judge and not judge["verdict"].map(is_missing).all():
        return read.codes(judge["swapped"], None)[0]
    return read.codes(None, _numbers(judge, "swapped"))[0]


def _check(people: pd.DataFrame, judge: pd.DataFrame) -> None:
    if "label" not in people:
        raise InvalidSettings(f"labelled needs a column 'label': it has {named(people.columns)}")
    if "verdict" not in judge and "score" not in judge:
        raise InvalidSettings(f"verdicts needs a column 'verdict' or 'score': it has {named(judge.columns)}")
    if judge.index.has_duplicates:
        twice = judge.index[judge.index.duplicated()].unique()
        raise InvalidSettings(f"verdicts has more than one row for item {named(twice)}: give one verdict an item")
    if people["label"].map(is_missing).all():
        raise InvalidSettings("labelled has no label: there is nothing to hold the judge against")
    if not judge.index.isin(people.index).any():
        items = f"{named(judge.index)}) is one of labelled ({named(people.index.unique())}"
        raise InvalidSettings(f"no item of verdicts ({items})")


def _level(levels: tuple[Any, ...], scale: Scale) -> Level:
    """Return the level of measurement: as given, or that of numbers or of names."""
    if scale.level == "interval" and not are_numbers(levels):
        raise InvalidSettings(f"level='interval' needs numbers, and labels are {named(levels)}")
    if scale.level == "ordinal" and scale.levels is None and not are_numbers(levels):
        raise InvalidSettings(f"level='ordinal': give the order of {named(levels)} as `levels`")
    return scale.level or ("ordinal" if are_numbers(levels) and len(levels) > 2 else "nominal")


def _by_item(table: pd.DataFrame, name: str) -> pd.DataFrame:
    if not len(table):
        raise InvalidSettings(f"{name} has no rows")
    return table.set_index("item") if "item" in table else table


def _levels(people: pd.DataFrame, judge: pd.DataFrame, scale: Scale) -> tuple[Any, ...]:
    """Return all that can be said: as given, or all that people or the judge did say."""
    if scale.levels is not None:
        return levels_of(scale.levels, in_order=not are_numbers(list(scale.levels)))
    labels = levels_of(people["label"])
    said = levels_of([*judge.get("verdict", ()), *(judge.get("swapped", ()) if "verdict" in judge else ())])
    if not said and are_numbers(labels) and "score" in judge and scale.threshold is None:
        scores = levels_of(judge["score"])
        if len(labels) > 2 and are_numbers(scores) and all(float(one).is_integer() for one in [*labels, *scores]):
            ends = [int(one) for one in (*labels, *scores)]
            return tuple(range(min(ends), max(ends) + 1))
    if said and not set(said) & set(labels):
        raise InvalidSettings(f"no verdict ({named(said)}) is one of the labels ({named(labels)}): write both alike")
    return levels_of([*labels, *said])


def _raters(people: pd.DataFrame, order: list[Any], levels: tuple[Any, ...]) -> list[Numbers]:
    """Return the codes of each person, in the order of the items."""
    import numpy as np

    frame = people.assign(code=codes_of(people["label"], levels))
    if "rater" not in frame:
        # Several labels of one item are those of several people, of whom nothing is known.
        frame = frame.assign(rater=frame.groupby(level=0, sort=False).cumcount())
    raters = []
    for name, rows in frame.groupby("rater", sort=False):
        if rows.index.has_duplicates:
            twice = rows.index[rows.index.duplicated()].unique()
            raise InvalidSettings(f"labelled has item {named(twice)} more than once for rater {name!r}")
        raters.append(rows["code"].reindex(order, fill_value=-1).to_numpy().astype(np.intp))
    return raters


def _together(codes: Sequence[int], level: Level) -> int:
    """Return what people said together: the middle where there is an order, else what most said; -1 at a tie."""
    given = [int(code) for code in codes if code >= 0]
    if not given:
        return -1
    if level != "nominal":
        return median_low(given)
    counts = {code: given.count(code) for code in given}
    most = [code for code, count in counts.items() if count == max(counts.values())]
    return most[0] if len(most) == 1 else -1


def _numbers(table: pd.DataFrame, column: str) -> Numbers | None:
    import numpy as np

    if column not in table:
        return None
    values = [np.nan if is_missing(value) else value for value in table[column]]
    try:
        numbers = np.array(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InvalidSettings(f"column {column!r} needs numbers: {error}") from error
    if np.isinf(numbers).any():
        raise InvalidSettings(f"column {column!r} has an infinite number: write NaN where there is none")
    return numbers
