"""`Proposition`: a claim in plain language, and the library of those that the field uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workbench.prompts import render_text


@dataclass(frozen=True)
class Proposition:
    """A claim about somebody or something, as a Jinja2 template over variables.

    Args:
        claim: such as "{{name}} would buy it". `name` is that of the target.
        name: the heading in tables; the claim itself when not given.

    >>> Proposition("{{name}} would buy it").about(name="Lisa")
    'Lisa would buy it'
    """

    claim: str
    name: str = ""

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
