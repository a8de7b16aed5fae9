"""Conditions out of a table, all tests in one table, and the checks of what they take for granted."""

from __future__ import annotations

import math
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.errors import InvalidSettings
from workbench.evaluation.statistics import effects
from workbench.evaluation.statistics.assumptions import assumptions
from workbench.evaluation.statistics.bootstrap import bootstrap_interval
from workbench.evaluation.statistics.clusters import components, icc
from workbench.evaluation.statistics.comparing import COLUMNS, compare
from workbench.evaluation.statistics.holm import holm

FAST: Any = {"n_resamples": 60, "n_permutations": 200}


def study(seed: int = 0, n: int = 126) -> pd.DataFrame:
    """Return answers in three conditions, of sessions that each have one condition."""
    rng = np.random.default_rng(seed)
    session = np.arange(n) // 6
    condition = session % 3
    return pd.DataFrame(
        {
            "condition": np.array(["none", "some", "all"])[condition],
            "session": session,
            "person": np.arange(n) // 2,
            "score": rng.normal(5, 1, n) + 0.5 * condition + rng.normal(0, 0.5, session.max() + 1)[session],
            "vote": rng.choice(["x", "y", "z"], n),
            "bought": rng.random(n) < 0.3 + 0.2 * condition,
        }
    )


def row(result: pd.DataFrame, **wanted: Any) -> Any:
    found = result
    for name, value in wanted.items():
        found = found[found[name] == value]
    assert len(found) == 1
    return found.iloc[0]


# -- the table ---------------------------------------------------------------------------------------------


def test_there_is_a_row_a_metric_test_and_pair() -> None:
    result = compare(study(), ["score", "vote"], "condition", session="session", **FAST)
    assert tuple(result.columns) == COLUMNS
    pairs = ["welch", "mann_whitney", "kolmogorov_smirnov", "permutation", "mixed_model"]
    omnibus = ["anova", "kruskal_wallis", "permutation", "mixed_model"]
    score = result[result["metric"] == "score"]
    assert score["test"].tolist() == omnibus + 3 * pairs
    assert result.loc[result["metric"] == "vote", "test"].tolist() == 4 * ["chi_square", "permutation"]
    assert list(zip(score["a"], score["b"], strict=True))[4::5] == [("all", "none"), ("all", "some"), ("none", "some")]
    assert score.loc[:3, "a"].tolist() == [None] * 4


def test_all_others_are_compared_with_the_control() -> None:
    result = compare(study(), "score", "condition", control="none", tests="welch")
    assert list(zip(result["a"], result["b"], strict=True)) == [("all", "none"), ("some", "none")]
    means = study().groupby("condition")["score"].mean()
    assert result["difference"].tolist() == pytest.approx([means["all"] - means["none"], means["some"] - means["none"]])


def test_the_control_may_name_its_columns() -> None:
    table = pd.DataFrame({"correction": [True, False] * 6, "model": list("ab") * 3 + list("ba") * 3, "y": range(12)})
    one = compare(table, "y", control={"correction": False}, tests="welch")
    assert one[["a", "b"]].to_numpy().tolist() == [[True, False]]
    two = compare(table, "y", control={"correction": False, "model": "b"}, tests="welch")
    assert set(two["b"]) == {"correction=False, model=b"}
    assert len(two) == 3


def test_conditions_keep_the_order_of_a_categorical_column() -> None:
    table = study().assign(condition=lambda one: pd.Categorical(one["condition"], ["none", "some", "all", "unseen"]))
    result = compare(table, "score", "condition", tests="welch")
    assert result["a"].tolist() == ["none", "none", "some"]


def test_numbers_are_those_of_the_tests_alone() -> None:
    table = study()
    a, b = (table.loc[table["condition"] == one, "score"].to_numpy() for one in ("some", "none"))
    result = compare(table, "score", "condition", control="none", n_resamples=200, n_permutations=50)
    welch = row(result, test="welch", a="some")
    theirs = stats.ttest_ind(a, b, equal_var=False)
    assert (welch["statistic"], welch["p"]) == pytest.approx((theirs.statistic, theirs.pvalue), abs=1e-9)
    assert welch["effect_size"] == pytest.approx(effects.hedges_g(a, b), abs=1e-9)
    interval = bootstrap_interval(effects.hedges_g, a, b, n_resamples=200)
    assert (welch["ci_low"], welch["ci_high"]) == pytest.approx(interval, abs=1e-9)
    assert (welch["n"], welch["n_a"], welch["n_b"]) == (84, 42, 42)


def test_holm_is_over_metrics_and_pairs_of_one_test() -> None:
    table = study().assign(other=lambda one: -one["score"] + np.arange(len(one)) % 5)
    result = compare(table, ["score", "other"], "condition", **FAST)
    welch = result[result["test"] == "welch"]
    assert len(welch) == 6
    assert welch["p_holm"].tolist() == pytest.approx(holm(welch["p"].to_numpy()).tolist(), abs=1e-12)
    anova = result[result["test"] == "anova"]
    assert anova["p_holm"].tolist() == pytest.approx(holm(anova["p"].to_numpy()).tolist(), abs=1e-12)


