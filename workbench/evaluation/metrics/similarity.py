"""How alike turns of one person, and of two people, are; over the run and step by step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from workbench.evaluation.metrics.rows import NOBODY_TALKED, Row, StepRow
from workbench.evaluation.metrics.turns import Turn

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]


def similarity_rows(people: Sequence[str], turns: Sequence[Turn], vectors: Any, way: str) -> Iterator[Row]:
    """Yield the mean cosine of pairs of turns within people and between people.

    Of the run, over all pairs of turns of one person, and over all pairs of turns of two people (homogeneity, as
    Padmakumar & He 2024 measure it over texts of different writers, arXiv 2309.05196). Of a person, over pairs of their
    own turns, and over pairs of one of theirs and one of somebody else's. The means of all pairs come from sums of
    vectors: sum over i<j of v_i v_j = (|sum v|^2 - sum |v|^2) / 2.

    Args:
        people: in their order.
        turns: of all of them.
        vectors: of length 1, a row a turn; dense or sparse.
        way: `words` or `meaning`.
    """
    import numpy as np

    place = {name: number for number, name in enumerate(people)}
    who = np.array([place[turn.person] for turn in turns], dtype=np.intp)
    n = np.bincount(who, minlength=len(people)).astype(float)
    sums, squares = _sums(vectors, who, len(people)), _sum_of_squares(vectors, who, len(people))
    inner = (_squares(sums) - squares) / 2
    inner_pairs = n * (n - 1) / 2
    whole = _sums(sums, np.zeros(len(people), dtype=np.intp), 1)
    cross = _dots(sums, whole) - _squares(sums)
    cross_pairs = n * (len(turns) - n)
    within, between = f"similarity_within_{way}", f"similarity_between_{way}"
    few = "nobody has two turns" if turns else NOBODY_TALKED
    alone = "fewer than two people talked" if turns else NOBODY_TALKED
    yield _row(within, "", inner.sum(), inner_pairs.sum(), few)
    yield _row(between, "", cross.sum() / 2, cross_pairs.sum() / 2, alone)
    for number, name in enumerate(people):
        missing = "never talked" if turns and not n[number] else ""
        yield _row(within, name, inner[number], inner_pairs[number], missing or few.replace("nobody has", "has not"))
        yield _row(between, name, cross[number], cross_pairs[number], missing or alone)


def similarity_steps(n_steps: int, turns: Sequence[Turn], vectors: Any, way: str) -> Iterator[StepRow]:
    """Yield the mean cosine of all pairs of turns of two people in the same step, for each step."""
    import numpy as np

    cells = {cell: number for number, cell in enumerate(dict.fromkeys((turn.step, turn.person) for turn in turns))}
    cell = np.array([cells[turn.step, turn.person] for turn in turns], dtype=np.intp)
    step_of = np.array([step for step, _ in cells], dtype=np.intp)
    sums = _sums(vectors, cell, len(cells))
    n = np.bincount(cell, minlength=len(cells)).astype(float)
    apart = _squares(_sums(sums, step_of, n_steps + 1)) - np.bincount(step_of, _squares(sums), n_steps + 1)
    pairs = np.bincount(step_of, n, n_steps + 1) ** 2 - np.bincount(step_of, n**2, n_steps + 1)
    talked = np.bincount(step_of, minlength=n_steps + 1)
    for step in range(1, n_steps + 1):
        missing = "one person talked" if talked[step] else NOBODY_TALKED
        row = _row(f"similarity_between_{way}", "", apart[step] / 2, pairs[step] / 2, missing)
        yield StepRow(step, row.metric, row.value, row.n, row.note)


def _row(metric: str, person: str, total: float, pairs: float, missing: str) -> Row:
    if not pairs:
        return Row(metric, person, math.nan, 0, missing)
    return Row(metric, person, min(max(float(total / pairs), -1.0), 1.0), round(pairs))


def _sums(vectors: Any, groups: Numbers, n_groups: int) -> Any:
    """Return the sum of the vectors of each group, a row a group."""
    import numpy as np
    from scipy.sparse import csr_array

    ones = np.ones(len(groups))
    return csr_array((ones, (groups, np.arange(len(groups)))), shape=(n_groups, len(groups))) @ vectors


def _squares(vectors: Any) -> Numbers:
    """Return the squared length of each row."""
    import numpy as np

    return np.asarray((vectors * vectors).sum(axis=1)).ravel()


def _sum_of_squares(vectors: Any, groups: Numbers, n_groups: int) -> Numbers:
    import numpy as np

    return np.bincount(groups, _squares(vectors), n_groups)


def _dots(vectors: Any, one: Any) -> Numbers:
    """Return the product of each row with one vector."""
    import numpy as np

    product = vectors @ one.T
    return np.asarray(product.toarray() if hasattr(product, "toarray") else product).ravel()
