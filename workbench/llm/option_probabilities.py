"""How likely a model is to answer with each of some options: from the probabilities of the first token that tells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from workbench.llm.calls import Message

if TYPE_CHECKING:
    from workbench.llm.client import LLM

MOST_TOKENS = 4
"""Of an answer: models put a space, a quotation mark or a bracket before a letter."""
TOP = 20
"""The likeliest tokens at a place: the most that OpenAI gives."""
EMBEDDED = MappingProxyType({"max_tokens": 1, "top_logprobs": 1000, "dry_multiplier": 0.0, "min_p": 0.0})
"""No penalty for repetition: the examples of an answer are letters, too."""
LEAST = 0.01
"""The probability that the options have together, below which the answer was about something else."""
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
        options: single tokens, such as letters or digits.
        purpose: the meter's heading.
        person: whom it is for.
        seed: of the request.

    Returns:
        the probabilities; None where the endpoint gives no log-probabilities, or none of the options is likely at all.

    Raises:
        ModelError: the model could not be asked.
    """
    reply = await llm.complete(
        messages,
        purpose=purpose,
        person=person,
        seed=seed,
        may_be_cut=True,
        temperature=0.0,
        logprobs=True,
        **(EMBEDDED if llm.is_embedded else {"max_tokens": MOST_TOKENS, "top_logprobs": TOP}),
    )
    found = (_by_option(options, place) for place in reply.logprobs or ())
    least = 0.0 if llm.is_embedded else LEAST  # which says something else first, however it is asked
    sums = next((one for one in found if math.fsum(one) > least), None)
    if sums is None:
        return None
    mass = math.fsum(sums)
    return OptionProbabilities(tuple(one / mass for one in sums), mass, reply.call)


def _by_option(options: Sequence[str], place: Mapping[str, float]) -> list[float]:
    """Return the probability of each option at a place of an answer: of all tokens that are it, however written."""
    wanted = {option.casefold(): number for number, option in enumerate(options)}
    sums = [0.0] * len(options)
    for token, logprob in place.items():
        if (number := wanted.get(token.strip(_AROUND).casefold())) is not None:
            sums[number] += math.exp(logprob)
    return sums
