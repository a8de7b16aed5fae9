"""Checks: a turn is scored before it is taken, and made again where it falls short.

Every attempt is an event, so that what checks did to a run, and what they cost, can be read from its record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from workbench.agents.actions import BASIC, Action
from workbench.agents.asking import ask, messages_for
from workbench.agents.attempts import ATTEMPT, CORRECTION, CheckStatistics, Run, statistics, write_preferences
from workbench.agents.turns import Draft, Scene, ask_for_turn, tell_remembered
from workbench.errors import ChecksFailed, InvalidSettings
from workbench.judging import propositions
from workbench.judging.criteria import CriterionScore, score_criteria
from workbench.judging.propositions import Proposition
from workbench.judging.repetition import repetition
from workbench.llm.calls import Message, asked_of, text_of
from workbench.llm.client import LLM
from workbench.llm.seeds import derive_seed
from workbench.prompts import render
from workbench.record.events import START, Event, Happening
from workbench.record.telling import quote, tell

OnFailure = Literal["best", "done", "raise"]
Correct = Literal["regenerate", "rewrite"]
_JUDGE_CRITERIA = ("persona_adherence", "self_consistency", "fluency", "suitability")
REPETITION = "repetition"
RECENT_TALK = 20
"""Talk that new talk is compared with."""
_JUDGED = frozenset({"TALK", "THINK"})


@dataclass(frozen=True)
class Checked:
    """The turn that is taken, and the record of how it came to be."""

    draft: Draft
    notes: tuple[Happening, ...]


@dataclass(frozen=True)
class _Attempt:
    draft: Draft
    scores: Mapping[str, CriterionScore]
    passed: bool
    call: str | None
    """The judge's."""

    @property
    def score(self) -> float:
        """The mean of its criteria."""
        return sum(score.score for score in self.scores.values()) / len(self.scores)

    @property
    def rank(self) -> tuple[bool, float]:
        """What the best is found by."""
        return self.passed, self.score


