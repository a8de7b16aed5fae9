"""What it will take to write people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.agents.persona_answers import TOKENS
from workbench.llm.calls import Usage, estimate_tokens, text_of
from workbench.llm.client import LLM, default_llm
from workbench.llm.meter import cost_of
from workbench.populations.generating import SHOWN, Drawn
from workbench.worlds.estimate import Estimate

if TYPE_CHECKING:
    from workbench.agents.persona_answers import Detail
    from workbench.populations.plan import SamplingPlan

FORM = 1.6
"""Tokens of an answer for each token of a persona: its JSON, and the facts once more."""
LINE_TOKENS = 45
"""Of each of those who are shown to be differed from."""


def estimate(plan: SamplingPlan, detail: Detail, llm: LLM | None) -> Estimate:
    """Return the estimate for one request a person; as `SamplingPlan.estimate`."""
    model = llm or default_llm()
    drawn = Drawn.of(replace(plan, n=1), seed=0, names=["Some Body"])
    messages = drawn.commission(0, detail).messages()
    prompt = sum(estimate_tokens(text_of(message)) for message in messages) + SHOWN * LINE_TOKENS
    usage = Usage(prompt=plan.n * prompt, completion=round(plan.n * TOKENS[detail] * FORM))
    return Estimate(plan.n, usage, cost_of(usage, model.price), model.model)
