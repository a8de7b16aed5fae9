"""How likely a model is to answer with each of some options: from the probabilities of the first token that tells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING

from workbench.errors import InvalidSettings
from workbench.llm.calls import Logprobs, Message

if TYPE_CHECKING:
    from workbench.llm.client import LLM

MOST_TOKENS = 4
"""Of an answer: models put a space, a quotation mark or a bracket before a letter."""
TOP = 20
"""The likeliest tokens at a place: the most that OpenAI gives."""
EMBEDDED = MappingProxyType({"max_tokens": 1, "top_logprobs": 1000, "dry_multiplier": 0.0, "min_p": 0.0})
"""No penalty for repetition: the examples of an answer are letters, too."""
LEAST = 0.5
"""The probability that the options have together, below which the answer is about something else."""
_AROUND = " \t\r\n\"'`*.:()[]▁"


@dataclass(frozen=True)
class OptionProbabilities:
    """The probability of each option, in the order given; they add up to 1."""

    probabilities: tuple[float, ...]
    mass: float
    """What all options had together, among all that the model might have said."""
    call: str


async def option_probabilities(
    llm: LLM,
    messages: Sequence[Message],
    options: Sequence[str],
    *,
    purpose: str,
    person: str | None = None,
    seed: int | None = None,
) -> OptionProbabilities | None:
    """Ask for one of some short options, and return how likely each is.

    Args:
        llm: the model.
        messages: that ask for the option alone.
        options: single tokens, such as letters or digits; of longer ones only the beginning would be read.
        purpose: the meter's heading.
        person: whom it is for.
        seed: of the request.

    Returns:
        the probabilities; None where the endpoint gives no log-probabilities, or none of the options is likely at all.

    Raises:
        InvalidSettings: options of more than one character.
        ModelError: the model could not be asked.
    """
    if longer := [option for option in options if len(option) != 1]:
        raise InvalidSettings(f"options={longer!r}: single characters are needed: tokens are cut anywhere else")
    reply = await llm.complete(
        messages,
        purpose=purpose,
        person=person,
        seed=seed,
        when_cut="take",
        temperature=0.0,
        logprobs=True,
        **(EMBEDDED if llm.is_embedded else {"max_tokens": MOST_TOKENS, "top_logprobs": TOP}),
    )
    least = 0.0 if llm.is_embedded else LEAST  # which says something else first, however it is asked
    sums = _first_telling(options, reply.logprobs or [], least)
    if sums is None:
        return None
    mass = math.fsum(sums)
    return OptionProbabilities(tuple(one / mass for one in sums), mass, reply.call)


def _first_telling(options: Sequence[str], places: Logprobs, least: float) -> list[float] | None:
    """Return the probability of each option at the first place that tells, and stands alone: "I would" is no option."""
    for place, after in zip_longest(places, places[1:]):
        sums = _by_option(options, place)
        alone = after is None or not next(iter(after)).strip(_AROUND)
        if math.fsum(sums) > least and alone:
            return sums
    return None


def _by_option(options: Sequence[str], place: Mapping[str, float]) -> list[float]:
    """Return the probability of each option at a place of an answer: of all tokens that are it, however written."""
    wanted = {option.casefold(): number for number, option in enumerate(options)}
    sums = [0.0] * len(options)
    for token, logprob in place.items():
        if (number := wanted.get(token.strip(_AROUND).casefold())) is not None:
            sums[number] += math.exp(logprob)
    return sums
