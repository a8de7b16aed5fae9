"""What people answered, as shares."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from workbench import plots
from workbench.errors import InvalidSettings
from workbench.evaluation.surveys.shares import shares


def answers(kind: str, *given: Any, order: Any = ("a", "b", "c"), weights: Any = None) -> pd.DataFrame:
    table = pd.DataFrame({"question": "q1", "kind": kind, "order": [list(order)] * len(given)})
    heavy = weights or [1.0] * len(given)
    return table.assign(answer=pd.Series(list(given), dtype=object), weight=heavy)


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        (answers("Choice", "a", "b", "b", None), [("b", 2 / 3, 2), ("a", 1 / 3, 1), ("c", 0, 0)]),
        (answers("Choice", "a", "b", weights=[3.0, 1.0]), [("a", 0.75, 1), ("b", 0.25, 1), ("c", 0, 0)]),
        (answers("MultiChoice", ["a", "b"], [], ["b"]), [("b", 2 / 3, 2), ("a", 1 / 3, 1), ("c", 0, 0)]),
        (answers("Ranking", ["c", "a", "b"], ["c", "b", "a"]), [("c", 1, 2), ("a", 0, 0), ("b", 0, 0)]),
        (answers("Likert", 3, 1, 3, order=[3, 2, 1]), [("1", 1 / 3, 1), ("2", 0, 0), ("3", 2 / 3, 2)]),
        (answers("Matrix", 2, 4), [("2", 0.5, 1), ("3", 0, 0), ("4", 0.5, 1)]),
        (answers("FreeText", "x"), []),
        (answers("Choice", None), []),
    ],
)
def test_shares_are_of_those_who_answered(table: pd.DataFrame, wanted: list[Any]) -> None:
    found = shares(table)
    assert [row[1:4] for row in found.itertuples(index=False, name=None)] == [
        (option, pytest.approx(share), n) for option, share, n in wanted
    ]
    assert (found["missing"] == table["answer"].isna().sum()).all()


def test_another_table_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="answer, kind, order, question, weight is missing"):
        shares(pd.DataFrame({"x": [1]}))


def test_shares_are_drawn_a_chart_a_question() -> None:
    both = pd.concat(
        [answers("Choice", "a", "b"), answers("Likert", 1, 5, order=[1, 2, 3, 4, 5]).assign(question="q2")]
    )
    assert len(plots.answers(shares(both)).axes) == 2
    with pytest.raises(InvalidSettings, match="no answers to draw"):
        plots.answers(shares(answers("FreeText", "x")))
