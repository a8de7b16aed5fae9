"""`enrich` and `restyle`: a text made longer, or written in another style, around facts that are fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from workbench.errors import FactsNotKept, InvalidSettings, ModelError, RewritingFailed
from workbench.extraction.rewritten_text import RewrittenText, times_as_long
from workbench.judging.kept_facts import CheckedFacts, Fact, FactCheck, FixedFacts, check_facts_kept, facts_of
from workbench.judging.quotations import find_quotation
from workbench.llm.calls import Message, asked_of
from workbench.llm.client import LLM, default_llm
from workbench.llm.meter import Budget
from workbench.llm.seeds import derive_seed
from workbench.prompts import render
from workbench.record.telling import quote

ATTEMPTS = 3
"""How often a text is asked for before that is an error."""
NEARLY = 0.9
"""The share of the length asked for that a text has to reach: models do not count words."""
LONGEST = 20
"""Times the original: more is asked of no model in one answer."""

_PAST = {"enrich": "enriched", "restyle": "restyled"}


async def enrich(
    text: str,
    *,
    requirements: str = "",
    context: str = "",
    facts: FixedFacts = (),
    times: float | None = None,
    llm: LLM | None = None,
    attempts: int = ATTEMPTS,
    seed: int = 0,
    budget: Budget | None = None,
) -> RewrittenText:
    """Make a text longer and more detailed, and hold the model to facts that are fixed.

    Each fact has to stand in the new text, and nothing in it may contradict one: what a text has word for word is found
    without a model, and one request an attempt puts all facts to the model as a judge, whose quotations are verified
    (`judging.kept_facts`; the embedded model is no judge: with it, facts have to be there word for word). A text that
    loses facts, or is too short, is asked for again with what is wrong. It is written at the model's own temperature,
    and judged at 0. The language stays unless the requirements ask for another. Of many texts, `asyncio.gather` the
    calls.

    Args:
        text: to be enriched.
        requirements: what it is to become, such as "with headings, for readers without a technical background".
        context: what the model is to know, such as "a memo to the board"; material, not an instruction.
        facts: sentences, or values by name: `{"price": "3.20 euros", "age": 34}`. They may be new to the text, and are
            then worked in. One that the text itself contradicts cannot be kept: that is for you to decide.
        times: how many times as many words as the original it has to have, more than 1 and up to 20; a tenth less is
            let pass. It has to be longer in any case.
        llm: that writes and judges; the one of the settings when not given.
        attempts: how often the text is asked for, 1 or more.
        seed: another one gives another text.
        budget: what may be spent, on all attempts.

    Returns:
        the text (`str` of it), the original, the facts as a table, the attempts, the call, and what they cost (`usd`).

    Raises:
        InvalidSettings: an empty text, facts that are none, or a number out of its range.
        FactsNotKept: no attempt kept all facts: they are named, and the last text is in the error's `text`.
        RewritingFailed: in every attempt the answer was empty or too short.
        UnreadableAnswer: no readable answer, or one that was cut at the token limit.
        PromptTooLong: the text does not fit the model's context.
        ModelError: the endpoint failed.
        BudgetSpent: the next request could break the budget; what was answered is in the call cache.
    """
    number = isinstance(times, int | float) and not isinstance(times, bool)
    if times is not None and not (number and 1 < times <= LONGEST):
        raise InvalidSettings(f"times={times!r}: more than 1 and up to {LONGEST} times as long can be asked for")
    order = _Order("enrich", text, requirements, context, facts_of(facts), times=times)
    return await _rewritten(order, (llm or default_llm()).metered(budget), attempts, seed)


async def restyle(
    text: str,
    style: str,
    *,
    requirements: str = "",
    context: str = "",
    facts: FixedFacts = (),
    llm: LLM | None = None,
    attempts: int = ATTEMPTS,
    seed: int = 0,
    budget: Budget | None = None,
) -> RewrittenText:
    """Write a text in another style, and hold the model to facts that are fixed; as `enrich` does.

    Args:
        text: to be restyled.
        style: such as "as a letter of an angry customer".
        requirements: what else it has to be, such as "under 200 words, in Spanish".
        context: what the model is to know; material, not an instruction.
        facts: as for `enrich`.
        llm: that writes and judges; the one of the settings when not given.
        attempts: how often the text is asked for, 1 or more.
        seed: another one gives another text.
        budget: what may be spent, on all attempts.

    Returns:
        the text (`str` of it), the original, the facts as a table, the attempts, the call, and what they cost (`usd`).

    Raises:
        InvalidSettings: an empty text or style, facts that are none, or no attempts.
        FactsNotKept: no attempt kept all facts: they are named, and the last text is in the error's `text`.
        RewritingFailed: in every attempt the answer was empty, or the original.
        UnreadableAnswer: no readable answer, or one that was cut at the token limit.
        PromptTooLong: the text does not fit the model's context.
        ModelError: the endpoint failed.
        BudgetSpent: the next request could break the budget; what was answered is in the call cache.
    """
    if not isinstance(style, str) or not style.strip():
        raise InvalidSettings("style: how is the text to be written? Say it: 'as a letter of an angry customer'")
    order = _Order("restyle", text, requirements, context, facts_of(facts), style=style)
    return await _rewritten(order, (llm or default_llm()).metered(budget), attempts, seed)


class _Document(BaseModel):
    text: str


@dataclass(frozen=True)
class _Order:
    """What is wanted."""

    purpose: Literal["enrich", "restyle"]
    text: str
    requirements: str
    context: str
    facts: tuple[Fact, ...]
    times: float | None = None
    style: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not self.text.strip():
            raise InvalidSettings("text: there is nothing to rewrite: give a text with words")
        for name in ("requirements", "context"):
            if not isinstance(getattr(self, name), str):
                raise InvalidSettings(f"{name}={getattr(self, name)!r}: a text is needed, or nothing")

    def messages(self) -> list[Message]:
        """Return the messages of the first request."""
        listed = "".join(f"- {fact}\n" for fact in self.facts)
        user = render(
            "document_user",
            document=quote("document", self.text),
            context=quote("context", self.context) if self.context.strip() else "",
            facts=quote("facts", f"\n{listed}") if listed else "",
            style=self.style.strip(),
            times=f"{self.times:g}" if self.times else "",
            requirements=self.requirements.strip(),
        )
        return asked_of(render(f"{self.purpose}_system"), user.rstrip())

    def flaw(self, text: str) -> str:
        """Return what is wrong with a text whatever its facts are; empty where nothing is."""
        if not text.strip():
            return "it is empty"
        if text.split() == self.text.split():
            return "it is the document as it was, and nothing else"
        longer = times_as_long(text, self.text)
        if self.purpose == "enrich" and longer <= 1:
            return "it is no longer than the document was"
        if self.times and longer < NEARLY * self.times:
            return f"it is {longer:.1f} times as long as the document, and has to be {self.times:g} times as long"
        return ""


@dataclass(frozen=True)
class _Attempt:
    """What an attempt came to."""

    text: str
    flaw: str
    facts: CheckedFacts

    @property
    def problems(self) -> list[str]:
        """What is wrong with it, a line each."""
        return [
            *filter(None, [self.flaw]),
            *(f"{check.fact!r} is fixed: {check.reason}" for check in self.facts.broken),
        ]


async def _rewritten(order: _Order, llm: LLM, attempts: int, seed: int) -> RewrittenText:
    """Ask for a text; one that will not do is asked for again, with what is wrong, and is an error in the end.

    The embedded model would lose itself in what is wrong: it is asked the same again, with another seed.
    """
    if not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 1:
        raise InvalidSettings(f"attempts={attempts!r}: a whole number is needed, 1 or more")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise InvalidSettings(f"seed={seed!r}: a whole number is needed")
    first = messages = order.messages()
    calls: list[str] = []
    for number in range(1, attempts + 1):
        asked: dict[str, Any] = {"purpose": order.purpose, "seed": derive_seed(order.purpose, seed, number)}
        reply = await llm.complete(messages, _Document, **asked)
        text = reply.value.text
        facts = await check_facts_kept(llm, text, order.facts) if text.strip() else CheckedFacts(())
        attempt = _Attempt(text, order.flaw(text), facts)
        if not attempt.problems:
            return _text(order, attempt, number, reply.call, llm)
        calls += filter(None, [reply.call, facts.call])
        messages = first if llm.is_embedded else [*first, *_objection(reply.text, attempt.problems)]
    llm.forget(calls)
    raise _failed(order, attempt, attempts)


def _text(order: _Order, attempt: _Attempt, attempts: int, call: str, llm: LLM) -> RewrittenText:
    total = llm.meter.total
    return RewrittenText(
        attempt.text,
        order.text,
        order.purpose,
        attempt.facts.checks,
        attempts,
        call,
        llm.caveat,
        n_calls=total.calls,
        n_from_cache=total.from_cache,
        usd=total.usd,
    )


def _objection(text: str, problems: Sequence[str]) -> list[Message]:
    told = render("document_again", problems=problems)
    return [{"role": "assistant", "content": text}, {"role": "user", "content": told.rstrip()}]


def _failed(order: _Order, last: _Attempt, attempts: int) -> ModelError:
    what = f"the text could not be {_PAST[order.purpose]} in {attempts} attempt{'s' if attempts != 1 else ''}"
    told = f"{what}: {'; '.join(last.problems)}. The last text is in the error's `text`. "
    if not last.facts.broken:
        advice = "A larger model may help, or other requirements."
        return RewritingFailed(told + advice, attempts=attempts, text=last.text)
    names = tuple(check.fact for check in last.facts.broken)
    told += _advice(order, last.facts.broken)
    return FactsNotKept(told, attributes=names, attempts=attempts, text=last.text)


def _advice(order: _Order, broken: Sequence[FactCheck]) -> str:
    """Return what is to be done; what contradicts a fact may be the user's own text."""
    own = [check.quote for check in broken if check.quote and find_quotation(order.text, check.quote)]
    if own:
        return f"Your own text says {', '.join(map(repr, own))}: change it, or the facts."
    return "A larger model may help, or facts in the words that you want to see."
