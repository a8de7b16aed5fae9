"""How a question is put to a person: what they know, what they are shown, and how the model's answer is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema, create_model

from workbench.agents.person import Person
from workbench.agents.short_turns import script_line
from workbench.agents.turns import Scene, tell_remembered
from workbench.evaluation.surveys.questions import Code, Question, labels_of
from workbench.evaluation.surveys.scales import FreeText
from workbench.llm.calls import Message, asked_of
from workbench.llm.client import LLM
from workbench.prompts import render
from workbench.record.telling import quote, tell_all, told

FEW_LINES = 6
"""Of what has happened, that a very small model is told."""


@dataclass(frozen=True)
class Put:
    """A question as it is put to one person.

    Args:
        scene: who they are and what they know.
        question: the question.
        text: of it, with what is piped into it.
        order: the codes of its options as they are shown.
        told: what they are told before.
        earlier: their earlier answers, each with its question, in words.
        options: what is shown in place of the question's own.
    """

    scene: Scene
    question: Question
    text: str
    order: tuple[Code, ...]
    told: str = ""
    earlier: Sequence[tuple[str, str]] = ()
    options: Sequence[tuple[str, str]] | None = None

    @property
    def name(self) -> str:
        """The person's name."""
        return self.scene.persona.name

    @property
    def has_events(self) -> bool:
        """Whether anything has happened that an answer may rest on."""
        return bool(told(self.scene.events))

    @property
    def shown(self) -> list[tuple[str, str]]:
        """What is shown of the options: a label and a text of each."""
        return self.question.shown(self.order) if self.options is None else list(self.options)

    def in_words(self, question: FreeText, *, shown: bool) -> Put:
        """Return the same, to be answered in words.

        Args:
            question: for words.
            shown: whether the options are shown that they are about.
        """
        return replace(self, question=question, options=self.shown if shown else ())

    def lettered(self) -> Put:
        """Return the same with a letter for each option: what has more than a character has no token of its own."""
        shown = self.shown
        if all(len(label) == 1 for label, _ in shown):
            return self
        options = [
            (letter, f"{label} ({text})" if text else label)
            for letter, (label, text) in zip(labels_of(len(shown)), shown, strict=True)
        ]
        return replace(self, options=options)

    def after(self, words: str) -> Put:
        """Return the same put once more, after the person has answered it in words."""
        return replace(self, earlier=[*self.earlier, (self.text, words)])

    def messages(self, llm: LLM, *, alone: bool = False, reason: bool = True, how: str = "") -> list[Message]:
        """Return what a model is asked.

        Args:
            llm: the model.
            alone: whether the answer is a letter or a number and nothing else.
            reason: whether it is asked why.
            how: what an answer is; as the question says when not given.
        """
        given: dict[str, Any] = {
            "told": quote("told", self.told).rstrip() if self.told else "",
            "earlier": self.earlier,
            "question": self.text,
            "options": self.shown,
            "how": how or (self.question.how if self.options is None else "the letter of one option"),
            "name": self.name,
        }
        if llm.is_embedded:
            script = "".join(map(script_line, self.scene.events[-FEW_LINES:]))
            prompt = "short_option_user" if alone else "short_survey_user"
            given = {name: value for name, value in given.items() if name != "how" or not alone}
            text = render(prompt, persona=self.scene.persona.markdown, script=script, **given)
            return [{"role": "user", "content": text.rstrip()}]
        user = render(
            "survey_user",
            history=tell_all(self.scene.events),  # with the numbers that an answer may name
            remembered="".join(map(tell_remembered, self.scene.remembered)),
            alone=alone,
            reason=reason and not isinstance(self.question, FreeText),
            events=self.has_events,
            **given,
        )
        return asked_of(render("survey_system", persona=self.scene.persona.markdown), user.rstrip())

    def answer_model(self, llm: LLM) -> type[BaseModel]:
        """Return the shape of the answer."""
        plain = isinstance(self.question, FreeText)
        return _answer_model(_Hashed(self.question), self.has_events and not llm.is_embedded, plain, llm.is_embedded)


@dataclass(frozen=True)
class _Hashed:
    """A question as the key of a cache: by identity, for its options are a mapping."""

    question: Question

    def __hash__(self) -> int:
        return id(self.question)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and self.question is other.question


@lru_cache(maxsize=256)
def _answer_model(hashed: _Hashed, events: bool, plain: bool, short: bool) -> type[BaseModel]:
    question = hashed.question
    schema = question.schema | ({"minLength": 15, "maxLength": 200} if plain and short else {})
    kind: Any = Annotated[Any, WithJsonSchema(schema), AfterValidator(question.checked)]
    fields: dict[str, Any] = {"answer": (kind, ...)}
    if not (plain or short):
        fields["reason"] = (str, ...)
    if events:
        fields["events"] = (list[int], Field())
    return create_model("SurveyAnswer", **fields)


async def known_to(person: Person, llm: LLM, about: str) -> Scene:
    """Return who a person is and what they know when they are asked something, with the memories that it brings up.

    Args:
        person: a twin, as a rule: nothing of them changes but the vectors of their memories.
        llm: the model.
        about: what they are asked.
    """
    around, memory = person.surroundings, person.memory
    scene = person.deliberate(llm, around, seed=0).scene()
    if not memory.settings.k or len(memory.semantic) == len(memory.semantic.forgotten):
        return scene
    found = await memory.retrieve(llm, [about], around.time)
    return replace(scene, remembered=tuple(memory.semantic[place] for place in found.shown))


def events_shown(scene: Scene, named: Sequence[int]) -> tuple[int, ...]:
    """Return the events that a model names and that the person was shown."""
    known = {event.id for event in told(scene.events)}
    return tuple(number for number in dict.fromkeys(named) if number in known)