def test_a_boolean_has_the_share_of_true_as_its_mean() -> None:
    result = compare(study(), "bought", "condition", control="none", tests="chi_square", **FAST)
    shares = study().groupby("condition")["bought"].mean()
    assert row(result, a="all")["mean_a"] == pytest.approx(shares["all"])
    always = compare(pd.DataFrame({"c": [1, 2] * 3, "y": [True] * 6}), "y", "c", tests="chi_square", **FAST).iloc[0]
    assert (always["mean_a"], always["difference"], math.isnan(always["p"])) == (1, 0, True)
    assert "all values are of one category" in always["note"]


def test_codes_are_categories_where_they_are_said_to_be() -> None:
    table = study().assign(code=lambda one: one["vote"].map({"x": 1, "y": 2, "z": 3}))
    coded = compare(table, "code", "condition", nominal="code", tests="chi_square", **FAST)
    named = compare(table, "vote", "condition", tests="chi_square", **FAST)
    assert coded["statistic"].tolist() == pytest.approx(named["statistic"].tolist(), abs=1e-9)


def test_missing_values_are_left_out_and_counted() -> None:
    table = study()
    table.loc[[0, 6, 12], "score"] = None
    table.loc[[1], "condition"] = None
    result = compare(table, "score", "condition", control="none", tests=["welch", "anova"], **FAST)
    assert row(result, test="anova")["n"] == 122
    welch = row(result, test="welch", a="some")
    assert (welch["n_a"], welch["n_b"]) == (41, 40)
    assert welch["note"] == "2 missing values left out; 1 rows without a condition left out"


def test_tests_of_rows_say_so_where_rows_are_in_clusters() -> None:
    result = compare(study(), "score", "condition", control="none", session="session", **FAST)
    assert "takes rows as independent" in row(result, test="welch", a="some")["note"]
    assert "takes rows as independent" not in row(result, test="permutation", a="some")["note"]
    assert "only 7 clusters a condition" in row(result, test="welch", a="some")["note"]
    alone = compare(study(), "score", "condition", cluster=["session", "person", "score"], tests="welch", **FAST)
    assert "takes rows" not in alone["note"].iloc[0]


def test_the_same_seed_is_the_same_table() -> None:
    options: Any = {"session": "session", "person": "person", **FAST}
    one = compare(study(), ["score", "vote"], "condition", **options, seed=5)
    pd.testing.assert_frame_equal(one, compare(study(), ["score", "vote"], "condition", **options, seed=5))
    assert not one.equals(compare(study(), ["score", "vote"], "condition", **options, seed=6))


# -- what is degenerate ------------------------------------------------------------------------------------


def accounted(result: pd.DataFrame) -> bool:
    """Whether nothing is missing in silence."""
    no_p = result["p"].isna()
    no_size = result["effect_size"].isna() & (result["effect"] != "")
    no_interval = result["ci_low"].isna() & ~result["effect"].isin(["", "ks_distance"])
    return bool(((result["note"] != "") | ~(no_p | no_size | no_interval)).all())


VALUES = st.one_of(st.none(), st.integers(0, 2), st.sampled_from([0.1, 1e-9, 1e9]))


@given(
    st.lists(st.tuples(st.sampled_from("abc"), VALUES, st.integers(0, 3), st.integers(0, 4)), min_size=2, max_size=14)
)
@settings(max_examples=40, deadline=None)
def test_any_small_table_gives_a_result_with_its_reasons_and_no_warning(rows: list[Any]) -> None:
    table = pd.DataFrame(rows, columns=["c", "y", "s", "p"]).assign(k=lambda one: one["y"].astype(str))
    if table["c"].nunique() < 2:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compare(table, ["y", "k"], "c", session="s", person="p", n_resamples=20, n_permutations=50)
        checks = assumptions(table, ["y", "k"], "c", session="s", person="p")
    assert accounted(result)
    assert (checks["note"] != "").all()
    there = result["p"].dropna()
    assert there.between(0, 1 + 1e-12).all()
    assert (result["p_holm"].dropna() >= there - 1e-12).all()


