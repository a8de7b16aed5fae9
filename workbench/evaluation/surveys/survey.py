"""`Survey`: questions in an order, perhaps in sections, and what each is given an earlier answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from workbench import html
from workbench.errors import InvalidSettings
from workbench.evaluation.surveys.questions import Question
from workbench.prompts import render_text

_PIPED = re.compile(r"\{[{%][^{}]*\b(?:answers|name)\b")
_NAMED = re.compile(r"\banswers(?:\.(\w+)|\[['\"](\w+)['\"]\])")
"""A text with neither is no template, whatever braces it has."""


@dataclass(frozen=True)
class Section:
    """Questions that belong together.

    Args:
        title: that the person is told.
        questions: in their order.
        introduction: that the person is told, too.
    """

    title: str
    questions: Sequence[Question]
    introduction: str = ""


@dataclass(frozen=True)
class Survey:
    """Questions that people are asked one after another, who remember what they answered before.

    Args:
        questions: `Question`s and `Section`s.
        title: of the whole.
        introduction: what all are told before the first question: a product, a situation.
        remember: whether a person is shown their earlier answers; else each question is asked as if it were the first.

    Raises:
        InvalidSettings: no questions, or two of one name.

    >>> from workbench.evaluation.surveys.questions import Choice
    >>> [question.name for question in Survey([Choice("Tea?", ["yes", "no"]), Choice("Milk?", ["yes", "no"])])]
    ['q1', 'q2']
    """

    questions: Sequence[Question | Section]
    title: str = ""
    introduction: str = ""
    remember: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        if not self.asked:
            raise InvalidSettings("a survey needs questions: wb.Likert(...), wb.Choice(...), wb.FreeText(...) ...")
        names = [question.name for _, question in self.asked]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InvalidSettings(f"two questions are called {', '.join(twice)}: give each a name of its own")
        for number, (section, question) in enumerate(self.asked):
            texts = [question.text, section.introduction if section else ""]
            piped_names = {a or b for text in texts if _PIPED.search(text) for a, b in _NAMED.findall(text)}
            if unknown := sorted(piped_names - set(names[:number])):
                raise InvalidSettings(f"{question.name}: no earlier question is called {', '.join(unknown)}")

    @classmethod
    def of(cls, given: Any) -> Survey:
        """Return a survey as it is, and one of a question, or of a list of questions.

        Raises:
            InvalidSettings: it is none of these.
        """
        if isinstance(given, cls):
            return given
        return cls([given] if isinstance(given, Question | Section) else list(given))

    @cached_property
    def asked(self) -> tuple[tuple[Section | None, Question], ...]:
        """All questions in order, each with its section and with a name."""
        pairs = list(_flat(self.questions))
        return tuple(
            (section, question if question.name else replace(question, name=f"q{number}"))
            for number, (section, question) in enumerate(pairs, 1)
        )

    def __iter__(self) -> Iterator[Question]:
        return iter(question for _, question in self.asked)

    def __len__(self) -> int:
        return len(self.asked)

    def __getitem__(self, name: str) -> Question:
        """Return the question of a name.

        Raises:
            InvalidSettings: there is none.
        """
        if (found := next((question for question in self if question.name == name), None)) is None:
            raise InvalidSettings(f"no question is called {name!r}; there are {', '.join(q.name for q in self)}")
        return found

    def __str__(self) -> str:
        return "\n".join(f"{question.name} ({question.kind}): {question.text}" for question in self)

    def _repr_html_(self) -> str:
        rows = [[q.name, s.title if s else "", q.kind, q.text[:300], q.how] for s, q in self.asked]
        table = html.table(["name", "section", "kind", "question", "answer"], rows)
        return html.box(self.title or "Survey", self.introduction[:300], table)


def _flat(given: Sequence[Any]) -> Iterator[tuple[Section | None, Question]]:
    for one in given:
        if isinstance(one, Section):
            if any(isinstance(inner, Section) for inner in one.questions):
                raise InvalidSettings(f"{one.title}: a section in a section: make them follow each other")
            yield from ((one, question) for _, question in _flat(one.questions))
        elif isinstance(one, Question):
            yield None, one
        else:
            raise InvalidSettings(f"{one!r} is no question: give wb.Likert(...), wb.Choice(...), wb.FreeText(...) ...")


def piped(text: str, what: str, name: str, told: Mapping[str, str]) -> str:
    """Return a text with the person's name and earlier answers in their places.

    Args:
        text: of a question or an introduction.
        what: it is, for messages.
        name: of the person.
        told: earlier answers in words, by the names of their questions.

    Raises:
        PromptError: it speaks of a question that was not asked.
    """
    if not _PIPED.search(text):
        return text
    return render_text(text, what, name=name, answers=SimpleNamespace(**told))  # a dict has attributes of its own
