"""Writing a persona: the model writes the rest of a person around facts that are fixed, and is held to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.agents.countries import home_of
from workbench.agents.fixed_facts import Facts, broken, check_facts, fact_lines, placed
from workbench.agents.names import NameFor, draw_names
from workbench.agents.persona import Persona
from workbench.agents.persona_answers import ANSWERS, TOKENS, WORDS_PER_TOKEN, Brief, Detail, Short, check_detail
from workbench.errors import FactsNotKept, InvalidSettings
from workbench.llm.calls import Message, asked_of
from workbench.llm.client import LLM
from workbench.llm.seeds import derive_seed
from workbench.prompts import render
from workbench.record.events import START

_FORGED = re.compile(r"<(?=\s*/?\s*(?:described|facts|others)\b)", re.IGNORECASE)
ATTEMPTS = 6
"""How often a person is asked for before that is an error."""


@dataclass(frozen=True)
class Written:
    """A persona, and what it took."""

    persona: Persona
    attempts: int
    """How often it was asked for: 1 where the facts were kept at once."""
    call: str


@dataclass(frozen=True)
class Commission:
    """What is wanted: somebody of a group, or the one who is described.

    Args:
        about: the group or the person, in words.
        facts: that are fixed; `name` is one of them where there is a group.
        detail: how much is written.
        others: of the group, a line each, from whom this one has to differ.
        group: whether `about` describes a group.
    """

    about: str
    facts: Facts
    detail: Detail = "standard"
    others: Sequence[str] = ()
    group: bool = True

    def __post_init__(self) -> None:
        check_detail(self.detail)
        object.__setattr__(self, "facts", check_facts(self.facts))

    @property
    def name(self) -> str | None:
        """The person's, where it is fixed."""
        return str(self.facts["name"]) if "name" in self.facts else None

    def messages(self) -> list[Message]:
        """Return the messages of the request."""
        words = round(TOKENS[self.detail] * WORDS_PER_TOKEN)
        system = render("persona_system", words=words, brief=self.detail == "brief")
        facts, others = map(_inside, fact_lines(self.facts)), map(_inside, self.others)
        user = render(
            "persona_user", about=_inside(self.about), facts=list(facts), others=list(others), group=self.group
        )
        return asked_of(system, user.rstrip())

    def short_messages(self) -> list[Message]:
        """Return the same for a very small model: a few lines, which it goes on with."""
        known = {p.rpartition(".")[2].replace("_", " "): value for p, value in self.facts.items() if p != "name"}
        facts = ([] if self.group else [self.about]) + fact_lines(known)
        text = render("short_persona_user", about=self.about, facts=facts, name=self.name or self.about)
        return [{"role": "user", "content": text.rstrip()}]


async def write_persona(llm: LLM, commission: Commission, *, seed: int) -> Written:
    """Ask for a persona; an answer that breaks a fact is asked for again, with what it broke.

    A very small model does not repeat facts, and would lose itself in what it broke: it is asked the same again with
    another seed, and what is seen is whether its sentence contradicts a fact.

    Raises:
        FactsNotKept: no attempt kept all facts; the attributes are named.
        ModelError: no readable answer.
    """
    short = llm.is_embedded
    schema: type[Brief] | type[Short] = Short if short else ANSWERS[commission.detail]
    first = commission.short_messages() if short else commission.messages()
    messages, wrong, calls = first, dict[str, str](), list[str]()
    for attempt in range(1, ATTEMPTS + 1):
        reply = await llm.complete(
            messages,
            schema,
            purpose="persona",
            person=commission.name,
            seed=seed if attempt == 1 else derive_seed(seed, "attempt", attempt),
        )
        written = reply.value.persona()
        wrong = broken(commission.facts, _echo(reply.value, commission.facts), written)
        if not wrong:
            return Written(placed(commission.facts, written), attempt, reply.call)
        calls.append(reply.call)
        messages = first if short else [*first, *_objection(reply.text, wrong, commission.facts)]
    llm.forget(calls)
    raise _not_kept(commission, wrong)


def _echo(answer: Brief | Short, facts: Facts) -> dict[str, str]:
    """Return the facts as an answer repeats them; a very small model is not asked to."""
    if isinstance(answer, Short):
        return {path: str(value) for path, value in facts.items()}
    return {fact.attribute: fact.value for fact in answer.facts}


async def person_described(llm: LLM, text: str, *, fixed: Facts, detail: Detail, seed: int) -> Written:
    """Ask for the persona of one person who is described; as `Person.from_text`."""
    if not isinstance(text, str) or not text.strip():
        raise InvalidSettings("who is it to be? Describe the person: 'a Brazilian doctor who loves heavy metal'")
    facts = check_facts(fixed)
    if llm.is_embedded and "name" not in facts:  # it would take one of its examples
        age = facts.get("age")
        born = START.year - int(age) if isinstance(age, int | float) else None
        wanted = NameFor(home_of(None, text)[0], str(facts.get("gender", text)), born)
        facts = {"name": draw_names([wanted], seed=seed)[0], **facts}
    return await write_persona(llm, Commission(text, facts, detail, group=False), seed=seed)


def _inside(text: str) -> str:
    """Return a text that can neither open nor close a part of the prompt."""
    return _FORGED.sub("‹", text)


def _objection(text: str, wrong: dict[str, str], facts: Facts) -> list[Message]:
    right = fact_lines({path: facts[path] for path in wrong})
    lines = [f"- {fact} (you wrote: {said})" for fact, said in zip(right, wrong.values(), strict=True)]
    told = render("persona_again", wrong=lines)
    return [{"role": "assistant", "content": text}, {"role": "user", "content": told.rstrip()}]


def _not_kept(commission: Commission, wrong: dict[str, str]) -> FactsNotKept:
    who = commission.name or "the person"
    said = "; ".join(f"{path} is to be {commission.facts[path]!r}, it wrote {other!r}" for path, other in wrong.items())
    return FactsNotKept(
        f"{who}: the model did not keep the facts in {ATTEMPTS} attempts: {said}. What was written for others is "
        "kept in the call cache. Try a larger model, or another wording of these attributes.",
        person=who,
        attributes=tuple(wrong),
        attempts=ATTEMPTS,
    )
