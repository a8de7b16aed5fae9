"""The judge: puts a claim about a subject to a model and reads a score with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, Field

from workbench.llm.calls import asked_of
from workbench.llm.client import LLM
from workbench.prompts import render
from workbench.record.events import Event
from workbench.record.telling import tell_all, told


@dataclass(frozen=True)
class Subject:
    """Who or what is judged, on what is known of it."""

    name: str
    about: str
    """A specification, as text."""
    events: Sequence[Event]


@dataclass(frozen=True)
class Score:
    """A verdict from 0 to 9, or the reason why there is none."""

    value: int | None
    justification: str
    confidence: float | None
    evidence: tuple[int, ...]
    """Ids of events; each is there."""
    call: str = ""

    @classmethod
    def unscored(cls, reason: str, call: str = "") -> Score:
        """Return that no score could be given: not an error, and not a zero."""
        return cls(None, reason, None, (), call)


class _ScoreAnswer(BaseModel):
    justification: str
    evidence: list[int]
    score: int = Field(ge=0, le=9)
    confidence: float = Field(ge=0, le=1)


async def score_claim(llm: LLM, subject: Subject, claim: str) -> Score:
    """Score a claim from 0 to 9 on the events that are given; one request, at temperature 0.

    What rests on no event is `unscored`: a judge without evidence has no opinion.

    Raises:
        ModelError: no readable answer.
    """
    shown = told(subject.events)
    if not shown:
        return Score.unscored("there are no events to judge")
    system = render("judge_system")
    user = render("judge_user", claim=claim, name=subject.name, about=subject.about, transcript=tell_all(shown))
    messages = asked_of(system, user)
    reply = await llm.complete(messages, _ScoreAnswer, purpose="score", person=subject.name, temperature=0.0)
    answer = reply.value
    known = {event.id for event in shown}
    named = tuple(dict.fromkeys(answer.evidence))
    evidence = tuple(number for number in named if number in known)
    if not evidence:
        reason = f"the judge named {list(named)}, none of which it was shown" if named else "the judge named no event"
        return Score.unscored(f"no evidence: {reason}", reply.call)
    return Score(answer.score, answer.justification, answer.confidence, evidence, reply.call)
