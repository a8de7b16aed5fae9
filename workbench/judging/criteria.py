"""Criteria: what a person is about to do, scored by several propositions in one request, before it happens."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, Field, create_model

from workbench.errors import InvalidSettings
from workbench.judging.propositions import Proposition
from workbench.llm.calls import Message, asked_of
from workbench.llm.client import LLM
from workbench.prompts import render

LONGEST_KEY = 60
"""Characters; a criterion without a name has its whole claim for a heading."""

_UNSAFE = re.compile(r"[^a-z0-9]+")
_FORGED = re.compile(r"<(?=\s*/?\s*proposed\b)", re.IGNORECASE)


@dataclass(frozen=True)
class CriterionScore:
    """How well one criterion is met."""

    score: int
    """0 to 9."""
    reason: str
    """What to change, in a sentence that can be handed to the person."""


@dataclass(frozen=True)
class Verdict:
    """The scores of all criteria."""

    scores: Mapping[str, CriterionScore]
    """By heading of the proposition, in the order of the criteria."""
    call: str
    """The model call that gave them."""


class _CriterionAnswer(BaseModel):
    reason: str
    score: int = Field(ge=0, le=9)


async def score_criteria(
    llm: LLM,
    *,
    name: str,
    about: str,
    history: str,
    proposed: str,
    criteria: Sequence[Proposition],
    seed: int | None = None,
) -> Verdict:
    """Score what a person is about to do from 0 to 9 by each criterion; one request, at temperature 0.

    Args:
        llm: the judge.
        name: the person's.
        about: their persona, as Markdown.
        history: what has happened, told in tags.
        proposed: what they are about to do, told in tags.
        criteria: claims about `name`, each with a heading of its own.
        seed: passed to the endpoint where it takes one, and part of the cache key.

    Raises:
        InvalidSettings: no criteria, or two of one heading.
        PromptError: a claim has variables besides `name`.
        ModelError: no readable answer; there is never a score without one.
    """
    headings = tuple(criterion.heading for criterion in criteria)
    keys = _keys(headings)
    claims = [" ".join(criterion.about(name=name).split()) for criterion in criteria]
    messages = _messages(name, about, history, proposed, list(zip(keys, claims, strict=True)))
    reply = await llm.complete(
        messages, _answer_model(headings), purpose="check", person=name, seed=seed, temperature=0.0
    )
    answers = reply.value.model_dump(by_alias=True)
    scores = {heading: CriterionScore(**answers[key]) for heading, key in zip(headings, keys, strict=True)}
    return Verdict(scores, reply.call)


def _messages(name: str, about: str, history: str, proposed: str, criteria: Sequence[tuple[str, str]]) -> list[Message]:
    """Lay the request out for prefix caches: what all share, who it is, history that only grows, then what changes."""
    user = render(
        "criteria_user",
        name=" ".join(name.split()),
        about=_inside(about),
        history=_inside(history),
        proposed=_inside(proposed),
        criteria=criteria,
    )
    return asked_of(render("criteria_system"), user.rstrip())


def _inside(text: str) -> str:
    """Return a text that can neither open nor close what is proposed."""
    return _FORGED.sub("‹", text.strip("\n"))


@cache
def _answer_model(headings: tuple[str, ...]) -> type[BaseModel]:
    """Return the shape of the answer; its fields are numbered, so that no heading can hide a method of pydantic's."""
    fields: dict[str, Any] = {
        f"criterion_{number}": (_CriterionAnswer, Field(alias=key)) for number, key in enumerate(_keys(headings), 1)
    }
    return create_model("CriteriaAnswer", **fields)


def _keys(headings: Sequence[str]) -> list[str]:
    """Return headings as the keys of an answer: ASCII identifiers, no two of them the same."""
    if not headings:
        raise InvalidSettings("criteria: at least one is needed")
    if twice := sorted({heading for heading in headings if headings.count(heading) > 1}):
        raise InvalidSettings(f"criteria: {', '.join(map(repr, twice))}: there twice: give each a name of its own")
    keys: list[str] = []
    for number, heading in enumerate(headings, 1):
        key = _UNSAFE.sub("_", heading.lower())[:LONGEST_KEY].strip("_")
        if not key[:1].isalpha():
            key = f"criterion_{number}_{key}".strip("_")
        while key in keys:
            key = f"{key}_{number}"
        keys.append(key)
    return keys
