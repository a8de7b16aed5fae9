"""A row of the report's table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NAN = math.nan
EVERYBODY = "all"
"""The subgroup of all."""


@dataclass(frozen=True)
class Row:
    """One statistic of one question in one subgroup, and what it is held against."""

    question: str
    kind: str
    statistic: str
    option: str = ""
    """That the statistic is about, where it is about one: a share, a mean rank; the other scale of a correlation."""
    value: float = NAN
    ci_low: float = NAN
    ci_high: float = NAN
    human: float = NAN
    """The same of the humans, where it is a figure of one side: a share, a mean, an alpha."""
    uniform: float = NAN
    """What answers at random would give."""
    most_common: float = NAN
    """What it would give if everybody gave the humans' most common answer."""
    logistic_regression: float = NAN
    """What a logistic regression on attributes of people would give, cross-validated."""
    ceiling_low: float = NAN
    ceiling_high: float = NAN
    """Where humans held against themselves are, as many as were simulated; at the level of persons, their retest."""
    split_half: float = NAN
    """The median of halves of the humans against each other."""
    n_simulated: int = 0
    n_human: int = 0
    subgroup: str = EVERYBODY
    note: str = ""
    inner_low: float = NAN
    inner_high: float = NAN
    """The interval that has to be within the margin for equivalence; not in the table."""
    over_uniform: float = NAN
    """How much farther than answers at random it may be, at most; not in the table."""
    over_most_common: float = NAN
    """The same of the most common answer."""


COLUMNS = tuple(field.name for field in fields(Row) if not field.name.startswith(("inner", "over")))
"""Of the table."""


def table_of(rows: Iterable[Row]) -> pd.DataFrame:
    """Return rows as a table."""
    import pandas as pd

    return pd.DataFrame([[getattr(row, name) for name in COLUMNS] for row in rows], columns=list(COLUMNS))