@dataclass(frozen=True)
class Checks:
    """What a turn has to pass: action generation, monitoring and correction.

    All criteria that need a model are scored in one request, with a reason each; repetition is measured without one.
    A turn in which nothing is said or thought is not checked.

    Args:
        persona_adherence: whether it is what this person would do.
        self_consistency: whether it contradicts what they said before.
        fluency: whether it reads as people speak.
        suitability: whether it suits the situation.
        repetition: whether it says what was said before, by words and by meaning.
        threshold: the lowest score, 0-9, that each criterion has to reach.
        attempts: how often a turn is made at most, the first one included.
        on_failure: where none passes: the `best` by its score is taken, the person does nothing (`done`), or `raise`.
        correct: a turn that fails is made again with the reasons as feedback (`regenerate`), or rewritten by the
            judge (`rewrite`).

    Raises:
        InvalidSettings: a value that cannot be, or no criterion at all.
    """

    persona_adherence: bool = True
    self_consistency: bool = True
    fluency: bool = True
    suitability: bool = False
    repetition: bool = True
    threshold: int = 5
    attempts: int = 2
    on_failure: OnFailure = "best"
    correct: Correct = "regenerate"

    def __post_init__(self) -> None:
        for name in (*_JUDGE_CRITERIA, REPETITION):
            if not isinstance(getattr(self, name), bool):
                raise InvalidSettings(f"{name}={getattr(self, name)!r}: a criterion is on (True) or off (False)")
        if type(self.threshold) is not int or not 0 <= self.threshold <= 9:
            raise InvalidSettings(f"threshold={self.threshold!r}: scores are whole numbers from 0 to 9")
        if type(self.attempts) is not int or self.attempts < 1:
            raise InvalidSettings(f"attempts={self.attempts!r}: a whole number is needed: a turn is made at least once")
        if self.on_failure not in get_args(OnFailure):
            raise InvalidSettings(f"on_failure={self.on_failure!r}: it is one of {', '.join(get_args(OnFailure))}")
        if self.correct not in get_args(Correct):
            raise InvalidSettings(f"correct={self.correct!r}: it is one of {', '.join(get_args(Correct))}")
        if not (self.criteria or self.repetition):
            raise InvalidSettings("Checks: no criterion is on: leave checks out instead")

    @property
    def criteria(self) -> tuple[Proposition, ...]:
        """The criteria that the judge scores."""
        return tuple(getattr(propositions, name) for name in _JUDGE_CRITERIA if getattr(self, name))

    def statistics(self, run: Run) -> CheckStatistics:
        """Return what checks did to a run: pass rates, attempts, scores before and after, cost.

        Args:
            run: a world, or a person with checks of their own.
        """
        return statistics(run)

    def preferences(self, run: Run, path: str | Path) -> int:
        """Write pairs for preference training (DPO; Rafailov et al. 2023, arXiv 2305.18290) as JSONL.

        Each line has `prompt` (messages), `chosen` and `rejected` (each one assistant message): the turn that passed,
        and one that did not. Turns of which no attempt passed, and those that passed at once, give none.

        Args:
            run: a world, or a person with checks of their own.
            path: the file, replaced only when all is written.

        Returns:
            how many pairs were written.
        """
        return write_preferences(run, path)

    async def check(self, llm: LLM, scene: Scene, draft: Draft, *, seed: int) -> Checked:
        """Return the turn that is taken, and a note of every attempt.

        Args:
            llm: who thinks and judges.
            scene: what the turn was made of.
            draft: the turn as it came.
            seed: of the turn.

        Raises:
            ChecksFailed: none passed, and `on_failure` is `raise`.
            ModelError: the judge or a further attempt failed.
        """
        if not _words(draft):
            return Checked(draft, ())
        tried = [await self._judge(llm, scene, draft, seed)]
        while not tried[-1].passed and len(tried) < self.attempts:
            again = await self._correct(llm, scene, tried[-1], derive_seed(seed, "attempt", len(tried)))
            tried.append(await self._judge(llm, scene, again, seed))
        best = max(tried, key=lambda attempt: attempt.rank)
        taken = best.draft
        if not best.passed and self.on_failure == "raise":
            raise ChecksFailed(
                f"{scene.persona.name}: no turn passed in {len(tried)} attempt(s); the best failed on "
                f"{_flaws(best, self)}. The same turns would come from the call cache again: change the persona, the "
                "threshold, the attempts or the seed. `error.attempts` has them all.",
                attempts=[json.loads(note.content) for note in self._notes(tried, best, scene, [], done=True)],
            )
        if not best.passed and self.on_failure == "done":
            taken = replace(taken, actions=(Action(type="DONE"),), mind=scene.mind)
        messages = messages_for(llm, scene) if len(tried) > 1 else []
        notes = self._notes(tried, best, scene, messages, done=taken is not best.draft)
        return Checked(taken, notes)

    async def _judge(self, llm: LLM, scene: Scene, draft: Draft, seed: int) -> _Attempt:
        scores: dict[str, CriterionScore] = {}
        call = None
        if not _words(draft):  # a further attempt that says nothing: nothing of it can be wrong
            named = [*(criterion.heading for criterion in self.criteria), *([REPETITION] if self.repetition else [])]
            return _Attempt(
                draft, {name: CriterionScore(self.threshold, "Nothing is said.") for name in named}, True, None
            )
        if self.criteria:
            verdict = await score_criteria(
                llm,
                name=scene.persona.name,
                about=scene.persona.markdown,
                history=_past(scene),
                proposed=_proposed(draft, scene.persona.name),
                criteria=self.criteria,
                seed=seed,
            )
            scores, call = dict(verdict.scores), verdict.call
        if self.repetition:
            scores[REPETITION] = await self._repeats(llm, scene, draft)
        passed = all(score.score >= self.threshold for score in scores.values())
        return _Attempt(draft, scores, passed, call)

    async def _repeats(self, llm: LLM, scene: Scene, draft: Draft) -> CriterionScore:
        recent = [event.content for event in scene.events if event.type == "TALK"][-RECENT_TALK:]
        said = [action.content for action in draft.actions if action.type == "TALK"]
        found = await repetition(llm, said, recent)
        reason = (
            f"This was said before: “{found.repeats}” Say something new." if found.repeats else "Nothing is repeated."
        )
        return CriterionScore(found.score, reason)

    async def _correct(self, llm: LLM, scene: Scene, failed: _Attempt, seed: int) -> Draft:
        answer = _as_answer(failed.draft)
        feedback = quote("feedback", " ".join(_flaws(failed, self).split()))  # it has words of others
        if self.correct == "regenerate" or llm.is_embedded:
            asked_again = render("feedback", feedback=feedback, name=scene.persona.name)
            more = [{"role": "assistant", "content": answer}, {"role": "user", "content": asked_again}]
            return await ask(llm, scene, purpose=CORRECTION, seed=seed, more=more)
        user = render(
            "rewrite_user",
            name=scene.persona.name,
            about=scene.persona.markdown,
            history=_past(scene),
            proposed=quote("proposed", answer),
            feedback=feedback,
        )
        judge = asked_of(render("rewrite_system"), user)
        return await ask_for_turn(llm, scene, judge, purpose=CORRECTION, seed=seed)

    def _notes(
        self, tried: Sequence[_Attempt], best: _Attempt, scene: Scene, messages: Sequence[Message], *, done: bool
    ) -> tuple[Happening, ...]:
        name, notes = scene.persona.name, []
        for number, attempt in enumerate(tried, start=1):
            content: dict[str, Any] = {
                "attempt": number,
                "of": len(tried),
                "answer": json.loads(_as_answer(attempt.draft)),
                "scores": {
                    name: {"score": s.score, "passed": s.score >= self.threshold, "reason": s.reason}
                    for name, s in attempt.scores.items()
                },
                "score": round(attempt.score, 3),
                "passed": attempt.passed,
                "kept": attempt is best and not done,
                "judged_by": attempt.call,
            }
            if number == 1 and len(tried) > 1:
                content["prompt"] = [{**message, "content": text_of(message)} for message in messages]
            text = json.dumps(content, ensure_ascii=False)
            notes.append(Happening("note", ATTEMPT, text, target=name, call=attempt.draft.call, heard_by=(name,)))
        return tuple(notes)


