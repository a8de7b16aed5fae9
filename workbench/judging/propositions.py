"""`Proposition`: a claim in plain language, and the library of those that the field uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workbench.errors import InvalidSettings
from workbench.judging.scales import NINE, Scale
from workbench.prompts import render_text


@dataclass(frozen=True)
class Proposition:
    """A claim about somebody or something, as a Jinja2 template over variables.

    Args:
        claim: such as "{{name}} would buy it". `name` is that of the target.
        name: the heading in tables; the claim itself when not given.
        scale: that it is scored on; from 0 to 9 when not given.
        precondition: what has to hold before it is scored: a function of the target, which costs nothing, or a claim,
            which is checked first. Where it does not hold, there is no score.
        first: how many of the first events are judged; all when neither this nor `last` is given.
        last: how many of the last events are judged.
        double_check: whether the judge is asked to look for what speaks against its verdict, and to judge again.

    Raises:
        InvalidSettings: both first and last, or a number below 1.

    >>> Proposition("{{name}} would buy it").about(name="Lisa")
    'Lisa would buy it'
    """

    claim: str
    name: str = ""
    scale: Scale = NINE
    precondition: Callable[[Any], Any] | str | None = None
    first: int | None = None
    last: int | None = None
    double_check: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.scale, Scale):
            raise InvalidSettings(f"{self.heading}: scale={self.scale!r}: give wb.Scale(low, high, bands)")
        ends = [end for end in (self.first, self.last) if end is not None]
        if len(ends) > 1 or any(isinstance(end, bool) or not isinstance(end, int) or end < 1 for end in ends):
            raise InvalidSettings(
                f"{self.heading}: first={self.first!r}, last={self.last!r}: one of them, a whole number of events"
            )

    @property
    def heading(self) -> str:
        """What tables call it."""
        return self.name or self.claim

    def about(self, **variables: Any) -> str:
        """Return the claim with its variables filled in.

        Raises:
            PromptError: a variable is not given; all that are missing are named.
        """
        return render_text(self.claim, self.heading, **variables)


persona_adherence = Proposition(
    "{{name}} acts and speaks as their specification says: facts, traits, style, beliefs and preferences show, and "
    "nothing contradicts them.",
    "persona_adherence",
)
hard_persona_adherence = Proposition(
    "{{name}} acts and speaks exactly as their specification says. Begin with 9 and take off 2 for every flaw: a fact, "
    "trait, belief or way of speaking that is contradicted, that should have shown and does not, or that anybody could "
    "have said.",
    "hard_persona_adherence",
)
self_consistency = Proposition(
    "{{name}} is consistent: nothing that they say or do contradicts what they said or did before, unless something "
    "that happened explains the change.",
    "self_consistency",
)
fluency = Proposition(
    "{{name}} speaks as people do: naturally, without repeating words or phrases, and without formulas.", "fluency"
)
suitability = Proposition(
    "What {{name}} does suits the situation: it answers what was said or happened, and serves what they want.",
    "suitability",
)
task_completion = Proposition(
    "The task is completed, in full and well: {{task}}",
    "task_completion",
)
quiet_recently = Proposition(
    "{{name}} has been quiet recently: they said nothing, or nothing of substance.", "quiet_recently", last=10
)
divergence = Proposition(
    "The conversation moves apart: positions, topics or wishes drift away from each other over time.", "divergence"
)
convergence = Proposition(
    "The conversation comes together: positions, topics or wishes draw nearer to each other over time.", "convergence"
)

# The seven dimensions of Sotopia (Zhou et al. 2023, https://arxiv.org/abs/2310.11667), on their scales.
believability = Proposition(
    "{{name}} behaves as a person of this specification believably would: naturally, without repetition, in character.",
    "believability",
    Scale(0, 10, "0 = not believable at all; 10 = like a real person of this kind in every way"),
)
relationship = Proposition(
    "Through what happened {{name}}'s relations to the others became better, and their standing rose.",
    "relationship",
    Scale(-5, 5, "-5 = relations were badly harmed; 0 = as before; 5 = they became much better"),
)
knowledge = Proposition(
    "{{name}} learned something through what happened that is new to them and matters.",
    "knowledge",
    Scale(0, 10, "0 = nothing new; 10 = much that is new and important"),
)
secret = Proposition(
    "{{name}} kept to themselves what, by their specification or the situation, they want nobody to know.",
    "secret",
    Scale(-10, 0, "-10 = the whole secret is out; -5 = a part of it, or strong hints; 0 = kept, or there is none"),
)
social_rules = Proposition(
    "{{name}} kept to the rules of living together, written and unwritten, and to the law.",
    "social_rules",
    Scale(-10, 0, "-10 = grave breaches, such as crimes; -5 = clear rudeness or breach of norms; 0 = none at all"),
)
financial_benefit = Proposition(
    "{{name}} gained money or other material goods through what happened.",
    "financial_benefit",
    Scale(-5, 5, "-5 = a heavy loss; 0 = neither; 5 = a large gain"),
)
goal = Proposition(
    "{{name}} reached what they wanted in this situation.",
    "goal",
    Scale(0, 10, "0 = nothing of it; 10 = all of it"),
)
SOTOPIA = (believability, relationship, knowledge, secret, social_rules, financial_benefit, goal)
