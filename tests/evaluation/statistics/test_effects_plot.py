"""The figure of effect sizes: a row a metric and pair, filled where the p that counts is low."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from workbench import plots


def line(effect: str, test: str, p: float, **more: Any) -> dict[str, Any]:
    size = {"metric": "fluency", "a": True, "b": False, "effect_size": 0.5, "ci_low": 0.1, "ci_high": 0.9}
    return size | {"effect": effect, "test": test, "p_holm": p} | more


def filled(ax: Any) -> list[bool]:
    return [bool(len(one.get_facecolor())) for one in ax.collections if len(one.get_offsets()) and len(one.get_sizes())]


def test_the_first_effect_of_a_pair_is_drawn() -> None:
    rows = [line("cliffs_delta", "mann_whitney", 0.2), line("hedges_g", "welch", 0.01)]
    ax = plots.effects(pd.DataFrame(rows))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["fluency: True − False"]
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["Hedges' g"]
    assert filled(ax) == [True]


def test_the_permutations_p_counts_where_it_is_there() -> None:
    rows = [line("hedges_g", "welch", 0.01), line("mean_difference", "permutation", 0.3)]
    assert filled(plots.effects(pd.DataFrame(rows))) == [False]


@pytest.mark.filterwarnings("error")
def test_what_is_not_defined_is_a_cross_and_nothing_is_an_empty_figure() -> None:
    nan = float("nan")
    row = line("hedges_g", "welch", nan, effect_size=nan, ci_low=nan, ci_high=nan)
    assert "x: not defined" in plots.effects(pd.DataFrame([row])).get_xlabel()
    omnibus = pd.DataFrame([row | {"a": None, "b": None}])
    assert plots.effects(omnibus).get_yticklabels() == []
    assert len(plots.png(plots.effects(omnibus).figure)) > 1000  # type: ignore[arg-type]
