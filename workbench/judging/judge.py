"""The judge: puts a claim about a subject to a model and reads a verdict, or a score, with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, Field, create_model

from workbench.errors import ContentFiltered, InvalidSettings, PromptTooLong, UnreadableAnswer
from workbench.judging.scales import NINE, Scale
from workbench.judging.spread import Spread, digits_of, spread_of_digits, spread_of_votes
from workbench.llm.calls import Message, Reply, asked_of
from workbench.llm.client import LLM
from workbench.llm.running import together
from workbench.prompts import render
from workbench.record.events import Event
from workbench.record.telling import attributed, tell_all, told

ScoreMethod = Literal["sample", "vote", "expected"]
NO_PROBABILITIES = (
    "the probabilities of scores are not given, or cannot be read: the score is the one that was answered"
)


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

    def part(self, first: int | None = None, last: int | None = None) -> Subject:
        """Return the subject with only the first or the last of the events that can be evidence."""
        if first is None and last is None:
            return self
        return replace(self, events=self.shown[:first] if first is not None else self.shown[-(last or 0) :])

    def quotes(self, evidence: Sequence[int]) -> tuple[str, ...]:
        """Return what events say, in the order in which they are named."""
        told = {event.id: event for event in self.shown}
        return tuple(attributed(told[number]) for number in evidence)


@dataclass(frozen=True)
class _Verdict:
    """What a judge found, or the reason why nothing."""

    justification: str
    confidence: float | None
    evidence: tuple[int, ...]
    """Ids of events; each is there."""
    quotes: tuple[str, ...] = ()
    """What these say."""
    call: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Score(_Verdict):
    """A verdict on a scale, or the reason why there is none."""

    value: float | None
    sd: float | None = None
    """Of the judge's own votes, or of what it found likely; None where it was asked once."""

    @classmethod
    def unscored(cls, reason: str, call: str = "") -> Score:
        """Return that no score could be given: not an error, and not a zero."""
        return cls(value=None, justification=reason, confidence=None, evidence=(), call=call)


@dataclass(frozen=True, kw_only=True)
class Check(_Verdict):
    """A verdict of yes or no, or the reason why there is none."""

    holds: bool | None

    @classmethod
    def unchecked(cls, reason: str, call: str = "") -> Check:
        """Return that the claim could not be checked: it neither holds nor fails."""
        return cls(holds=None, justification=reason, confidence=None, evidence=(), call=call)


class _Answer(BaseModel):
    justification: str
    evidence: list[int]


class _CheckAnswer(_Answer):
    holds: bool
    confidence: float = Field(ge=0, le=1)


class _Evidence(BaseModel):
    evidence: list[int]


Given = TypeVar("Given", bound=_Answer)


@dataclass(frozen=True)
class Question:
    """A claim as it is put to a judge.

    Args:
        subject: who or what is judged.
        claim: with its variables filled in.
        purpose: the meter's heading.
        scale: that it is scored on.
        double_check: whether the judge is asked to doubt its verdict, and to judge again.
        claim_first: whether the claim stands before what it is judged on, and not behind: a judge ought not to mind.
    """

    subject: Subject
    claim: str
    purpose: str = "score"
    scale: Scale = NINE
    double_check: bool = False
    claim_first: bool = False

    def messages(self, system: str, **scale: Any) -> list[Message]:
        """Return the messages of the request."""
        subject = self.subject
        user = render(
            "judge_user_claim_first" if self.claim_first else "judge_user",
            claim=self.claim,
            name=subject.name,
            about=subject.about,
            transcript=subject.transcript,
        )
        return asked_of(render(system, **scale), user)

    async def ask(self, llm: LLM, system: str, schema: type[Given], *, sample: int = 0, **given: Any) -> Reply[Given]:
        """Ask for a verdict; twice where it is to be doubted."""
        scale = {"low": self.scale.low, "high": self.scale.high, "bands": self.scale.bands}
        messages = self.messages(system, **(scale if system == "judge_system" else {}))
        asked: dict[str, Any] = {"purpose": self.purpose, "person": self.subject.name, "sample": sample, **given}
        reply = await llm.complete(messages, schema, **asked)
        if not self.double_check:
            return reply
        verdict, doubt = reply.text, render("judge_again").rstrip()
        messages += [{"role": "assistant", "content": verdict}, {"role": "user", "content": doubt}]
        return await llm.complete(messages, schema, **asked)

    async def fitting(self, llm: LLM) -> Question:
        """Return the question with the events that bear on it, found part by part, where all do not fit a prompt."""
        found = await _evidence(llm, self, self.subject.shown)
        known = {event.id for event in found}
        return replace(self, subject=replace(self.subject, events=[e for e in self.subject.shown if e.id in known]))


