"""Quotations are found word for word, however they are typed, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.judging.quotations import find_quotation

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize(
    ("text", "quotation", "found"),
    [
        ("I would buy it.", "I would buy it", "I would buy it"),
        ("I WOULD buy it.", "i would  BUY\nit", "I WOULD buy it"),
        ("She said “no – never”.", '"no - never"', "“no – never”"),
        ("I would buy it.", '"I would buy it."', "I would buy it."),
        ("Le cafe\u0301 est ferme\u0301.", "café", "cafe\u0301"),
        ("ｗｉｄｅ letters", "wide", "ｗｉｄｅ"),
        ("缶ではなく紙パックがいい。", "紙パック", "紙パック"),
        ("أريد حساء بارداً في علبة", "حساء بارداً", "حساء بارداً"),
        ("a <say> tag", "a ‹say> tag", "a <say> tag"),
        ("soft\u00adened", "softened", "soft\u00adened"),
        ("party art", "art", "art"),
        ("Wow… really", "wow... really", "Wow… really"),
        ("STRASSE", "straße", "STRASSE"),
        ("أُرِيدُ حَسَاءً، شكراً", "أريد حساء, شكرا", "أُرِيدُ حَسَاءً، شكراً"),
        ("高い。でも買う。", "高い.でも買う.", "高い。でも買う。"),
        ("It is 3. Then 4.", "3", "3"),
        ("a \u00b80 b", "\u00b80", "\u00b80"),
        ("\u1100\u1161\u11ab", "간", "\u1100\u1161\u11ab"),
    ],
)
def test_quotation_is_found_however_it_is_typed(text, quotation, found):
    start, end = find_quotation(text, quotation)
    assert text[start:end] == found


@pytest.mark.parametrize(
    ("text", "quotation"),
    [
        ("a party", "art"),
        ("13.20 euros", "3.20"),
        ("3.20 euros", "3"),
        ("3.20 euros", "20 euros"),
        ("3.25 euros", "3.2"),
        ("a café", "cafe"),
        ("I would buy it.", "I would not buy it"),
        ("I would really buy it", "I would ... buy it"),
        ("anything", ""),
        ("anything", ' "" '),
        ("", "something"),
    ],
)
def test_other_words_are_not_found(text, quotation):
    assert find_quotation(text, quotation) is None


@given(TEXTS, TEXTS.filter(str.strip), TEXTS)
def test_words_that_stand_in_a_text_are_found_at_a_place_that_has_them(before, words, after):
    text = f"{before} {words} {after}"
    found = find_quotation(text, words)
    if found is not None:
        assert find_quotation(text[slice(*found)], words) is not None
    elif any(letter.isalnum() for letter in words):
        raise AssertionError(f"{words!r} was not found in {text!r}")


@given(st.text("abc é.", max_size=40), st.text("xyz ", min_size=1).filter(str.strip))
def test_nothing_is_found_that_is_not_there(text, words):
    assert find_quotation(text, words) is None
