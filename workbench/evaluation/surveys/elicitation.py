"""How an answer is got from a person: plainly, after words, from probabilities, or from the meaning of words.

Asked for a number, models collapse to the middle of a scale. What a person says in words, and how likely the model
finds each option, spreads more as people do (https://arxiv.org/abs/2510.08338).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, create_model

from workbench.errors import ContentFiltered, PromptTooLong, UnreadableAnswer
from workbench.evaluation.surveys.anchors import likert_probabilities
from workbench.evaluation.surveys.putting import Put, events_shown
from workbench.evaluation.surveys.questions import LETTERS, Choice, Code, MultiChoice, Question, Ranking
from workbench.evaluation.surveys.scales import FreeText, Likert
from workbench.llm.client import LLM
from workbench.llm.option_probabilities import option_probabilities
from workbench.llm.seeds import derive_seed

Method = Literal["answer", "follow_up", "probability", "similarity"]

PURPOSE = "survey"
CLEAR = 0.9
"""The probability that options have together, under which the table says it."""
STATED = "the probabilities are stated by the model: those of its tokens are not given, or tell nothing"
_FREE = FreeText("In your own words.")


@dataclass(frozen=True)
class Elicited:
    """What was got from a person."""

    value: Any = None
    """As tables have it; None where it is missing."""
    reason: str = ""
    probabilities: dict[Code, float] | None = None
    """Of each option or point, in the order of the question."""
    events: tuple[int, ...] = ()
    missing: str = ""
    """Why there is no answer."""
    note: str = ""
    method: Method = "answer"
    call: str = ""
    """The model call that it rests on; the last of several."""


async def elicit(put: Put, llm: LLM, method: Method, *, seed: int, sample: int) -> Elicited:
    """Get an answer.

    An answer that cannot be read after all repair rounds, that the provider withholds, or whose question does not fit
    the model's context, is missing, with the reason.

    Args:
        put: the question, put to a person.
        llm: the model.
        method: how; a question that it is not for is asked plainly, and the result says so.
        seed: of the requests, and of the draw from probabilities.
        sample: the number of the replicate.

    Raises:
        ModelError: the model could not be asked.
    """
    suits = method if _suits(method, put.question) else "answer"
    try:
        return replace(await _WAYS[suits](put, llm, seed, sample), method=suits)
    except (UnreadableAnswer, ContentFiltered, PromptTooLong) as error:
        return Elicited(missing=" ".join(str(error).split()), method=suits)


def _suits(method: Method, question: Question) -> bool:
    if method == "probability":
        return isinstance(question, Likert | Choice) and not isinstance(question, MultiChoice | Ranking)
    return isinstance(question, Likert) if method == "similarity" else not isinstance(question, FreeText)


async def _answer(put: Put, llm: LLM, seed: int, sample: int) -> Elicited:
    reply = await llm.complete(
        put.messages(llm), put.answer_model(llm), purpose=PURPOSE, person=put.name, seed=seed, sample=sample
    )
    given: Any = reply.value
    return Elicited(
        put.question.value(given.answer, put.order),
        reason=getattr(given, "reason", ""),
        events=events_shown(put.scene, getattr(given, "events", ())),
        call=reply.call,
    )


async def _follow_up(put: Put, llm: LLM, seed: int, sample: int) -> Elicited:
    said = await _answer(put.in_words(_FREE, shown=not isinstance(put.question, Likert)), llm, seed, sample)
    then = await _answer(put.after(said.value), llm, derive_seed(seed, "then"), sample)
    return replace(then, reason=said.value, events=tuple(dict.fromkeys((*said.events, *then.events))))


async def _similarity(put: Put, llm: LLM, seed: int, sample: int) -> Elicited:
    said = await _answer(put.in_words(_FREE, shown=False), llm, seed, sample)
    assert isinstance(put.question, Likert)
    probabilities = await likert_probabilities(llm, said.value, put.question)
    note = f"anchors: {put.question.anchors}" if isinstance(put.question.anchors, str) else "anchors: as given"
    drawn = _drawn(probabilities, seed, sample)
    return replace(drawn, reason=said.value, events=said.events, call=said.call, note=note)


async def _probability(put: Put, llm: LLM, seed: int, sample: int) -> Elicited:
    if len(put.order) > len(LETTERS):
        return await _stated(put, llm, seed, sample)
    asked = put.lettered()
    labels = [label for label, _ in asked.shown]
    messages = asked.messages(llm, alone=True)
    found = await option_probabilities(llm, messages, labels, purpose=PURPOSE, person=put.name, seed=seed)
    if found is None:
        return await _stated(put, llm, seed, sample)
    note = "" if found.mass >= CLEAR else f"all options together had a probability of {found.mass:.2f}"
    return replace(_drawn(_by_code(put, found.probabilities), seed, sample), call=found.call, note=note)


async def _stated(put: Put, llm: LLM, seed: int, sample: int) -> Elicited:
    """Ask the model to say in per cent how likely each answer is."""
    how = f"a list of {len(put.order)} numbers: how likely you are to give each answer, in per cent, in their order"
    reply = await llm.complete(
        put.messages(llm, reason=False, how=how),
        _percentages(len(put.order)),
        purpose=PURPOSE,
        person=put.name,
        seed=seed,
        sample=sample,
    )
    given: list[float] = reply.value.answer  # type: ignore[attr-defined]
    found = _by_code(put, [one / math.fsum(given) for one in given])
    return replace(_drawn(found, seed, sample), call=reply.call, note=STATED)


@cache
def _percentages(n: int) -> type[BaseModel]:
    def checked(given: list[float]) -> list[float]:
        if len(given) != n or any(not 0 <= one <= 100 for one in given) or not sum(given):
            raise ValueError(f"{n} numbers from 0 to 100 are needed, one for each option, in all 100")
        return given

    return create_model("Percentages", answer=(Annotated[list[float], AfterValidator(checked)], ...))


def _by_code(put: Put, probabilities: Sequence[float]) -> dict[Code, float]:
    """Return probabilities by code, in the order of the question and not in that in which options were shown."""
    found = dict(zip(put.order, probabilities, strict=True))
    codes: Iterable[Code] = put.question.points if isinstance(put.question, Likert) else found
    if isinstance(put.question, Choice):
        codes = put.question.options
    return {code: found[code] for code in codes}


def _drawn(probabilities: dict[Code, float], seed: int, sample: int) -> Elicited:
    random = Random(derive_seed(seed, "draw", sample))  # noqa: S311  # no secret
    value = random.choices(list(probabilities), list(probabilities.values()))[0]
    return Elicited(value, probabilities=probabilities)


_WAYS: dict[Method, Callable[[Put, LLM, int, int], Coroutine[Any, Any, Elicited]]] = {
    "answer": _answer,
    "follow_up": _follow_up,
    "probability": _probability,
    "similarity": _similarity,
}
