"""Figures and names that a fact has, found in any script and compared as numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.judging.particulars import figures_in, lost, names_in, number_as_figure


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3.20 or 3,20 or 3.2", ["3.2", "3.2", "3.2"]),
        ("1,000 and 1.000, 1 000; 1'000 or 1000", ["1000"] * 5),
        ("3.125 or 3,125 or 12.500 or -3.125", ["3.125", "3125", "12.500", "-3.125"]),
        ("1.234.567,80 and 1,234,567.8", ["1234567.8"] * 2),
        ("0.125 and 1,2345", ["0.125", "1.2345"]),
        ("on 04.05.2026, version 1.2.5", ["4.5.2026", "1.2.5"]),
        ("2026-05-04 at 09:30", ["2026", "5", "4", "9", "30"]),
        ("from -5 to 3-5, or −5", ["-5", "3", "5", "-5"]),
        ("٣٫٢٠ and ３．２０ and ३.२०", ["3.2", "3.2", "3.2"]),
        ("In 2026, 100 people", ["2026", "100"]),
        ("20 m²", ["20"]),
        ("three", []),
    ],
)
def test_figures_are_one_number_however_they_are_written(text, values):
    assert [figure.value for figure in figures_in(text)] == values


@given(st.integers(0, 10**12))
def test_whole_numbers_are_themselves_with_and_without_thousands(number):
    for written in (f"{number}", f"{number:,}", f"{number:,}".replace(",", "\u202f")):
        assert [figure.value for figure in figures_in(f"a {written} b")] == [str(number)]
    (figure,) = figures_in(f"a {number:,} b".replace(",", "."))
    assert figure.can_be(str(number))


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_number_of_the_program_is_what_its_digits_are(number):
    assert float(number_as_figure(number)) == float(number)
    assert not set(number_as_figure(number)) - set("-.0123456789")


@given(st.text(max_size=60))
def test_figures_stand_where_they_are_said_to_stand(text):
    for figure in figures_in(text):
        assert [one.value.lstrip("-") for one in figures_in(text[figure.start : figure.end])] == [
            figure.value.lstrip("-")
        ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("It costs 3.20 euros. It is sold in Spain, I think.", ["Spain"]),
        ("Ana García", ["Ana", "García"]),
        ("BMW and iPhone", ["BMW", "iPhone"]),
        ("launch on 4 May 2026", ["May"]),
        ("価格は3.20ユーロ", []),
    ],
)
def test_names_are_capitalised_words_that_begin_no_sentence(text, names):
    assert names_in(text) == names


@pytest.mark.parametrize(
    ("fact", "words", "gone"),
    [
        ("It costs 3.20 euros", "the price: 3,20 euros", []),
        ("It costs 3.20 euros", "the price: 13.20 euros", ["3.20"]),
        ("The fee is 1,000 euros", "a fee of 1000 euros", []),
        ("The fee is 1,000 euros", "a fee of one thousand euros", ["1,000"]),
        ("The ratio is 3.125", "a ratio of 3.125", []),
        ("The ratio is 3.125", "a ratio of 3125", ["3.125"]),
        ("The ratio is 3.125", "a ratio of 3,125", ["3.125"]),
        ("launch on 4 May 2026", "on May 4, 2026, it is launched", []),
        ("launch on 4 May 2026", "on 2026-05-04 it is launched", ["May"]),
        ("sold by Ana García", "Ana sells it", ["García"]),
        ("sold by Ana García", "ANA GARCÍA’S shop sells it", []),
    ],
)
def test_other_words_for_a_fact_have_its_figures_and_names(fact, words, gone):
    assert lost(fact, words) == gone
