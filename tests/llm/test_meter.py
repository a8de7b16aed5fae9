from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.llm.doubles import ask, llm_at
from tests.model_server import Reply
from workbench.errors import InvalidSettings
from workbench.llm.calls import Usage
from workbench.llm.client import LLM
from workbench.llm.meter import Meter, Price, price_of

USAGES = st.builds(lambda p, c, o: Usage(p, min(c, p), o), *[st.integers(0, 10**6)] * 3)
CALLS = st.lists(
    st.tuples(
        st.sampled_from(["turn", "judge"]),
        st.sampled_from(["Lisa", "Oscar", None]),
        st.sampled_from(["small", "large"]),
        USAGES,
        st.none() | st.floats(0, 100),
    )
)


def prices_file(folder: Path, content: Any) -> Path:
    path = folder / "prices.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def metered(calls: list[Any]) -> Meter:
    meter = Meter()
    for purpose, person, model, usage, usd in calls:
        meter.add(purpose, person, model, usage, usd)
    return meter


# What is counted


async def test_meter_counts_by_purpose_person_and_model(model_server):
    server = model_server(lambda body: Reply("Yes.", prompt_tokens=10, cached_tokens=4, completion_tokens=3))
    llm = llm_at(server, model="gpt-4.1-mini")
    for purpose, person in [("turn", "Oscar"), ("turn", "Lisa"), ("turn", "Lisa"), ("judge", None)]:
        await ask(llm, purpose=purpose, person=person)
    frame = llm.meter.to_frame()
    assert frame[["purpose", "person", "model", "calls"]].to_numpy().tolist() == [
        ["judge", "", "gpt-4.1-mini", 1],
        ["turn", "Lisa", "gpt-4.1-mini", 2],
        ["turn", "Oscar", "gpt-4.1-mini", 1],
    ]
    assert frame[["prompt_tokens", "cached_tokens", "completion_tokens"]].to_numpy().tolist()[1] == [20, 8, 6]
    assert frame["usd"][0] == pytest.approx((6 * 0.4 + 4 * 0.1 + 3 * 1.6) / 1e6)


async def test_meter_counts_answers_from_the_cache_apart(server, tmp_path):
    for _ in range(3):
        llm = llm_at(server, cache=tmp_path, model="gpt-4.1-mini")
        await ask(llm)
    assert (llm.meter.total.calls, llm.meter.total.from_cache) == (0, 1)
    assert (llm.meter.total.usage, llm.meter.total.usd) == (Usage(), 0)
    assert llm.meter.to_frame()[["calls", "from_cache", "usd"]].to_numpy().tolist() == [[0, 1, 0]]


async def test_meter_of_a_view_counts_in_both(server):
    llm = llm_at(server)
    one, other = llm.metered(), llm.metered()
    await ask(one)
    await ask(other, "Why?")
    assert [meter.total.calls for meter in (llm.meter, one.meter, other.meter)] == [2, 1, 1]


@settings(max_examples=30, deadline=None)
@given(CALLS, st.sets(st.sampled_from(["purpose", "person", "model"]), min_size=1))
def test_meter_adds_up_by_any_heading(calls, by):
    meter = metered(calls)
    frame = meter.to_frame(sorted(by))
    assert frame["calls"].sum() == len(calls) == meter.total.calls
    assert frame["prompt_tokens"].sum() == sum(usage.prompt for *_, usage, _ in calls)
    known = all(usd is not None for *_, usd in calls)
    assert frame["usd"].notna().all() == known == (meter.total.usd is not None)


@settings(max_examples=30, deadline=None)
@given(CALLS)
def test_meter_is_kept_in_a_run_file_whole(calls):
    meter, again = metered(calls), Meter()
    again.restore(json.loads(json.dumps(meter.rows())))
    assert again.total.calls == meter.total.calls
    assert again.total.usage == meter.total.usage
    assert again.unpriced == meter.unpriced


@pytest.mark.parametrize("by", ["person", ("person",), ["person"]])
def test_frame_has_one_row_a_heading(by):
    frame = metered([("turn", "Lisa", "m", Usage(1, 0, 1), 0.5), ("judge", "Lisa", "m", Usage(1, 0, 1), 0.5)]).to_frame(
        by
    )
    assert frame.columns.tolist()[:2] == ["person", "calls"]
    assert frame[["person", "calls", "usd"]].to_numpy().tolist() == [["Lisa", 2, 1.0]]


def test_frame_by_what_is_not_there_is_named():
    with pytest.raises(InvalidSettings, match=r"'step'.*purpose, person, model"):
        Meter().to_frame(["step"])


