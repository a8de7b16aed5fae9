"""How likely a text is in a context, and how much likelier a persona makes what somebody said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from workbench.errors import InvalidSettings
from workbench.llm.calls import Answer, Request
from workbench.llm.running import together
from workbench.prompts import render

if TYPE_CHECKING:
    from workbench.llm.client import LLM


@dataclass(frozen=True)
class TextLikelihood:
    """The log-probabilities of the tokens of a text, each after the context and the tokens before it."""

    tokens: tuple[str, ...]
    logprobs: tuple[float, ...]
    """In nats."""
    call: str

    @property
    def total(self) -> float:
        """The logarithm of P(text | context)."""
        return math.fsum(self.logprobs)

    @property
    def per_token(self) -> float:
        """The same by the token: texts of any length can be compared."""
        return self.total / len(self.logprobs)


@dataclass(frozen=True)
class LikelihoodRatio:
    """How much likelier a persona makes a text than contexts that say nothing of anybody."""

    value: float
    """The mean over the neutral contexts, in nats a token. It ranks texts of one persona, and is no score."""
    against: tuple[float, ...]
    """The same against each neutral context."""
    n_tokens: int
    calls: tuple[str, ...]
    """With the persona, then with each neutral context."""


async def text_logprob(
    llm: LLM, context: str, text: str, *, purpose: str, person: str | None = None
) -> TextLikelihood | None:
    """Return how likely a model is to go on with a text after a context.

    Both go to the model as they are, without a chat template. Where a text begins with a word, let it begin with the
    space before it: so it is cut into the same tokens after any context.

    Args:
        llm: the model, with its cache, meter and budgets.
        context: what comes before.
        text: what is measured.
        purpose: the meter's heading.
        person: whom it is for.

    Returns:
        the log-probabilities; None where the endpoint gives none of prompts. The embedded model and vLLM do.

    Raises:
        InvalidSettings: no context or no text.
        PromptTooLong: both together do not fit the model's context.
        ModelError: the model could not be asked.
    """
    if not context or not text:
        raise InvalidSettings(f"{'text' if context else 'context'} is empty: there is nothing to measure")
    messages = [{"role": "context", "content": context}, {"role": "text", "content": text}]
    sampling = {"max_tokens": 1}  # one more than nothing: not all endpoints echo without saying something
    request = Request(llm.endpoint.identity, llm.model, messages, sampling=sampling, kind="likelihood")

    async def ask() -> Answer:
        return await llm.pay(request, lambda: llm.endpoint.likelihood(request), purpose, person)

    answer, paid = await llm.cache.answer(request, ask)
    if not paid:
        llm.count_cached(purpose, person, request.model)
    llm.mark_used(request.key)
    if not answer.logprobs:
        return None
    places = [next(iter(place.items())) for place in answer.logprobs]
    return TextLikelihood(tuple(token for token, _ in places), tuple(value for _, value in places), request.key)


async def likelihood(
    llm: LLM,
    persona_text: str,
    said: Sequence[str],
    neutral: Sequence[str],
    *,
    purpose: str = "likelihood",
    person: str | None = None,
) -> list[LikelihoodRatio] | None:
    """Return how much likelier a persona makes what was said than neutral contexts do.

    For each text the mean, over the neutral contexts, of log P(text | persona) - log P(text | neutral), by the token:
    the pointwise mutual information of text and persona (Church & Hanks 1990, https://aclanthology.org/J90-1003). It
    ranks texts by how well they fit. It is no score: where it begins to be good differs by persona and model.

    Args:
        llm: the model.
        persona_text: who is said to have said it.
        said: the texts.
        neutral: contexts of about the same form that tell nothing; several, since each has its own quirks.
        purpose: the meter's heading.
        person: whom it is for.

    Returns:
        a ratio a text, in their order; None where the endpoint gives no log-probabilities of prompts.

    Raises:
        InvalidSettings: no neutral context, or an empty text.
        PromptTooLong: a context and a text do not fit the model.
        ModelError: the model could not be asked.
    """
    if isinstance(said, str) or isinstance(neutral, str) or not neutral:
        raise InvalidSettings("give `said` and `neutral` as lists of texts, with one neutral context or more")
    if empty := [number for number, text in enumerate(said) if not text.strip()]:
        raise InvalidSettings(f"said[{empty[0]}] is empty: there is nothing to measure")
    contexts = [render("likelihood", about=about.strip()).rstrip() for about in (persona_text, *neutral)]
    # All texts after one context before the next: a model with one slot reads each context once.
    pairs = [(context, f" {text.strip()}") for context in contexts for text in said]
    if not pairs:
        return []
    # The first alone: where an endpoint has none, the others need not be sent.
    if (first := await text_logprob(llm, *pairs[0], purpose=purpose, person=person)) is None:
        return None
    rest = await together(text_logprob(llm, *pair, purpose=purpose, person=person) for pair in pairs[1:])
    found = [first, *rest]
    rows = [found[start : start + len(said)] for start in range(0, len(found), len(said))]
    return [_ratio([one for one in column if one]) for column in zip(*rows, strict=True)]


def _ratio(measured: Sequence[TextLikelihood]) -> LikelihoodRatio:
    own, *others = measured
    against = tuple(own.per_token - other.per_token for other in others)
    return LikelihoodRatio(fmean(against), against, len(own.tokens), tuple(one.call for one in measured))
