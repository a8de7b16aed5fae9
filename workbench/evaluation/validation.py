"""`validate`: an interview of a twin shows whether a person is who they are expected to be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from workbench import html
from workbench.agents.person import Person
from workbench.errors import InvalidSettings
from workbench.evaluation.judges import Judge
from workbench.judging.judge import Score, Subject
from workbench.judging.propositions import Proposition
from workbench.llm.calls import asked_of
from workbench.llm.client import LLM
from workbench.llm.meter import Budget
from workbench.llm.running import together
from workbench.prompts import render
from workbench.record.events import Event
from workbench.worlds.subjects import subject_of

if TYPE_CHECKING:
    import pandas as pd

HIGHEST = 9
COLUMNS = ("expectation", "score", "confidence", "justification", "evidence", "quotes", "call")


class _Asked(BaseModel):
    expectation: int
    question: str


class _Questions(BaseModel):
    questions: list[_Asked]


@dataclass(frozen=True, eq=False)
class Validation:
    """What an interview showed."""

    person: str
    score: float
    """0-1: the mean over the expectations that could be scored; NaN where none could."""
    table: pd.DataFrame
    """A row an expectation: expectation, score (0-1, NaN where there is none), confidence, justification, evidence (ids
    in the transcript), quotes, call."""
    transcript: pd.DataFrame
    """A row a thing that was said or thought: event, type, source, content."""

    def __str__(self) -> str:
        unscored = int(self.table["score"].isna().sum())
        more = f", {unscored} of {len(self.table)} expectations could not be scored" if unscored else ""
        said = "no score" if math.isnan(self.score) else f"{self.score:.2f} of 1"
        rows = [f"  {_shown(row.score)}  {row.expectation}: {row.justification}" for row in self.table.itertuples()]
        return "\n".join([f"{self.person}: {said}{more}", *rows])

    def _repr_html_(self) -> str:
        rows = [
            [_shown(row["score"]), row["expectation"], row["justification"], "; ".join(row["quotes"])]
            for row in self.table.to_dict("records")
        ]
        talk = html.table(["event", "who", "what"], self.transcript[["event", "source", "content"]].to_numpy().tolist())
        said = "no score" if math.isnan(self.score) else f"{self.score:.2f} of 1"
        table = html.table(["score", "expectation", "why", "on what was said"], rows)
        return html.box(f"Validation of {self.person}", said, table + html.heading("The interview", 4) + talk)


def _shown(score: Any) -> str:
    return "–" if math.isnan(score) else f"{score:.2f}"


async def validate(
    person: Person,
    expectations: str | Sequence[str],
    *,
    judge: Judge | None = None,
    llm: LLM | None = None,
    questions: str | Sequence[str] | None = None,
    budget: Budget | None = None,
) -> Validation:
    """Interview a twin of a person, and score each expectation on what it says; the person knows nothing of it.

    Args:
        person: who is validated.
        expectations: what should be true of them, in characteristics and behaviour: "Has been through a divorce and
            does not speak of it", "Answers in a few words". One request makes the questions; one a question asks them,
            one an expectation scores it.
        judge: the model and the method of the scores; one request at temperature 0 when not given.
        llm: the interviewer's and the judge's model, that of the person when not given. The person answers with theirs.
        questions: to be asked in place of those that the interviewer would make.
        budget: what interviewer and judge may spend.

    Returns:
        the scores, and the interview.

    Raises:
        InvalidSettings: no expectations.
        ModelError: a model could not be asked, or gave no readable answer.
    """
    wanted = [expectations] if isinstance(expectations, str) else list(expectations)
    if not wanted or not all(isinstance(one, str) and one.strip() for one in wanted):
        raise InvalidSettings(f"expectations={expectations!r}: give texts of what should be true of the person")
    asking = ((judge.llm if judge else None) or llm or person.llm).metered(budget)
    twin = person.twin()
    before = max((event.id for event in twin.events()), default=0)
    given = [questions] if isinstance(questions, str) else questions
    for question in given or await _questions(asking, person, wanted):
        await twin.listen_and_act(question, source="Interviewer")
    subject = subject_of(twin)
    said = [event for event in subject.shown if event.id > before]
    interview = Subject(subject.name, "", said)  # without the persona: what is not said has no evidence
    judged, as_given = judge or Judge(llm), Proposition("{{claim}}", "expectation")
    scores = await together(
        judged.score(asking, interview, as_given, f"This is true of {person.name}: {one}") for one in wanted
    )
    scores = [_on_own_words(score, said, person.name) for score in scores]
    return _validation(person.name, wanted, scores, said)


def _on_own_words(score: Score, said: Sequence[Event], name: str) -> Score:
    """Return a score with only what the person said or did as its evidence: a question shows nothing of anybody."""
    own = {event.id for event in said if event.source == name}
    kept = [(number, quote) for number, quote in zip(score.evidence, score.quotes, strict=True) if number in own]
    if score.value is not None and not kept:
        return Score.unscored("no evidence: the judge named nothing that the person said", score.call)
    return replace(score, evidence=tuple(n for n, _ in kept), quotes=tuple(quote for _, quote in kept))


async def _questions(llm: LLM, person: Person, expectations: Sequence[str]) -> list[str]:
    if llm.is_embedded:  # which would write no questions
        return [f"Tell me something about this: {one}" for one in expectations]
    user = render("interview_user", about=person.minibio(), expectations=expectations)
    messages = asked_of(render("interview_system"), user.rstrip())
    reply = await llm.complete(messages, _Questions, purpose="interview", person=person.name, temperature=0.0)
    asked = [one.question for one in reply.value.questions if one.question.strip()]
    return asked or [f"Tell me something about this: {one}" for one in expectations]


def _validation(name: str, wanted: Sequence[str], scores: Sequence[Score], said: Sequence[Any]) -> Validation:
    import pandas as pd

    rows = [
        (
            expectation,
            math.nan if score.value is None else score.value / HIGHEST,
            score.confidence,
            score.justification,
            list(score.evidence),
            list(score.quotes),
            score.call,
        )
        for expectation, score in zip(wanted, scores, strict=True)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"score": float, "confidence": float})
    talk = pd.DataFrame(
        [(event.id, event.type, event.source, event.content) for event in said],
        columns=["event", "type", "source", "content"],
    )
    return Validation(name, float(table["score"].mean()), table, talk)