def test_empty_meter_has_an_empty_frame():
    frame = Meter().to_frame()
    assert (len(frame), frame["calls"].dtype.kind, frame["usd"].dtype.kind) == (0, "i", "f")
    assert str(Meter()) == "0 calls, 0 from the cache, 0 tokens, $0.0000"


# Money


async def test_price_that_is_not_known_is_nan_and_said(server):
    llm = llm_at(server, model="house-model")
    await ask(llm)
    assert llm.price is None
    assert math.isnan(llm.meter.to_frame()["usd"][0])
    assert "no price known for house-model: tokens only" in str(llm.meter)
    assert "$" not in llm.meter.brief


def test_price_that_is_not_known_hides_no_other():
    meter = metered([("turn", "a", "known", Usage(1, 0, 1), 0.25), ("turn", "a", "unknown", Usage(1, 0, 1), None)])
    assert meter.to_frame(["model"])["usd"].fillna(-1).tolist() == [0.25, -1]
    assert math.isnan(meter.to_frame(["purpose"])["usd"][0])
    assert meter.unpriced == ["unknown"]


@given(USAGES)
def test_price_counts_tokens_of_the_prefix_cache_once(usage):
    plain, cheap = Price(2, 8), Price(2, 8, cached=1)
    assert plain.of(usage) == pytest.approx((usage.prompt * 2 + usage.completion * 8) / 1e6)
    assert cheap.of(usage) == pytest.approx(plain.of(usage) - usage.cached / 1e6)


@pytest.mark.parametrize(
    ("dated", "family"),
    [("gpt-4.1-mini-2025-04-14", "gpt-4.1-mini"), ("gpt-4o-2024-11-20", "gpt-4o"), ("o3-2025-04-16", "o3")],
)
def test_price_of_a_dated_model_is_that_of_its_family(dated, family):
    assert price_of(dated) == price_of(family) is not None


@pytest.mark.parametrize("model", ["", "gpt-9", "gpt-4.1-mini-2025", "ft:gpt-4o-mini-2024-07-18:me", "openai/gpt-4o"])
def test_price_of_another_model_is_not_guessed(model):
    assert price_of(model) is None


def test_prices_that_are_shipped_are_sound():
    path = Path(__file__).parents[2] / "workbench/data/prices.json"
    for name in json.loads(path.read_text())["models"]:
        price = price_of(name)
        assert 0 <= (price.cached or 0) <= price.prompt
        assert price.completion >= 0


async def test_prices_of_a_file_go_before_those_shipped(server, tmp_path, monkeypatch):
    mine = {"gpt-4.1-mini": {"prompt": 1, "completion": 2}, "house-model": {"prompt": 3, "completion": 4}}
    monkeypatch.setenv("WORKBENCH_PRICES", str(prices_file(tmp_path, {"models": mine})))
    assert llm_at(server, model="gpt-4.1-mini").price == Price(1, 2)
    assert llm_at(server, model="house-model").price == Price(3, 4)
    assert llm_at(server, model="gpt-4.1").price == price_of("gpt-4.1")


@pytest.mark.parametrize(
    "content",
    [
        "not JSON",
        "[]",
        {},
        {"models": []},
        {"models": {"m": 3}},
        {"models": {"m": {"prompt": 1}}},
        {"models": {"m": {"prompt": 1, "completion": 1, "colour": 1}}},
        {"models": {"m": {"prompt": "free", "completion": 0}}},
        {"models": {"m": {"prompt": -1, "completion": 0}}},
        {"models": {"m": {"prompt": float("nan"), "completion": 0}}},
    ],
)
def test_prices_that_cannot_be_are_told_before_anything_is_sent(tmp_path, monkeypatch, content):
    path = prices_file(tmp_path, content)
    monkeypatch.setenv("WORKBENCH_PRICES", str(path))
    with pytest.raises(InvalidSettings, match=r"prices\.json: not a table of prices"):
        LLM("gpt-4.1-mini", api_key="sk-x", cache="off")


def test_prices_that_are_not_there_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_PRICES", str(tmp_path / "nowhere.json"))
    with pytest.raises(InvalidSettings, match=r"nowhere\.json"):
        LLM("gpt-4.1-mini", api_key="sk-x", cache="off")


# How it shows itself


def test_meter_shows_itself():
    meter = metered([("turn", "<b>Lisa</b>", "m", Usage(1500, 0, 0), 0.5)])
    meter.add_cached("turn", "Oscar", "m")
    assert str(meter) == "1 calls, 1 from the cache, 1,500 tokens, $0.5000"
    assert meter.brief == "1 calls +1 cached, 1.5k tokens, $0.5000"
    assert "&lt;b&gt;Lisa" in meter._repr_html_()
