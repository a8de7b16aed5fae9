"""Tables are read as they are: tidy or wide, from any file, by columns and codes; what does not match says so."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from workbench.errors import InvalidSettings, StorageError, UnreadableDocument
from workbench.evaluation.human.codes import plain
from workbench.evaluation.human.comparing import compare_to_human

pytestmark = pytest.mark.filterwarnings("error")
RNG = np.random.default_rng(4)
WORDS = {1: "very unlikely", 2: "unlikely", 3: "likely", 4: "very likely"}
PEOPLE = [f"p{row}" for row in range(40)]
CODES = RNG.integers(1, 5, 40)


def human():
    return pd.DataFrame(
        {"ID": PEOPLE, "How likely are you to buy it?": CODES, "party": RNG.choice(["red", "blue"], 40)}
    )


def simulated():
    return pd.DataFrame({"person": PEOPLE, "q1": [WORDS[code] for code in CODES]})


def told(**more):
    columns = {"q1": "How likely are you to buy it?", "person": "ID"}
    return {"columns": columns, "codes": {"q1": WORDS}, "kind": {"q1": "ordinal"}, "n_resamples": 50} | more


def value(report, statistic, question=None):
    rows = report.table[report.table["statistic"] == statistic]
    return rows[rows["question"] == question]["value"].iloc[0] if question else rows["value"].iloc[0]


def tidy(table):
    return table.melt(id_vars="person", var_name="question", value_name="answer")


@pytest.mark.parametrize("ending", ["csv", "tsv", "xlsx", "parquet"])
def test_files_are_read(tmp_path, ending):
    path = tmp_path / f"human.{ending}"
    if ending == "xlsx":
        pytest.importorskip("openpyxl")
        human().to_excel(path, index=False)
    elif ending == "parquet":
        pytest.importorskip("pyarrow")
        human().to_parquet(path)
    else:
        human().to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    for source in (path, str(path)):
        report = compare_to_human(simulated(), source, **told())
        assert (value(report, "wasserstein"), value(report, "accuracy")) == (0, 1)
        assert report.questions.loc[0, "options"] == "very unlikely, unlikely, likely, very likely"


def test_tidy_and_wide_say_the_same():
    wide = compare_to_human(simulated(), human(), **told())
    theirs = human().rename(columns={"ID": "person"})[["person", "How likely are you to buy it?"]]
    sides = tidy(simulated()), tidy(theirs)
    columns = {"q1": "How likely are you to buy it?"}
    pd.testing.assert_frame_equal(compare_to_human(*sides, **told(columns=columns)).table, wide.table)


def test_answers_may_be_codes_on_both_sides():
    both = simulated().assign(q1=CODES)
    assert value(compare_to_human(both, human(), **told()), "accuracy") == 1


def test_codes_that_do_not_match_list_both_sides():
    with pytest.raises(InvalidSettings) as caught:
        compare_to_human(simulated(), human(), **told(codes={"q1": {1: "very unlikely", 2: "unlikely"}}))
    message = str(caught.value)
    assert message.startswith("codes of question 'q1' do not match. Simulated answers without a code: ")
    assert "Codes: 1, 2; they stand for: 'very unlikely', 'unlikely'" in message
    broken = human()
    broken.iloc[3, 1] = 9
    with pytest.raises(InvalidSettings, match="Human answers without a code: 9"):
        compare_to_human(simulated(), broken, **told())


def test_a_code_may_stand_for_a_missing_answer():
    broken = human()
    broken.iloc[3, 1] = 9
    report = compare_to_human(simulated(), broken, **told(codes={"q1": WORDS | {9: None}}))
    assert report.questions.loc[0, ["missing_simulated", "missing_human"]].tolist() == [0, 1]
    assert set(report.table["n_human"]) == {39}


@pytest.mark.parametrize("written", [["1", "2"], [1.0, 2.0], [1, 2], ["1.0", " 2 "]])
def test_numbers_are_one_thing_however_they_are_written(written):
    sides = pd.DataFrame({"q": [1, 2] * 10}), pd.DataFrame({"q": written * 10})
    assert value(compare_to_human(*sides, kind="ordinal", n_resamples=20), "wasserstein") == 0


@pytest.mark.parametrize(
    ("answers", "theirs", "message"),
    [
        (["yes", "no"], ["Yes", "No"], "answers to 'q' do not match. Simulated: 'no', 'yes'. Human: 'No', 'Yes'"),
        (["yes", "no"], [1, 2], "answers to 'q' do not match"),
        (["a", "b"], ["c", "d"], "Give codes={'q': {human answer: simulated answer}}"),
    ],
)
def test_options_that_do_not_match_list_both_sides(answers, theirs, message):
    with pytest.raises(InvalidSettings, match=re.escape(message)):
        compare_to_human(pd.DataFrame({"q": answers}), pd.DataFrame({"q": theirs}))


def test_options_of_one_side_are_said():
    sides = pd.DataFrame({"q": ["a", "b", "c"] * 9}), pd.DataFrame({"q": ["a", "b", "d"] * 9})
    note = compare_to_human(*sides, n_resamples=20).questions.loc[0, "note"]
    assert note == "taken for nominal; only simulated: 'c'; only human: 'd'"


@pytest.mark.parametrize(
    ("values", "kind", "options"),
    [
        (["red", "blue"], "nominal", "blue, red"),
        ([0, 1], "nominal", "0, 1"),
        ([True, False], "nominal", "False, True"),
        ([1, 5], "ordinal", "1, 2, 3, 4, 5"),
        ([18, 80], "number", "18 to 80"),
        ([1.5, 2], "number", "1.5 to 2"),
        ([("a", "b"), ("b", "a")], "ranking", "a, b"),
        (['["a", "b"]', '["b", "a"]'], None, None),
    ],
)
def test_kinds_are_found(values, kind, options):
    table = pd.DataFrame({"q": pd.Series(values * 10)})
    report = compare_to_human(table, table, n_resamples=20, kind=None if kind else "ranking")
    assert report.questions.loc[0, "kind"] == (kind or "ranking")
    assert report.questions.loc[0, "options"] == (options or "a, b")
    assert report.questions.loc[0, "note"].startswith(f"taken for {kind}" if kind else "")


def test_levels_make_a_question_ordinal_and_hold_the_ends():
    table = pd.DataFrame({"q": [3, 4] * 10})
    report = compare_to_human(table, table.assign(q=[2, 4] * 10), levels={"q": range(1, 8)}, n_resamples=20)
    assert value(report, "wasserstein") == pytest.approx(0.5 / 6)


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ({"q": ["low", "high"]}, {"kind": "ordinal"}, "the order of the answers to 'q' is not known: give levels"),
        ({"q": ["low", "high"]}, {"levels": {"q": ["low", "medium"]}}, "none of its options: 'high'"),
        ({"q": ["low", "high"]}, {"levels": {"q": ["low", "high", "low"]}}, "have one twice"),
        ({"q": ["low", "high"]}, {"kind": "number"}, "that are no numbers: 'low', 'high'"),
        ({"q": [5, 90]}, {"kind": "number", "levels": {"q": (0, 80)}}, "outside of its levels, 0 to 80: 90.0"),
        ({"q": ["low", "high"]}, {"kind": "ranking"}, "'low' to 'q' is no ranking"),
        ({"q": [("a", "a"), ("a", "b")]}, {"kind": "ranking"}, "has an option twice"),
        ({"q": [("a", "b")]}, {"kind": "nominal"}, "are lists"),
        (
            {"q": [("a",), ("a", "b")]},
            {},
            "are lists of different options: if they are in order, say kind={'q': 'ranking'}",
        ),
        ({"q": ["low", "high"]}, {"kind": {"q": "interval"}}, "kind 'interval' of question 'q': the kinds are nominal"),
        ({"q": ["low", "high"]}, {"kind": {"x": "nominal"}}, "kind of 'x': no such question is compared"),
        ({"q": ["low", "high"]}, {"levels": {"x": [1]}}, "levels of 'x'"),
        ({"q": ["low", "high"]}, {"questions": ["x"]}, "the simulated table has no question 'x'"),
        ({"q": ["low", "high"]}, {"questions": []}, "name at least one"),
        ({"q": ["low", "high"]}, {"weights": "w"}, "weights='w': neither table has such a column"),
        ({"q": ["low", "high"]}, {"by": "age"}, "by='age': the human table has no such column"),
        ({"q": ["low", "high"]}, {"attributes": ["age"]}, "attributes 'age': the human table has no such columns"),
        ({"q": ["low", "high"]}, {"retest": {"q": "q2"}}, "retest 'q2': the human table has no such question"),
        ({"q": ["low", "high"]}, {"matched": True}, "nobody is in both tables"),
        ({"q": ["low", "high"]}, {"margin": 0}, "margin 0 of 'all'"),
        ({"q": ["low", "high"]}, {"margin": {"x": 0.1}}, "margins of questions that are not compared: x"),
        ({"q": ["low", "high"]}, {"spread": (1.1, 2)}, "give a ratio below 1 and one above"),
        ({"q": ["low", "high"]}, {"confidence": 95}, "confidence 95: give a share"),
        ({"q": ["low", "high"]}, {"n_resamples": 0}, "n_resamples 0"),
        ({"q": ["low", "high"]}, {"seed": -1}, "seed -1"),
        ({"q": ["low", "high"]}, {"statistic": "t"}, "statistic 't': these questions have 'chi_square'"),
        ({"q": ["low", "high"]}, {"columns": {"q": "x"}}, "the human table has no column 'x'; it has 'q'"),
        ({"q": ["low", "high"], "x": [1, 2]}, {"columns": {"x": "q"}}, "named 'x' already"),
        ({"q": []}, {}, "the simulated table is empty"),
        ({"question": ["q"], "answer": ["yes"]}, {}, "says nowhere whose: add a column person"),
        ({"question": ["q"] * 2, "answer": ["a"] * 2, "person": ["p"] * 2}, {}, "two answers of 'p' to 'q'"),
        ({"q": ["a", "b"], "person": ["p", None]}, {}, "row 2 of the simulated table has no person"),
        ({"q": [f"in my own words {n}" for n in range(60)]}, {}, "looks like free text"),
    ],
)
def test_what_cannot_be_says_what_to_do(table, options, message):
    table = pd.DataFrame(table)
    with pytest.raises(InvalidSettings, match=re.escape(message)):
        compare_to_human(table, table, **options)


def test_tables_without_a_question_in_common_list_both():
    with pytest.raises(InvalidSettings, match=r"no question in common. Simulated: 'a'. Human: 'b'"):
        compare_to_human(pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}))


def test_files_that_are_none(tmp_path):
    with pytest.raises(StorageError):
        compare_to_human(simulated(), tmp_path / "nowhere.csv")
    with pytest.raises(InvalidSettings, match=r"files that can be read end in \.csv"):
        compare_to_human(simulated(), tmp_path / "human.sav")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(UnreadableDocument):
        compare_to_human(simulated(), tmp_path / "empty.csv")
    with pytest.raises(InvalidSettings, match="human answers of type dict: give a DataFrame"):
        compare_to_human(simulated(), {"q": [1]})


def test_plain_values():
    values = (np.int64(3), np.float64(2.5), np.str_(" a "), pd.NA, pd.NaT, None, np.nan)
    assert [plain(one) for one in values] == [3, 2.5, "a", None, None, None, None]
    assert plain(np.array(["a", "b"])) == ("a", "b")


def test_categories_with_an_order_are_a_scale():
    steps = pd.CategoricalDtype(["never", "seldom", "often"], ordered=True)
    table = pd.DataFrame({"q": ["often", "never"] * 10})
    report = compare_to_human(table, table.astype({"q": steps}), n_resamples=20)
    assert report.questions.loc[0, ["kind", "options"]].tolist() == ["ordinal", "never, seldom, often"]


# Tables of `wb.ask`


def survey(**parts):
    answers = [2, 3, 4, 3] * 10
    columns = {"person": PEOPLE, "replicate": 0, "question": "q1", "kind": "Likert", "answer": answers, "missing": ""}
    return pd.DataFrame(columns | parts).assign(order=[[1, 2, 3, 4, 5]] * 40)


def test_survey_says_kinds_and_all_options():
    theirs = pd.DataFrame({"person": PEOPLE, "q1": [3, 4] * 20})
    report = compare_to_human(survey(), theirs, n_resamples=20)
    assert report.questions.loc[0, ["kind", "options"]].tolist() == ["ordinal", "1, 2, 3, 4, 5"]
    with pytest.raises(InvalidSettings, match="human answers to 'q1' that are none of its options: 9"):
        compare_to_human(survey(), theirs.replace({4: 9}))


def test_what_is_told_counts_more_than_what_the_survey_says():
    theirs = pd.DataFrame({"q1": [3, 4] * 20})
    assert compare_to_human(survey(), theirs, kind="nominal", n_resamples=20).questions.loc[0, "kind"] == "nominal"
    report = compare_to_human(survey(), theirs, levels={"q1": range(8)}, n_resamples=20)
    assert report.questions.loc[0, "options"].endswith("6, 7")


def test_words_of_ones_own_are_left_out_and_several_options_refused():
    theirs = pd.DataFrame({"q1": [3, 4] * 20, "q2": ["so"] * 40})
    both = pd.concat([survey(), survey(question="q2", kind="FreeText", answer="so")], ignore_index=True)
    assert compare_to_human(both, theirs, n_resamples=20).questions["question"].tolist() == ["q1"]
    several = both.assign(kind=["Likert"] * 40 + ["MultiChoice"] * 40)
    with pytest.raises(InvalidSettings, match="several options could be chosen in q2"):
        compare_to_human(several, theirs)