def _words(draft: Draft) -> bool:
    return any(action.type in _JUDGED and action.content.strip() for action in draft.actions)


def _proposed(draft: Draft, name: str) -> str:
    """Return a draft as judges read it, in the tags in which it would be told."""
    actions = [action for action in draft.actions if action.type != "DONE"]
    return "".join(tell(Event(0, 0, START, "action", a.type, name, a.target, a.content)) for a in actions)


def _past(scene: Scene) -> str:
    """Return what has happened and what is remembered, as judges read it."""
    return scene.history + "".join(map(tell_remembered, scene.remembered))


def _as_answer(draft: Draft) -> str:
    """Return a draft in the form in which the model answers."""
    actions = [
        {"type": a.type, "target": a.target, "content": a.content}
        if a.type in BASIC
        else {"type": a.type, "arguments": json.loads(a.content)}
        for a in draft.actions
    ]
    mind = {"emotions": draft.mind.emotions, "attention": draft.mind.attention, "goals": list(draft.mind.goals)}
    return json.dumps({"actions": actions, "mind": mind}, ensure_ascii=False)


def _flaws(attempt: _Attempt, checks: Checks) -> str:
    low = {name: score for name, score in attempt.scores.items() if score.score < checks.threshold}
    return "; ".join(f"{name} ({score.score} of 9): {score.reason}" for name, score in low.items())