async def score_claim(
    llm: LLM,
    subject: Subject,
    claim: str,
    *,
    purpose: str = "score",
    scale: Scale = NINE,
    method: ScoreMethod = "sample",
    k: int = 5,
    double_check: bool = False,
    claim_first: bool = False,
) -> Score:
    """Score a claim on the events that are given.

    What rests on no event is `unscored`: a judge without evidence has no opinion. Where the events do not fit the
    model's context they are read in parts for those that bear on the claim; nothing is cut.

    Args:
        llm: the judge.
        subject: who or what is judged.
        claim: with its variables filled in.
        purpose: the meter's heading.
        scale: from 0 to 9 when not given.
        method: `sample`: one request at temperature 0. `vote`: k requests at temperature 1, the mean and its SD.
            `expected`: one request; the mean of the scores by the probabilities of their tokens (G-Eval, Liu et al.
            2023, https://arxiv.org/abs/2303.16634), or the score that was answered where the endpoint gives none.
        k: votes.
        double_check: whether the judge is asked to doubt its verdict, and to judge again.
        claim_first: whether the claim stands before what it is judged on.

    Raises:
        InvalidSettings: an unknown method, or fewer than two votes.
        ModelError: no readable answer.
    """
    if method not in get_args(ScoreMethod) or (method == "vote" and k < 2):
        known = ", ".join(get_args(ScoreMethod))
        raise InvalidSettings(f"method={method!r}, k={k}: it is one of {known}; votes are 2 or more")
    if not subject.shown:
        return Score.unscored(_NOTHING)
    question = Question(subject, claim, purpose, scale, double_check, claim_first)
    try:
        return await _scored(llm, question, method, k)
    except PromptTooLong:
        question = await question.fitting(llm)
    if not question.subject.shown:
        return Score.unscored(_NO_BEARING)
    parts = await _in_parts(llm, question, method, k)
    return parts[0] if len(parts) == 1 else _of_parts(parts)