def test_a_metric_without_any_value_has_its_rows() -> None:
    table = study().assign(empty=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compare(table, "empty", "condition", session="session", **FAST)
        assert not assumptions(table, "empty", "condition", session="session")["holds"].eq(True).any()
    assert result["p"].isna().all()
    assert accounted(result)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"metric": "scre"}, "no column 'scre'; did you mean score"),
        ({"metric": []}, "no metric is given"),
        ({"metric": "condition"}, "it is the condition"),
        ({"by": "cond"}, "no column 'cond'; did you mean condition"),
        ({"by": None}, "no condition is given"),
        ({"by": "same"}, "1 condition in the table"),
        ({"by": "list"}, "cannot be a condition"),
        ({"control": "most"}, "control: 'most' is no condition of condition; there are 'all', 'none', 'some'"),
        ({"control": {"vote": "x"}}, "control names vote, and by condition"),
        ({"tests": "t"}, "there is no test 't'; there are welch"),
        ({"nominal": "vote"}, "nominal: 'vote' is none of the metrics"),
        ({"session": "hole"}, "hole is missing in 1 rows"),
        ({"session": "list"}, "give texts or numbers"),
        ({"metric": "infinite"}, "infinite: some values are infinite"),
        ({"metric": "huge"}, "huge: values reach 1e\\+200"),
        ({"metric": "list"}, "neither a number nor a category"),
        ({"metric": "date"}, "neither a number nor a category"),
        ({"confidence": 95}, "confidence lies between 0 and 1"),
    ],
)
def test_what_cannot_be_compared_is_told(arguments: Any, said: str) -> None:
    table = study().assign(
        same="x", list=[[1]] * 126, infinite=math.inf, huge=[1e200, *range(125)], hole=[None, *range(125)]
    )
    table["date"] = pd.Timestamp("2025-01-06")
    given = {"metric": "score", "by": "condition", **FAST} | arguments
    with pytest.raises(InvalidSettings, match=said):
        compare(table, **given)


# -- what tests take for granted ---------------------------------------------------------------------------


def test_checks_are_scipys() -> None:
    table = study()
    checks = assumptions(table, "score", "condition")
    groups = [group["score"].to_numpy() for _, group in table.groupby("condition")]
    normal = row(checks, check="shapiro_wilk", level="all")
    assert (normal["statistic"], normal["p"]) == pytest.approx(tuple(stats.shapiro(groups[0])), abs=1e-9)
    spread = row(checks, check="brown_forsythe")
    assert (spread["statistic"], spread["p"]) == pytest.approx(tuple(stats.levene(*groups, center="median")), abs=1e-9)


def test_broken_assumptions_are_told_in_words() -> None:
    rng = np.random.default_rng(0)
    skewed = pd.DataFrame(
        {"c": np.repeat(["a", "b"], 20), "y": np.r_[rng.exponential(1, 20), rng.exponential(9, 20) ** 2]}
    )
    checks = assumptions(skewed, "y", "c")
    assert row(checks, check="shapiro_wilk", level="b")["note"] == "not normal: rather read mann_whitney"
    assert row(checks, check="brown_forsythe")["holds"] is False
    rare = pd.DataFrame({"c": ["a", "b"] * 5, "y": ["x"] * 8 + ["y"] * 2})
    counts = row(assumptions(rare, "y", "c"), check="expected_counts")
    assert (counts["statistic"], counts["holds"]) == (1.0, False)
    assert "100% of the expected counts are under 5" in counts["note"]
    together = assumptions(study(), "score", "condition", session="session", person="person")
    assert row(together, check="clusters", level="all")["note"].startswith("few clusters")
    assert row(together, check="one_session_a_person")["holds"] is True
    crossed = study().assign(person=lambda one: one.index % 7)
    several = row(
        assumptions(crossed, "score", "condition", session="session", person="person"), check="one_session_a_person"
    )
    assert (several["statistic"], several["holds"]) == (7, False)


def test_the_intraclass_correlation_is_pingouins() -> None:
    pingouin = pytest.importorskip("pingouin")
    values = np.random.default_rng(1).normal(0, 1, (9, 4)) + np.random.default_rng(2).normal(0, 1, 9)[:, None]
    table = pd.DataFrame({"c": np.repeat(range(9), 4), "r": np.tile(range(4), 9), "y": values.ravel()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pingouin.intraclass_corr(table, targets="c", raters="r", ratings="y").iloc[0]
    ours = icc(table["y"], table["c"])
    assert ours.statistic == pytest.approx(theirs["ICC"], abs=1e-9)
    assert ours.p == pytest.approx(theirs.filter(like="p").iloc[-1], abs=1e-9)


def test_what_differs_between_conditions_is_no_likeness_of_clusters() -> None:
    rng = np.random.default_rng(3)
    clusters, values = np.repeat(np.arange(200), 5), rng.normal(0, 1, 1000)
    conditions = clusters % 2
    assert icc(values + 3 * conditions, clusters, conditions).statistic == pytest.approx(0, abs=0.05)
    assert icc(values + 3 * conditions, clusters).statistic > 0.5


def test_what_hangs_together_is_found() -> None:
    assert components([0, 0, 1, 2, 2], [0, 1, 1, 2, 3]).tolist() == pytest.approx([0, 0, 0, 1, 1])


def test_importing_loads_nothing_heavy() -> None:
    names = ("comparing", "assumptions", "power", "bootstrap")
    heavy = ["numpy", "scipy", "statsmodels", "pandas", "matplotlib"]
    code = "import sys\n" + "\n".join(f"import workbench.evaluation.statistics.{name}" for name in names)
    code += f"\nprint([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
