from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

from tests.llm.doubles import Opinion, ask, llm_at, run_python
from tests.model_server import Capabilities, Reply
from workbench.errors import AnswerTooLong, UnreadableAnswer
from workbench.llm.structured import NotOfSchema, is_strict, read, schema_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCRIPTS = {
    "greek": "καλημέρα",
    "chinese": "你好，世界",
    "arabic": "مرحبا بالعالم",
    "devanagari": "नमस्ते दुनिया",
    "cyrillic": "привет, мир",
    "emoji": "👩‍👩‍👧 🏳️‍🌈 \U0001f642",
    "quotes": "\"double\" 'single' \\ backslash `tick` “curly”",
    "lines": "a\nb\r\nc\td\u2028e\u2029f\x85g\x0bh\x1ci",
    "control": "".join(map(chr, range(32))) + "\x7f",
    "code": '```json\n{"text": "not this one"}\n```',
    "escapes": r"\n \u0041 \" \\ %s {0} {{name}} ${HOME}",
    "html": "<script>alert(1)</script>",
}


class Item(BaseModel):
    name: str = "nothing"
    count: int | None = Field(None, title="How many", ge=0)


class Basket(BaseModel):
    items: list[Item]
    kind: Literal["big", "small"]


class Open(BaseModel):
    by_name: dict[str, int]


# The schema as endpoints want it


def test_schema_names_every_key_and_allows_no_other():
    schema = schema_of(Basket)
    for one in (schema, schema["$defs"]["Item"]):
        assert one["required"] == list(one["properties"])
        assert one["additionalProperties"] is False
    assert not any(word in json.dumps(schema) for word in ('"title"', '"default"'))


def test_schema_keeps_fields_with_the_names_of_keywords():
    class Page(BaseModel):
        title: str
        default: int = 3

    assert list(schema_of(Page)["properties"]) == ["title", "default"]


@pytest.mark.parametrize(
    ("kind", "strict"),
    [(Any, False), (list, False), (list[Any], False), (tuple[int, str], False), (set[str], True), (list[str], True)],
)
def test_types_that_strict_mode_does_not_know_are_sent_loose(kind, strict):
    schema = schema_of(create_model("Row", items=(list[str], ...), value=(kind, ...)))
    assert is_strict(schema) == strict
    assert "uniqueItems" not in str(schema)


@pytest.mark.parametrize(("model", "strict"), [(Opinion, True), (Basket, True), (Open, False)])
async def test_schema_is_strict_where_it_can_be(server, model, strict):
    assert is_strict(schema_of(model)) == strict
    await ask(llm_at(server), schema=model)  # the server refuses `strict` where OpenAI does
    assert server.requests[0].body["response_format"]["json_schema"].get("strict", False) == strict
    assert server.n_requests == 1


# What comes back


@given(TEXTS, st.booleans())
def test_text_survives_byte_for_byte(text, ascii_only):
    assert read(json.dumps({"text": text}, ensure_ascii=ascii_only), Opinion).text == text


@given(
    TEXTS,
    st.sampled_from(["Of course!\n", "```json\n", "```\n", "Here:\n\n```json\n"]),
    st.sampled_from(["", "\n```", "\nAnything else?"]),
)
def test_text_survives_prose_and_fences(text, before, after):
    assert read(before + json.dumps({"text": text}) + after, Opinion).text == text


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize("ascii_only", [True, False], ids=["escaped", "plain"])
async def test_text_survives_the_way_and_the_cache(model_server, tmp_path, text, ascii_only):
    server = model_server(json.dumps({"text": text}, ensure_ascii=ascii_only))
    first = await ask(llm_at(server, cache=tmp_path), text, Opinion)
    again = await ask(llm_at(server, cache=tmp_path), text, Opinion)
    assert first.value.text == again.value.text == text
    assert server.requests[0].body["messages"][0]["content"] == text
    assert (again.cached, server.n_requests) == (True, 1)


def test_control_characters_may_stand_as_they_are():
    assert read('{"text": "one\ntwo\tthree\x01"}', Opinion).text == "one\ntwo\tthree\x01"


@pytest.mark.parametrize(
    "text",
    [
        '{name} would say:\n```json\n{"text": "Yes."}\n```',
        '```\nlet me think\n```\nSo: {"text": "Yes."}',
        '\ufeff{"text": "Yes."}',
        '<think>It asks for {text}.</think>\n{"text": "Yes."}',
        '{"text": "Yes."}\n{"text": "Or no."}',
    ],
)
def test_json_is_found_among_other_things(text):
    assert read(text, Opinion).text == "Yes."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("Yes.", "no {"),
        ("{text: Yes}", "not JSON"),
        ('{"text": "Yes', "not JSON"),
        ("[]", "no {"),
        ('{"text": 3}', "text: Input should be a valid string"),
        ("{}", "text: Field required"),
        ('{"text": "\\ud83d"}', "surrogate"),
        ('{"text": "\ud83d"}', "surrogate"),
        ('{"text": ' + "[" * 100_000, "not JSON"),
        ('{"text": ' + '{"a": ' * 100_000, "not JSON"),
        ('{"text": ' + "9" * 100_000 + "}", "not JSON"),
    ],
)
def test_what_is_not_of_the_schema_says_why(text, said):
    with pytest.raises(NotOfSchema, match=said) as caught:
        read(text, Opinion)
    assert len(str(caught.value)) < 500


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_comes_is_read_or_refused(value: Any):
    with suppress(NotOfSchema):
        assert read(json.dumps(value), Opinion).text == value["text"]


