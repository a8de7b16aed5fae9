"""Amounts: the numbers of a sentence are in what it rests on, or count it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.extraction.reporting.amounts import amounts_in, without_evidence


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("nine in ten", ["9", "10"]),
        ("Twenty-one people", ["21"]),
        ("twelve hundred", ["1200"]),
        ("two hundred and five", ["205"]),
        ("a million", ["1000000"]),
        ("three million two hundred thousand", ["3200000"]),
        ("two and three", ["2", "3"]),
        ("nine, ten", ["9", "10"]),
        ("3 million", ["3000000"]),
        ("1.5 million", ["1500000"]),
        ("a dozen", ["12"]),
        ("half of it doubled", ["0.5", "twice"]),
        ("hundreds of them", ["hundreds"]),
        ("two thirds, three quarters, one half", ["2/3", "0.75", "0.5"]),
        ("A third of them, a third person", ["1/3"]),
        ("No one knows one another, and each one said someone's anyone", []),
        ("One person", ["1"]),
        ("3.2e-05", ["0.000032"]),
        ("often, tenfold, weight, done, canine", []),
    ],
)
def test_numbers_are_read_in_digits_and_in_words(words, values):
    assert [value for one in amounts_in(words) for value in one.values] == values


@pytest.mark.parametrize(
    ("finding", "evidence", "counts"),
    [
        ("Ann would pay three euros.", ["I would pay 3 euros."], [1]),
        ("Ann would pay 3 euros.", ["Three euros, I would say."], [1]),
        ("Two of 3 people agree.", [], [2, 3]),
        ("50 % chose it.", ["share: 0.5"], []),
        ("Fifty percent chose it.", ["share: 0.5"], []),
        ("12.5 % chose it.", ["share: 0.125"], []),
        ("A third, 33 % and 33.3 %, chose it.", ["share: 0.3333333333333333"], []),
        ("The mean is 6.8.", ["mean: 6.8333333"], []),
        ("p = 0.0003", ["p: 0.0003"], []),
        ("p = 3.2e-05", ["p: 0.000032"], []),
        ("The revenue is 1,234,567.", ["revenue: 1234567"], []),
        ("It costs 7.125.", ["price: 7.125"], []),
        ("Half would buy it.", ["share: 0.5"], []),
        ("Half would buy it.", ["50 % would"], []),
        ("Two thirds and three quarters would buy it.", ["share: 0.6666666; other: 0.75"], []),
        ("It doubled.", ["We sold twice as much."], []),
    ],
)
def test_numbers_that_the_evidence_has(finding, evidence, counts):
    assert not without_evidence(finding, evidence, counts)


@pytest.mark.parametrize(
    ("finding", "missing", "evidence", "counts"),
    [
        ("Nine in ten people would pay.", ["Nine", "ten"], ["I would pay 3 euros."], [2]),
        ("Sales grew by 2 percent.", ["2"], ["soup", "cap"], [2]),
        ("It costs €2 or 2 euros.", ["2"], ["soup", "cap"], [2]),
        ("3 of 1 people agree.", ["1"], ["soup", "cap", "sandals"], [3]),
        ("Sales doubled, ninety percent of a million agree.", ["doubled", "ninety", "million"], ["soup"], [1]),
        ("p is exactly 0", ["0"], ["p: 0.0003"], [1]),
        ("0 % would, 100 % would not.", ["0", "100"], ["share: 0.003; other: 0.997"], []),
        ("The mean is 7.", ["7"], ["mean: 6.8333"], []),
        ("Two thirds would buy it.", ["Two thirds"], ["share: 0.5"], []),
        ("51 % chose it.", ["51"], ["share: 0.5"], []),
        ("Half of them hate it.", ["Half"], ["I hate it."], [1]),
        ("Twelve hundred people agree", ["Twelve hundred"], ["12 percent"], [2]),
    ],
)
def test_numbers_that_the_evidence_does_not_have(finding, missing, evidence, counts):
    assert without_evidence(finding, evidence, counts) == missing


@given(st.text())
def test_any_text_supports_itself(text):
    assert not without_evidence(text, [text], [])
