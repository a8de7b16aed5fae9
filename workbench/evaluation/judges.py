"""`Judge`: which model judges, and how its score is got."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from workbench.errors import ContentFiltered, InvalidSettings, PromptTooLong, UnreadableAnswer
from workbench.judging.judge import Check, Score, ScoreMethod, Subject, check_claim, score_claim
from workbench.judging.propositions import Proposition
from workbench.llm.client import LLM

NO_VERDICT = (UnreadableAnswer, ContentFiltered, PromptTooLong)
"""What is no failure of the endpoint, and would come again: a table goes on without it."""


@dataclass(frozen=True)
class Judge:
    """Who scores propositions.

    Args:
        llm: the model: another one than the people's, where their own bias is not to judge them. That which the target
            thinks with when not given.
        method: how a score is got:

            - `sample`: it is asked for once, at temperature 0.
            - `vote`: it is asked for k times; the mean, and the SD of the votes.
            - `expected`: the mean by the probabilities of the model's tokens, and their SD (G-Eval, Liu et al. 2023,
              https://arxiv.org/abs/2303.16634); where an endpoint gives none, the score that was answered, with a note.
        k: votes.

    Raises:
        InvalidSettings: an unknown method, or fewer than two votes.
    """

    llm: LLM | None = None
    method: ScoreMethod = "sample"
    k: int = 5

    def __post_init__(self) -> None:
        if self.method not in get_args(ScoreMethod):
            raise InvalidSettings(f"method={self.method!r}: it is one of {', '.join(get_args(ScoreMethod))}")
        if isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 2:
            raise InvalidSettings(f"k={self.k!r}: two votes or more are needed")

    async def score(
        self, llm: LLM, subject: Subject, proposition: Proposition, claim: str, *, claim_first: bool = False
    ) -> Score:
        """Score a claim on its proposition's scale and part of the events.

        What the judge gives no readable answer to, or the provider withholds, is unscored, with the reason.
        """
        try:
            return await score_claim(
                llm,
                subject.part(proposition.first, proposition.last),
                claim,
                scale=proposition.scale,
                method=self.method,
                k=self.k,
                double_check=proposition.double_check,
                claim_first=claim_first,
            )
        except NO_VERDICT as error:
            return Score.unscored(" ".join(str(error).split()))

    async def check(self, llm: LLM, subject: Subject, proposition: Proposition, claim: str) -> Check:
        """Check a claim on its proposition's part of the events; as `score`."""
        part = subject.part(proposition.first, proposition.last)
        try:
            return await check_claim(llm, part, claim, double_check=proposition.double_check)
        except NO_VERDICT as error:
            return Check.unchecked(" ".join(str(error).split()))
