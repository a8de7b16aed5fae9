"""What a run will take, before anything is spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

from workbench.html import box
from workbench.llm.calls import Message, Usage, estimate_tokens, text_of
from workbench.llm.meter import Meter, Price, cost_of

ANSWER_TOKENS = 150
"""Of a turn, as long as none has been seen."""
HEARD_TOKENS = 60
"""That one turn adds to the history of each who hears it, as long as none has been seen."""
UNHEARD_TOKENS = 50
"""Of an answer: its form, and the mind."""
REASON_TOKENS = 40
"""Of the judge, for each criterion."""


@dataclass(frozen=True)
class Estimate:
    """Calls, tokens and money that a run is expected to take, if nothing comes from the call cache.

    It counts one request a turn, and where there are checks one more of the judge: what is looked up, made again or
    consolidated comes on top.
    """

    calls: int
    usage: Usage
    usd: float | None
    """None where the model's price is not known."""
    model: str

    def __str__(self) -> str:
        money = f"about ${self.usd:.2f}" if self.usd is not None else f"money unknown: no price for {self.model}"
        prompt, completion = self.usage.prompt, self.usage.completion
        return f"{self.calls} calls, about {prompt:,} prompt and {completion:,} completion tokens, {money}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return box("Estimate", str(self))


def estimate(
    turns: Sequence[Sequence[Message]],
    hearers: Sequence[int],
    steps: int,
    *,
    meter: Meter,
    price: Price | None,
    model: str,
    criteria: Sequence[int] = (),
    share: float = 1.0,
) -> Estimate:
    """Estimate steps to come.

    Args:
        turns: the messages that each person's next turn would send.
        hearers: how many people each person hears in a step.
        steps: how many.
        meter: of the run so far: the length of its answers is taken from it.
        price: of the model.
        model: its name.
        criteria: how many a judge scores each person's turns by; none where no turn is checked.
        share: how many turns a step has for each person, on average.
    """
    counts = [count for (purpose, _, _), count in meter.counts.items() if purpose == "turn" and count.calls]
    seen = sum(count.calls for count in counts)
    answer = round(sum(count.usage.completion for count in counts) / seen) if seen else ANSWER_TOKENS
    heard_tokens = max(HEARD_TOKENS, answer - UNHEARD_TOKENS) if seen else HEARD_TOKENS
    usage, calls = Usage(), 0.0
    n = steps * share
    for messages, heard, n_criteria in zip(turns, hearers, criteria or repeat(0), strict=False):
        now = sum(estimate_tokens(text_of(message)) for message in messages)
        growth = (heard + 1) * heard_tokens * share
        prompt = round(n * now + growth * n * (steps - 1) / 2)
        usage += Usage(prompt=prompt, completion=round(n * answer))
        calls += n
        if n_criteria:
            usage += Usage(prompt=prompt + round(n * answer), completion=round(n * n_criteria * REASON_TOKENS))
            calls += n
    return Estimate(round(calls), usage, cost_of(usage, price), model)
