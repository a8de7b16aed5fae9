"""The judge: puts a claim about a subject to a model and reads a verdict, or a score, with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

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

    @cached_property
    def shown(self) -> list[Event]:
        """The events that can be evidence."""
        return told(self.events)

    @cached_property
    def transcript(self) -> str:
        """What a judge reads of them; told once, however many claims there are."""
        return tell_all(self.shown)


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


@dataclass(frozen=True)
class Check:
    """A verdict of yes or no, or the reason why there is none."""

    holds: bool | None
    justification: str
    confidence: float | None
    evidence: tuple[int, ...]
    """Ids of events; each is there."""
    call: str = ""

    @classmethod
    def unchecked(cls, reason: str, call: str = "") -> Check:
        """Return that the claim could not be checked: it neither holds nor fails."""
        return cls(None, reason, None, (), call)


class _Answer(BaseModel):
    justification: str
    evidence: list[int]


class _ScoreAnswer(_Answer):
    score: int = Field(ge=0, le=9)
    confidence: float = Field(ge=0, le=1)


class _CheckAnswer(_Answer):
    holds: bool
    confidence: float = Field(ge=0, le=1)


Given = TypeVar("Given", bound=_Answer)


async def score_claim(llm: LLM, subject: Subject, claim: str, *, purpose: str = "score") -> Score:
    """Score a claim from 0 to 9 on the events that are given; one request, at temperature 0.

    What rests on no event is `unscored`: a judge without evidence has no opinion.

    Args:
        llm: the judge.
        subject: who or what is judged.
        claim: with its variables filled in.
        purpose: the meter's heading.

    Raises:
        ModelError: no readable answer.
    """
    if not subject.shown:
        return Score.unscored(_NOTHING)
    answer, evidence, call = await _ask(llm, subject, claim, _ScoreAnswer, system="judge_system", purpose=purpose)
    if not evidence:
        return Score.unscored(_without_evidence(answer), call)
    return Score(answer.score, answer.justification, answer.confidence, evidence, call)


async def check_claim(llm: LLM, subject: Subject, claim: str, *, purpose: str = "claim") -> Check:
    """Check whether a claim holds on the events that are given; one request, at temperature 0.

    What rests on no event is `unchecked`, as in `score_claim`.

    Args:
        llm: the judge.
        subject: who or what is judged.
        claim: with its variables filled in.
        purpose: the meter's heading.

    Raises:
        ModelError: no readable answer.
    """
    if not subject.shown:
        return Check.unchecked(_NOTHING)
    answer, evidence, call = await _ask(llm, subject, claim, _CheckAnswer, system="check_system", purpose=purpose)
    if not evidence:
        return Check.unchecked(_without_evidence(answer), call)
    return Check(answer.holds, answer.justification, answer.confidence, evidence, call)


_NOTHING = "there are no events to judge"


async def _ask(
    llm: LLM, subject: Subject, claim: str, schema: type[Given], *, system: str, purpose: str
) -> tuple[Given, tuple[int, ...], str]:
    """Return the judge's answer, the events that it names and was shown, and the call."""
    user = render("judge_user", claim=claim, name=subject.name, about=subject.about, transcript=subject.transcript)
    messages = asked_of(render(system), user)
    reply = await llm.complete(messages, schema, purpose=purpose, person=subject.name, temperature=0.0)
    known = {event.id for event in subject.shown}
    return reply.value, tuple(one for one in dict.fromkeys(reply.value.evidence) if one in known), reply.call


def _without_evidence(answer: _Answer) -> str:
    named = list(dict.fromkeys(answer.evidence))
    reason = f"the judge named {named}, none of which it was shown" if named else "the judge named no event"
    return f"no evidence: {reason}"