@given(st.text())
def test_garbage_is_refused(text):
    with pytest.raises(NotOfSchema):
        read(text, Basket)


# Repair rounds


async def test_malformed_answer_is_asked_for_again(model_server):
    server = model_server(['{"text": 3}', '{"text": "Yes."}'])
    reply = await ask(llm_at(server), schema=Opinion)
    assert reply.value == Opinion(text="Yes.")
    asked, bad, told = server.requests[1].body["messages"]
    assert asked == server.requests[0].body["messages"][0]
    assert bad == {"role": "assistant", "content": '{"text": 3}'}
    assert "text: Input should be a valid string" in told["content"]


async def test_repair_counts_every_round(model_server):
    server = model_server(
        [Reply("no", prompt_tokens=5, completion_tokens=1), Reply('{"text": ""}', prompt_tokens=9, completion_tokens=4)]
    )
    llm = llm_at(server)
    reply = await ask(llm, schema=Opinion)
    assert (reply.usage.prompt, reply.usage.completion) == (14, 5)
    assert (llm.meter.total.calls, llm.meter.total.usage) == (2, reply.usage)


async def test_repaired_answer_comes_from_the_cache_whole(model_server, tmp_path):
    server = model_server(["no", '{"text": "Yes."}'])
    first = await ask(llm_at(server, cache=tmp_path), schema=Opinion)
    again = await ask(llm_at(server, cache=tmp_path), schema=Opinion)
    assert (again.value, again.call, again.cached) == (first.value, first.call, True)
    assert server.n_requests == 2


async def test_three_bad_answers_are_unreadable(model_server):
    server = model_server(["one", "two", "thr\x00ee", '{"text": "too late"}'])
    with pytest.raises(UnreadableAnswer, match=r"turn of Lisa.*3 round.*no {") as caught:
        await ask(llm_at(server), schema=Opinion, purpose="turn", person="Lisa")
    assert (caught.value.text, caught.value.purpose, caught.value.person) == ("thr\x00ee", "turn", "Lisa")
    assert server.n_requests == 3


async def test_unreadable_answer_is_not_kept(model_server, tmp_path):
    server = model_server(["one", "two", "three", '{"text": "Yes."}'])
    with pytest.raises(UnreadableAnswer):
        await ask(llm_at(server, cache=tmp_path), schema=Opinion)
    assert (await ask(llm_at(server, cache=tmp_path), schema=Opinion)).value.text == "Yes."
    assert server.n_requests == 4


async def test_answer_cut_at_the_limit_is_asked_for_again(model_server):
    server = model_server([Reply('{"text": "Yes', finish_reason="length"), '{"text": "Yes."}'])
    assert (await ask(llm_at(server), schema=Opinion)).value.text == "Yes."
    assert "cut off" in server.requests[1].body["messages"][-1]["content"]


async def test_answer_cut_at_the_limit_is_refused_at_once_for_those_who_can_ask_for_less(model_server, tmp_path):
    server = model_server([Reply('{"text": "Yes', finish_reason="length")])
    for _ in range(2):  # kept: what goes on after a stop finds again that it has to ask for less
        with pytest.raises(AnswerTooLong, match="cut off at the limit"):
            await ask(llm_at(server, cache=tmp_path), schema=Opinion, when_cut="raise")
    assert server.n_requests == 1


async def test_text_cut_at_the_limit_is_unreadable(model_server, tmp_path):
    server = model_server([Reply("Ye", finish_reason="length"), "Yes."])
    llm = llm_at(server, cache=tmp_path)
    with pytest.raises(UnreadableAnswer, match="cut off at the limit") as caught:
        await ask(llm)
    assert caught.value.text == "Ye"
    assert (await ask(llm)).text == "Yes."


@pytest.mark.parametrize("bad", ['{"text": "\\ud83d"}', '{"text": "half \ud83d"}', "\udc00"])
async def test_half_of_a_pair_is_asked_for_again(model_server, tmp_path, bad):
    server = model_server([bad, '{"text": "🙂"}'])
    reply = await ask(llm_at(server, cache=tmp_path), schema=Opinion)
    assert reply.value.text == "🙂"
    assert "surrogate" in server.requests[1].body["messages"][-1]["content"]


async def test_endless_brackets_are_asked_for_again(model_server):
    """What small models do when they lose the thread."""
    server = model_server(['{"text": ' + "[" * 20_000, '{"text": "Yes."}'])
    assert (await ask(llm_at(server), schema=Opinion)).value.text == "Yes."


async def test_schema_is_told_where_the_endpoint_ignored_it(model_server):
    """Some servers accept `response_format` and do nothing with it: the model has not seen the schema yet."""
    server = model_server(capabilities=Capabilities(ignores=["json_schema", "json_object"]))
    reply = await ask(llm_at(server), schema=Basket)
    assert reply.value.items
    assert server.n_requests == 2


async def test_malformed_answers_now_and_then_are_all_mended(model_server):
    server = model_server(malformed_rate=0.3)
    llm = llm_at(server, concurrency=8)
    values = [(await ask(llm, f"Question {n}", Basket)).value for n in range(20)]
    assert all(isinstance(value, Basket) for value in values)
    assert 20 < server.n_requests < 45


def test_reading_loads_no_client():
    out = run_python("import workbench.llm.structured, workbench.llm.client, sys; print('openai' in sys.modules)")
    assert out.strip() == "False"
