"""The comparison as a whole: persons, retests, weights, subgroups, replicates, and tables with little in them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.weightstats import DescrStatsW

from workbench.evaluation.human.comparing import compare_to_human
from workbench.evaluation.human.rows import COLUMNS

pytestmark = pytest.mark.filterwarnings("error")
RNG = np.random.default_rng(6)
N = 120
PEOPLE = [f"p{row}" for row in range(N)]
KINDS = {
    "nominal": ["red", "blue", "green"],
    "ordinal": [1, 2, 3, 4, 5],
    "number": [18.5, 20, 31, 44, 60, 90],
    "ranking": [("a", "b", "c"), ("b", "a", "c"), ("c", "b", "a")],
}


def drawn(kind: str, n: int = N) -> Any:
    options = KINDS[kind]
    return [options[place] for place in RNG.integers(0, len(options), n)]


def table(n: int = N, people: Any = None, **more: Any) -> pd.DataFrame:
    columns = {kind: drawn(kind, n) for kind in KINDS}
    return pd.DataFrame(columns | ({"person": people} if people is not None else {}) | more)


def compare(simulated: Any, human: Any, **told: Any) -> Any:
    return compare_to_human(simulated, human, **({"n_resamples": 100} | told))


def row(report: Any, statistic: str, question: str | None = None, subgroup: str = "all") -> Any:
    rows = report.table[(report.table["statistic"] == statistic) & (report.table["subgroup"] == subgroup)]
    return (rows[rows["question"] == question] if question else rows).iloc[0]


def counts(values: Any, options: Any) -> Any:
    return np.array([sum(value == option for value in values) for option in options])


def test_statistics_of_all_kinds_agree_with_scipy():
    simulated, human = table(), table(80)
    report = compare(simulated, human)
    first, second = (np.array(one["ordinal"]) for one in (simulated, human))
    assert row(report, "wasserstein", "ordinal")["value"] == pytest.approx(
        stats.wasserstein_distance(first, second) / 4
    )
    assert row(report, "sd_ratio", "ordinal")["value"] == pytest.approx(first.std(ddof=1) / second.std(ddof=1))
    assert row(report, "mean_difference", "ordinal")["value"] == pytest.approx(first.mean() - second.mean())
    first, second = (np.array(one["number"]) for one in (simulated, human))
    moved = stats.wasserstein_distance(first, second) / second.std(ddof=1)
    assert row(report, "wasserstein", "number")["value"] == pytest.approx(moved, abs=1e-9)
    assert row(report, "kolmogorov_smirnov", "number")["value"] == pytest.approx(
        stats.ks_2samp(first, second).statistic
    )
    both = np.array([counts(one["nominal"], KINDS["nominal"]) for one in (simulated, human)])
    tested = stats.chi2_contingency(both, correction=False)
    assert row(report, "chi_square")["value"] == pytest.approx(tested.statistic, abs=1e-9)
    assert f"p = {tested.pvalue:.3g}" in row(report, "chi_square")["note"]
    ranks = [
        np.mean([[one.index(option) + 1 for option in "abc"] for one in side["ranking"]], 0)
        for side in (simulated, human)
    ]
    assert row(report, "spearman")["value"] == pytest.approx(stats.spearmanr(*ranks).statistic)
    means = report.table[report.table["statistic"] == "mean_rank"]
    assert means["value"].tolist() == pytest.approx(ranks[0].tolist())
    assert means["human"].tolist() == pytest.approx(ranks[1].tolist())


def test_table_is_tidy_and_every_missing_value_has_a_reason():
    report = compare(table(), table())
    assert tuple(report.table.columns) == COLUMNS
    assert not report.table["value"].isna().any()
    shares = report.table[report.table["statistic"] == "share"].groupby("question")["value"].sum()
    assert shares.to_numpy() == pytest.approx(1)


def test_same_seed_same_report_and_another_question_changes_nothing():
    simulated, human = table(), table()
    whole, again = compare(simulated, human), compare(simulated, human)
    pd.testing.assert_frame_equal(whole.table, again.table)
    alone = compare(simulated[["ordinal"]], human[["ordinal"]]).table
    rows = whole.table[whole.table["question"] == "ordinal"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, rows, check_dtype=False)
    other = compare(simulated, human, seed=1).table
    assert (other["value"] == whole.table["value"]).all()
    assert not other["ci_high"].equals(whole.table["ci_high"])


def test_relabelling_nominal_options_changes_nothing():
    simulated, human = table()[["nominal"]], table()[["nominal"]]
    names = {"red": "x", "blue": "y", "green": "z"}
    told = {"levels": {"nominal": ["red", "blue", "green"]}, "kind": "nominal"}
    before = compare(simulated, human, **told).table
    renamed = [one.replace(names) for one in (simulated, human)]
    after = compare(*renamed, levels={"nominal": ["x", "y", "z"]}, kind="nominal").table
    pd.testing.assert_frame_equal(before.drop(columns="option"), after.drop(columns="option"))


def test_statistics_can_be_chosen_and_the_verdict_stays():
    simulated, human = table(), table()
    report = compare(simulated, human, statistic="sd_ratio")
    assert set(report.table["statistic"]) == {"sd_ratio"}
    assert report.verdict == compare(simulated, human).verdict


# Persons


def test_persons_who_are_met_are_met():
    human = table(people=PEOPLE)
    report = compare(human.sample(frac=1, random_state=1), human)
    for kind, statistic, value in (
        ("nominal", "accuracy", 1),
        ("ordinal", "weighted_kappa", 1),
        ("number", "mean_absolute_error", 0),
    ):
        assert row(report, statistic, kind)["value"] == value
    assert (row(report, "accuracy", "ranking")["value"], row(report, "accuracy")["n_human"]) == (1, N)


def test_agreement_of_persons_agrees_with_statsmodels():
    human, simulated = table(people=PEOPLE), table(people=PEOPLE)
    report = compare(simulated, human)
    for kind, options in (("nominal", KINDS["nominal"]), ("ordinal", KINDS["ordinal"])):
        joint = (
            pd.crosstab(simulated[kind], human[kind]).reindex(index=options, columns=options, fill_value=0).to_numpy()
        )
        assert row(report, "kappa", kind)["value"] == pytest.approx(cohens_kappa(joint, return_results=False), abs=1e-9)
        assert row(report, "accuracy", kind)["value"] == pytest.approx(np.trace(joint) / N)
        assert row(report, "accuracy", kind)["most_common"] == pytest.approx(
            human[kind].value_counts(normalize=True).max()
        )
    expected = cohens_kappa(joint, wt="quadratic", return_results=False)
    assert row(report, "weighted_kappa")["value"] == pytest.approx(expected, abs=1e-9)
    error = (simulated["number"] - human["number"]).abs().mean()
    assert row(report, "mean_absolute_error", "number")["value"] == pytest.approx(error)


@pytest.mark.parametrize("matched", [None, False])
def test_persons_are_met_only_where_both_tables_name_them(matched):
    human = table(people=PEOPLE)
    simulated = table(people=PEOPLE) if matched is False else table()
    assert "accuracy" not in set(compare(simulated, human, matched=matched).table["statistic"])


def test_normalised_accuracy_is_over_the_persons_own_retest():
    human = table(people=PEOPLE)
    again = human["nominal"].where(RNG.random(N) < 0.8, "red")
    simulated = human.assign(nominal=human["nominal"].where(RNG.random(N) < 0.6, "blue"))
    report = compare(simulated[["person", "nominal"]], human.assign(again=again), retest={"nominal": "again"})
    right, own = (simulated["nominal"] == human["nominal"]).mean(), (again == human["nominal"]).mean()
    assert row(report, "normalised_accuracy")["value"] == pytest.approx(right / own)
    assert row(report, "accuracy")["ceiling_low"] < own < row(report, "accuracy")["ceiling_high"]
    assert f"{own:.0%} gave their own answer again" in row(report, "normalised_accuracy")["note"]


def test_what_attributes_tell_is_a_floor():
    gender = RNG.choice(["f", "m"], N)
    votes = np.where(RNG.random(N) < 0.9, np.where(gender == "f", "red", "blue"), "green")
    human = pd.DataFrame({"person": PEOPLE, "vote": votes, "gender": gender})
    guesses = pd.DataFrame({"person": PEOPLE, "vote": RNG.permutation(votes)})
    report = compare(guesses, human, attributes=["gender"])
    found = row(report, "accuracy")
    assert found["logistic_regression"] > 0.8 > found["value"]
    assert "logistic regression on gender, 5 folds" in found["note"]
    assert "persons: no better than a logistic regression" in report.verdicts.loc[0, "flags"]
    assert "a logistic regression" in report.verdict


def test_an_answer_does_not_tell_itself():
    human = pd.DataFrame({"person": PEOPLE, "vote": drawn("nominal"), "age": range(N)})
    report = compare(human, human, questions=["vote"], attributes=["vote", "age"])
    assert row(report, "accuracy")["logistic_regression"] < 0.6
    assert "logistic regression on age" in row(report, "accuracy")["note"]


# Weights, subgroups, replicates


def test_whole_weights_are_repeats():
    simulated, human = table(), table(40, w=RNG.integers(1, 4, 40))
    repeated = human.loc[human.index.repeat(human["w"])].drop(columns="w").reset_index(drop=True)
    report, other = compare(simulated, human, weights="w"), compare(simulated, repeated)
    for statistic in (
        "total_variation",
        "jensen_shannon",
        "wasserstein",
        "mean_difference",
        "rank_distance",
        "spearman",
    ):
        assert row(report, statistic)["value"] == pytest.approx(row(other, statistic)["value"], abs=1e-9)
    mean = DescrStatsW(human["ordinal"], weights=human["w"]).mean
    assert row(report, "mean", "ordinal")["human"] == pytest.approx(mean)


def test_weights_are_of_either_table_and_widen_the_ceiling():
    simulated, human = table(), table(w=RNG.lognormal(0, 1.5, N))
    plain, weighted = (
        compare(simulated, human, n_resamples=1000),
        compare(simulated, human, weights="w", n_resamples=1000),
    )
    ends = [row(one, "total_variation")["ceiling_high"] for one in (plain, weighted)]
    assert ends[1] > 1.2 * ends[0]
    assert "effective numbers of people" in row(weighted, "chi_square")["note"]
    assert compare(table(w=1.0), human.drop(columns="w"), weights="w").table["value"].notna().all()


def test_who_weighs_nothing_is_not_there():
    human = table(w=[0, 1] * (N // 2))
    assert row(compare(table(), human, weights="w"), "wasserstein")["n_human"] == N // 2


@pytest.mark.parametrize("weight", [-1, None, "many", math.inf])
def test_weight_that_cannot_be_names_the_person(weight):
    human = table(3, people=["a", "b", "c"]).assign(w=pd.Series([1, weight, 1], dtype=object))
    with pytest.raises(ValueError, match="of 'b' \\(human\\): give numbers from 0"):
        compare(table(3), human, weights="w")


def test_subgroups_are_compared_alone():
    sides = [table(gender=RNG.choice(["f", "m"], N)) for _ in range(2)]
    report = compare(*sides, by="gender")
    assert list(dict.fromkeys(report.table["subgroup"])) == ["all", "gender=f", "gender=m"]
    women = [side[side["gender"] == "f"] for side in sides]
    alone = compare(*[side.drop(columns="gender") for side in women])
    assert row(report, "wasserstein", "ordinal", "gender=f")["value"] == row(alone, "wasserstein", "ordinal")["value"]
    assert report.plot("gender=f").axes


def test_subgroups_of_the_same_people_need_one_column():
    human = table(people=PEOPLE, gender=[1, 2] * (N // 2))
    report = compare(table(people=PEOPLE), human, by=["gender"], codes={"gender": {1: "f", 2: "m"}})
    assert row(report, "accuracy", "nominal", "gender=m")["n_human"] == N // 2
    with pytest.raises(ValueError, match="the simulated table has no such column: merge it in by person"):
        compare(table(), human, by="gender")
    with pytest.raises(ValueError, match="has 120 levels: cut it into 12"):
        compare(table(people=PEOPLE), human.assign(age=range(N)), by="age")


def test_a_person_who_answers_often_counts_once():
    replicates = pd.concat([table(people=PEOPLE, replicate=number) for number in range(5)])
    human = table(people=PEOPLE)
    report = compare(replicates, human)
    assert row(report, "accuracy", "nominal")["n_simulated"] == N
    merged = replicates.merge(human, on="person")
    right = (merged["nominal_x"] == merged["nominal_y"]).mean()
    assert row(report, "accuracy", "nominal")["value"] == pytest.approx(right)
    assert row(report, "mean", "ordinal")["value"] == pytest.approx(replicates["ordinal"].mean())


# Little, or nothing


def test_one_person_has_no_interval():
    report = compare(
        table(1),
        table(1),
        kind={"ordinal": "ordinal", "number": "number", "nominal": "nominal"},
        levels={"nominal": KINDS["nominal"], "ordinal": KINDS["ordinal"]},
    )
    rows = report.table
    assert rows["ci_low"].isna().all()
    assert (rows["note"] != "").all()
    assert set(report.verdicts["verdict"]) == {"no verdict"}


@pytest.mark.parametrize("sides", [(1, 50), (50, 1), (2, 2), (3, 50)])
def test_few_people_have_named_results(sides):
    told = {
        "levels": {"nominal": KINDS["nominal"], "ordinal": KINDS["ordinal"]},
        "kind": dict(zip(KINDS, KINDS, strict=True)),
    }
    report = compare(table(sides[0], people=PEOPLE[: sides[0]]), table(sides[1], people=PEOPLE[: sides[1]]), **told)
    assert (report.table["value"].notna() | (report.table["note"] != "")).all()
    assert set(report.verdicts["verdict"]) == {"no verdict"}
    assert report._repr_html_()


@pytest.mark.parametrize("side", [0, 1, 2])
def test_constant_answers_have_named_results(side):
    constant = pd.DataFrame({kind: pd.Series([options[0]] * N) for kind, options in KINDS.items()})
    sides = [(constant, table()), (table(), constant), (constant, constant)][side]
    report = compare(*sides, levels={"ordinal": KINDS["ordinal"]}, kind=dict(zip(KINDS, KINDS, strict=True)))
    missing = report.table[report.table["value"].isna()]
    assert (missing["note"] != "").all()
    said = report.verdicts.set_index("question")["verdict"]
    if side == 2:
        assert said[["nominal", "ordinal", "ranking"]].tolist() == ["equivalent"] * 3
        assert said["number"] == "no verdict"
    else:
        assert set(said[["nominal", "ordinal", "ranking"]]) == {"different"}
    assert report.plot().axes


def test_two_who_say_the_same_are_not_shown_to_be_alike():
    few = pd.DataFrame({"q": [3] * 8})
    report = compare(few, few, kind="ordinal", levels={"q": range(1, 6)})
    assert report.verdicts.loc[0, "verdict"] == "not told apart yet at this n"


def test_a_side_without_answers_is_named():
    human = table().assign(nominal=None)
    report = compare(table(), human)
    assert row(report, "answers", "nominal")["note"] == "no human answers: nothing to compare"
    verdict = report.verdicts.set_index("question").loc["nominal"]
    assert verdict["verdict"] == "no verdict"
    assert report.questions.set_index("question").loc["nominal", "missing_human"] == N


def test_missing_answers_are_counted():
    human = table(people=PEOPLE)
    human.loc[:29, "ordinal"] = np.nan
    report = compare(table(people=PEOPLE), human)
    assert row(report, "wasserstein", "ordinal")["n_human"] == N - 30
    assert row(report, "accuracy", "ordinal")["n_human"] == N - 30


def test_all_questions_without_an_answer():
    nothing = pd.DataFrame({"q": [None, None]})
    report = compare(nothing, nothing)
    assert report.verdicts.loc[0, "verdict"] == "no verdict"
    assert "no simulated and human answers" in report.verdict
    assert report._repr_html_()
    assert report.to_markdown()
