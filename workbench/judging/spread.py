"""The mean and the spread of a judge's scores: of several votes, or of what it found likely."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.judging.scales import Scale
from workbench.llm.calls import Logprobs, Reply

_BEFORE = re.compile(r'"score"\s*:\s*$')
MOST_BEGUN = 0.02
"""The probability of tokens that may begin a longer score, as 1 does 10, above which none are read."""
LEAST = 0.5
"""The probability that scores have together, below which they are not to be read: the token was cut otherwise."""


@dataclass(frozen=True)
class Spread:
    """A mean and a standard deviation."""

    mean: float
    sd: float


def spread_of_votes(votes: Sequence[float]) -> Spread:
    """Return the mean and the SD of a sample of votes; 0 where there is one."""
    mean = math.fsum(votes) / len(votes)
    squares = math.fsum((vote - mean) ** 2 for vote in votes)
    return Spread(mean, math.sqrt(squares / (len(votes) - 1)) if len(votes) > 1 else 0.0)


def spread_of_digits(probabilities: Mapping[int, float]) -> Spread:
    """Return the mean and the SD of a distribution over scores."""
    mean = math.fsum(score * p for score, p in probabilities.items())
    return Spread(mean, math.sqrt(math.fsum(p * (score - mean) ** 2 for score, p in probabilities.items())))


def digits_of(reply: Reply[Any], scale: Scale) -> dict[int, float] | None:
    """Return the probability of each score, from the tokens of an answer; None where they cannot be read.

    Args:
        reply: with log-probabilities.
        scale: of the scores; only those that are one token can be read, from 0 to 9 always.
    """
    place = _place_of_score(reply.logprobs or [])
    if place is None or next(iter(place)).strip() != str(reply.value.score):
        return None
    scores = {str(score): score for score in scale.points}
    found: dict[int, float] = {}
    begun = 0.0
    for token, logprob in place.items():
        text = token.strip()
        if text in scores:
            found[scores[text]] = found.get(scores[text], 0.0) + math.exp(logprob)
        if any(text and longer.startswith(text) and longer != text for longer in scores):
            begun += math.exp(logprob)
    total = math.fsum(found.values())
    return {score: p / total for score, p in sorted(found.items())} if total >= LEAST and begun <= MOST_BEGUN else None


def _place_of_score(logprobs: Logprobs) -> dict[str, float] | None:
    """Return the tokens at the place of the score: where the text so far ends with its key."""
    text = ""
    for place in logprobs:
        chosen = next(iter(place))
        if _BEFORE.search(text) and chosen.strip():
            return place
        text += chosen
    return None
