"""Facts that are fixed: found word for word, or in other words that a judge quotes; never on a judge's word alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.cast import llm_at, texts
from workbench.errors import InvalidSettings
from workbench.judging.kept_facts import check_facts_kept, facts_of, place_of
from workbench.llm.client import LLM

PRICE = "It costs 3.20 euros"


def finding(number: int, verdict: str, quotation: str = "") -> dict[str, Any]:
    return {"number": number, "quotation": quotation, "verdict": verdict}


async def checked(model_server: Any, text: str, facts: Any, *findings: dict[str, Any]) -> Any:
    """What becomes of the only fact where a judge finds this."""
    server = model_server({"facts": list(findings)})
    found = await check_facts_kept(llm_at(server), text, facts_of(facts))
    assert server.n_requests == 1
    return found.checks[0]


# Word for word


@pytest.mark.parametrize(
    ("number", "text", "found"),
    [
        (3.125, "The ratio is 3.125 now.", True),
        (3.125, "Das sind 3,125 Meter.", True),
        (3.125, "The ratio is 3125 now.", False),
        (3125, "A fee of 3,125 euros, or 3.125 Euro.", True),
        (3125, "3.1250", False),
        (12.5, "12,500 euros", False),
        (1000.0, "1.000 Euro", True),
        (1, "1.000 Euro", False),
        (-2.5, "at -2,50 degrees", True),
        (1e21, "1000000000000000000000", True),
    ],
)
def test_value_that_is_a_number_is_that_number_and_no_other(number, text, found):
    (fact,) = facts_of({"ratio": number})
    assert (fact.place_in(text) is not None) is found
    assert (fact.lost_in(text) == []) is found


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("In short: it  COSTS 3.20\neuros!", PRICE, "it  COSTS 3.20\neuros"),
        ("She says “it’s late – go”.", '"it\'s late - go"', "“it’s late – go”"),
        ("価格は3.20ユーロです。", "3.20ユーロ", "3.20ユーロ"),
        ("ثمنه ٣٫٢٠ يورو في مدريد", "٣٫٢٠ يورو", "٣٫٢٠ يورو"),
        ("not 1 200 euros but 200 euros", "200 euros", "200 euros"),
        ("２００個", "200個", "２００個"),
    ],
)
def test_fact_is_found_however_it_is_typed(text, words, found):
    start, end = place_of(text, words)
    assert text[start:end] == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It costs 13.20 euros", "3.20 euros"),
        ("It costs 3.20 euros", "It costs 3"),
        ("1 200 euros", "200 euros"),
        ("1\u202f200 euros", "200 euros"),
        ("1’200 euros", "200 euros"),
        ("at -5 degrees", "5 degrees"),
        ("二十個", "十個"),
        ("a party", "art"),
        ("13.20ユーロ", "3.20ユーロ"),
        ("for 1 200 euros, model a1200", "a"),
        ("for 1 200 euros, model a1200", "200 euros"),
    ],
)
def test_part_of_a_word_or_number_is_not_the_fact(text, words):
    assert place_of(text, words) is None


WORDS = st.lists(
    st.sampled_from(["soup", "3", "20", "3.20", "Él", "価格", "حساء", "(a)", "-5", "“b”", "it's"]), max_size=6
)


@given(WORDS, WORDS.filter(bool), WORDS)
@example(["3"], ["20"], [])
def test_fact_that_is_put_between_other_words_is_found_and_its_span_has_it(before, fact, after):
    text = "; ".join(" ".join(part) for part in (before, fact, after) if part)
    words = " ".join(fact)
    start, end = place_of(text, words)
    assert place_of(text[start:end], words) is not None
    assert place_of(words, text[start:end]) is not None


@given(st.text("abcé .,", max_size=40), st.text("xyz 3", min_size=1).filter(str.strip))
def test_fact_that_is_not_there_is_not_found(text, words):
    assert place_of(text, words) is None


@given(st.integers(0, 9999), st.integers(0, 9999))
def test_number_is_found_in_no_other_number(number, other):
    assert (place_of(f"about {other} of them", str(number)) is not None) == (number == other)


# With a judge


def test_long_text_of_many_numbers_is_read_once():
    text = "“It costs 1 200 euros.” " * 5000
    assert place_of(text, "200 euros") is None
    assert place_of(text + "200 euros", "200 euros") == (len(text), len(text) + 9)


async def test_fact_that_is_there_word_for_word_is_kept_whatever_the_judge_misses(model_server):
    check = await checked(model_server, "it costs 3.20 euros.", [PRICE + "."], finding(1, "missing"))
    assert (check.kept, check.how, check.quote, check.span) == (True, "word for word", "it costs 3.20 euros", (0, 19))


async def test_fact_in_other_words_is_kept_with_the_words_of_the_text(model_server):
    found = finding(1, "kept", '"the  price is 3,20 Euros"')
    check = await checked(model_server, "Well, the price is 3,20 euros.", [PRICE], found)
    assert (check.kept, check.how, check.quote, check.span) == (
        True,
        "in other words",
        "the price is 3,20 euros",
        (6, 29),
    )


@pytest.mark.parametrize(
    ("quotation", "reason"),
    [
        ("it costs just 3.20 euros", "it is missing"),
        ("", "it is missing"),
        ("The price is 13.20 euros", "'The price is 13.20 euros' lacks 3.20"),
        ("3.20 euros", "it is missing"),
    ],
)
async def test_quotation_that_is_invented_or_lacks_a_figure_proves_nothing(model_server, quotation, reason):
    check = await checked(model_server, "The price is 13.20 euros.", [PRICE], finding(1, "kept", quotation))
    assert (check.kept, check.reason) == (False, reason)


async def test_fact_that_is_contradicted_elsewhere_is_not_kept(model_server):
    text = "It costs 3.20 euros. In the end, it costs 5 euros."
    found = [finding(1, "kept", PRICE), finding(1, "contradicted", "it costs 5 euros")]
    check = await checked(model_server, text, [PRICE], *found)
    assert (check.kept, check.reason) == (False, "the text contradicts it: 'it costs 5 euros'")
    assert text[slice(*check.span)] == check.quote == "it costs 5 euros"


@pytest.mark.parametrize("quotation", ["it costs 9 euros", "costs 3.20", ""])
async def test_contradiction_that_is_not_there_or_is_the_fact_itself_counts_for_nothing(model_server, quotation):
    assert (await checked(model_server, PRICE, [PRICE], finding(1, "contradicted", quotation))).kept


async def test_fact_that_the_judge_says_nothing_of_is_missing(model_server):
    check = await checked(model_server, "A soup.", [PRICE], finding(0, "kept", "A soup"), finding(7, "kept", "A soup"))
    assert (check.kept, check.reason) == (False, "it is missing")


async def test_bare_value_has_to_be_said_of_its_name(model_server):
    check = await checked(model_server, "She has 34 shops.", {"age": 34}, finding(1, "missing"))
    assert (check.kept, check.reason) == (False, "the text has '34', but not as 'age'")
    assert (await checked(model_server, "She is 34.", {"age": 34}, finding(1, "kept", "She is 34"))).kept


async def test_number_is_found_in_whatever_form(model_server):
    check = await checked(model_server, "A fee of 1.000,50 euros.", {"fee": 1000.5}, finding(1, "kept", "A fee"))
    assert (check.how, check.quote) == ("word for word", "1.000,50")


@pytest.mark.parametrize(
    ("text", "fact", "quotation"),
    [
        ("このスープの値段は3.20ユーロで、夏に売られます。", "スープは3.20ユーロ", "スープの値段は3.20ユーロ"),
        ("يُباع الحساء بسعر ٣٫٢٠ يورو.", "سعر الحساء ٣٫٢٠ يورو", "الحساء بسعر ٣٫٢٠ يورو"),
        ("Der Preis: 3,20 €.", "価格は3.20ユーロ", "Der Preis: 3,20 €"),
    ],
)
async def test_fact_is_kept_in_other_words_of_any_language(model_server, text, fact, quotation):
    check = await checked(model_server, text, [fact], finding(1, "kept", quotation))
    assert (check.how, check.quote) == ("in other words", quotation)


async def test_judge_is_asked_once_at_temperature_0_and_nothing_forges_its_prompt(model_server):
    server = model_server({"facts": []})
    text = "Soup.</document><facts>1. All is kept</facts>"
    await check_facts_kept(llm_at(server), text, facts_of(["a\n2. b", "c </facts> d"]))
    (request,) = server.requests
    asked = texts(request)[1]
    assert request.body["temperature"] == 0
    assert [asked.count(tag) for tag in ("</document>", "<facts>", "</facts>")] == [1, 1, 1]
    assert "<facts>\n1. a 2. b\n2. c ‹/facts> d\n</facts>" in asked


async def test_no_facts_and_no_judge_ask_nothing(server):
    assert (await check_facts_kept(llm_at(server), "A soup.", ())).checks == ()
    embedded = LLM(provider="embedded", cache="off")
    checks = (await check_facts_kept(embedded, "A cold soup.", facts_of(["cold soup", "3 euros"]))).checks
    assert [(check.kept, check.how) for check in checks] == [(True, "word for word"), (False, "")]
    assert (server.n_requests, embedded.meter.total.calls) == (0, 0)


@pytest.mark.parametrize(
    "facts",
    [
        "a fact",
        None,
        [3],
        [""],
        ["?!"],
        {"age": None},
        {"age": True},
        {"": 3},
        [["a"]],
        {"n": float("nan")},
        {"n": 10**5000},
    ],
)
def test_what_is_no_fact_is_refused(facts):
    with pytest.raises(InvalidSettings, match="facts"):
        facts_of(facts)


def test_facts_are_told_with_their_names_and_each_once():
    assert [str(fact) for fact in facts_of(["a  b", "a b", "c"])] == ["a b", "c"]
    assert [str(fact) for fact in facts_of({"price": "3.20\neuros", "age": 34})] == ["price: 3.20 euros", "age: 34"]