async def _in_parts(llm: LLM, question: Question, method: ScoreMethod, k: int) -> list[Score]:
    """Score a claim on all events, or where they do not fit a prompt on each half of them."""
    try:
        return [await _scored(llm, question, method, k)]
    except PromptTooLong:
        events = question.subject.shown
        if len(events) < 2:
            raise
    halves = (events[: len(events) // 2], events[len(events) // 2 :])
    found: list[Score] = []
    for half in halves:
        part = replace(question, subject=replace(question.subject, events=half))
        found += await _in_parts(llm, part, method, k)
    return found


def _of_parts(parts: Sequence[Score]) -> Score:
    """Return the mean of parts that were judged apart, with the reasons and the evidence of all."""
    scored = [part for part in parts if part.value is not None]
    if not scored:
        return parts[0]
    spread = spread_of_votes([part.value or 0.0 for part in scored])
    return Score(
        value=spread.mean,
        sd=spread.sd,
        justification=" ".join(part.justification for part in scored),
        confidence=min(part.confidence or 0.0 for part in scored),
        evidence=tuple(number for part in scored for number in part.evidence),
        quotes=tuple(said for part in scored for said in part.quotes),
        call=scored[-1].call,
        note=f"judged in {len(parts)} parts, for all that bears on it does not fit a prompt: the mean, and its SD",
    )


async def _scored(llm: LLM, question: Question, method: ScoreMethod, k: int) -> Score:
    schema = _score_answer(question.scale)
    if method == "vote":
        votes = (_vote(llm, question, schema, one) for one in range(1, k + 1))
        return _of_votes(await together(votes))
    wanted = {"logprobs": True, "top_logprobs": 20} if method == "expected" else {}
    reply = await question.ask(llm, "judge_system", schema, temperature=0.0, **wanted)
    score = _read(question.subject, reply)
    if method == "sample" or score.value is None:
        return score
    found = digits_of(reply, question.scale)
    if found is None:
        return replace(score, note=NO_PROBABILITIES)
    spread = spread_of_digits(found)
    return replace(score, value=spread.mean, sd=spread.sd)


async def _vote(llm: LLM, question: Question, schema: type[Any], number: int) -> Score:
    try:
        reply = await question.ask(llm, "judge_system", schema, sample=number, temperature=1.0)
    except (UnreadableAnswer, ContentFiltered) as error:
        return Score.unscored(" ".join(str(error).split()))
    return _read(question.subject, reply)


def _of_votes(scores: Sequence[Score]) -> Score:
    """Return the mean of votes that have evidence, with the reasons of the one that is nearest to it."""
    votes = [score for score in scores if score.value is not None]
    if not votes:
        return scores[0]
    spread: Spread = spread_of_votes([score.value or 0.0 for score in votes])
    nearest = min(votes, key=lambda score: abs((score.value or 0.0) - spread.mean))
    without = len(scores) - len(votes)
    note = f"{without} of {len(scores)} votes have no evidence, or cannot be read, and do not count" if without else ""
    return replace(nearest, value=spread.mean, sd=spread.sd, note=note)


def _read(subject: Subject, reply: Reply[Any]) -> Score:
    answer = reply.value
    evidence = _known(subject, answer)
    if not evidence:
        return Score.unscored(_without_evidence(answer), reply.call)
    return Score(
        value=answer.score,
        justification=answer.justification,
        confidence=answer.confidence,
        evidence=evidence,
        quotes=subject.quotes(evidence),
        call=reply.call,
    )


async def check_claim(
    llm: LLM, subject: Subject, claim: str, *, purpose: str = "claim", double_check: bool = False
) -> Check:
    """Check whether a claim holds on the events that are given; one request, at temperature 0.

    What rests on no event is `unchecked`, as in `score_claim`.

    Args:
        llm: the judge.
        subject: who or what is judged.
        claim: with its variables filled in.
        purpose: the meter's heading.
        double_check: whether the judge is asked to doubt its verdict, and to judge again.

    Raises:
        ModelError: no readable answer.
    """
    if not subject.shown:
        return Check.unchecked(_NOTHING)
    question = Question(subject, claim, purpose, double_check=double_check)
    try:
        reply = await question.ask(llm, "check_system", _CheckAnswer, temperature=0.0)
    except PromptTooLong:
        question = await question.fitting(llm)
        if not question.subject.shown:
            return Check.unchecked(_NO_BEARING)
        reply = await question.ask(llm, "check_system", _CheckAnswer, temperature=0.0)
    answer, evidence = reply.value, _known(subject, reply.value)
    if not evidence:
        return Check.unchecked(_without_evidence(answer), reply.call)
    return Check(
        holds=answer.holds,
        justification=answer.justification,
        confidence=answer.confidence,
        evidence=evidence,
        quotes=subject.quotes(evidence),
        call=reply.call,
    )


_NOTHING = "there are no events to judge"
_NO_BEARING = "no evidence: none of the events bears on the claim"


async def _evidence(llm: LLM, question: Question, events: Sequence[Event]) -> list[Event]:
    """Return the events that bear on a claim; where they do not fit one prompt, those of their halves."""
    part = replace(question, subject=replace(question.subject, events=events))
    try:
        reply = await llm.complete(
            part.messages("evidence_system"),
            _Evidence,
            purpose=question.purpose,
            person=question.subject.name,
            temperature=0.0,
        )
    except PromptTooLong:
        if len(events) < 2:
            raise
        half = len(events) // 2
        return [*await _evidence(llm, question, events[:half]), *await _evidence(llm, question, events[half:])]
    named = set(reply.value.evidence)
    return [event for event in events if event.id in named]


def _known(subject: Subject, answer: _Answer) -> tuple[int, ...]:
    known = {event.id for event in subject.shown}
    return tuple(one for one in dict.fromkeys(answer.evidence) if one in known)


def _without_evidence(answer: _Answer) -> str:
    named = list(dict.fromkeys(answer.evidence))
    reason = f"the judge named {named}, none of which it was shown" if named else "the judge named no event"
    return f"no evidence: {reason}"


@cache
def _score_answer(scale: Scale) -> type[Any]:
    """Return the shape of an answer on a scale: first the reasons, then the score."""
    fields: dict[str, Any] = {
        "score": (int, Field(ge=scale.low, le=scale.high)),
        "confidence": (float, Field(ge=0, le=1)),
    }
    return create_model("ScoreAnswer", __base__=_Answer, **fields)
