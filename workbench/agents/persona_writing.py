"""Writing a persona: the model writes the rest of a person around facts that are fixed, and is held to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.agents.countries import country_in
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

ATTEMPTS = 4
"""How often a person is asked for before that is an error."""


@dataclass(frozen=True)
class Written:
    """A persona, and what it took."""

    persona: Persona
    attempts: int
    """Requests: 1 where the facts were kept at once."""
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
        check_facts(self.facts)

    @property
    def name(self) -> str | None:
        """The person's, where it is fixed."""
        return str(self.facts["name"]) if "name" in self.facts else None

    def messages(self) -> list[Message]:
        """Return the messages of the request."""
        words = round(TOKENS[self.detail] * WORDS_PER_TOKEN)
        system = render("persona_system", words=words, brief=self.detail == "brief")
        user = render(
            "persona_user", about=self.about, facts=fact_lines(self.facts), others=self.others, group=self.group
        )
        return asked_of(system, user.rstrip())

    def short_messages(self) -> list[Message]:
        """Return the same for a very small model: a few lines, which it goes on with."""
        known = {path: value for path, value in self.facts.items() if path != "name"}
        described = [] if self.group else [self.about]
        facts = described + [line.rpartition(".")[2].replace("_", " ") for line in fact_lines(known)]
        text = render("short_persona_user", about=self.about, facts=facts, name=self.name or self.about)
        return [{"role": "user", "content": text.rstrip()}]


async def write_persona(llm: LLM, commission: Commission, *, seed: int) -> Written:
    """Ask for a persona; an answer that breaks a fact is asked for again, with what it broke.

    Raises:
        FactsNotKept: no attempt kept all facts; the attributes are named.
        ModelError: no readable answer.
    """
    write = _write_shortly if llm.is_embedded else _write
    return await write(llm, commission, seed)


async def person_described(llm: LLM, text: str, *, fixed: Facts, detail: Detail, seed: int) -> Written:
    """Ask for the persona of one person who is described; as `Person.from_text`."""
    if not text.strip():
        raise InvalidSettings("who is it to be? Describe the person: 'a Brazilian doctor who loves heavy metal'")
    facts = dict(fixed)
    if llm.is_embedded and "name" not in facts:  # it would take one of its examples
        age = facts.get("age")
        born = START.year - int(age) if isinstance(age, int | float) else None
        wanted = NameFor(country_in(text) or "US", str(facts.get("gender", text)), born)
        facts = {"name": draw_names([wanted], seed=seed)[0], **facts}
    return await write_persona(llm, Commission(text, facts, detail, group=False), seed=seed)


async def _write(llm: LLM, commission: Commission, seed: int) -> Written:
    messages, wrong, calls = commission.messages(), dict[str, str](), list[str]()
    for attempt in range(1, ATTEMPTS + 1):
        schema: type[Brief] = ANSWERS[commission.detail]
        reply = await llm.complete(messages, schema, purpose="persona", person=commission.name, seed=seed)
        echo = {fact.attribute: fact.value for fact in reply.value.facts}
        wrong = broken(commission.facts, echo, reply.value.persona())
        if not wrong:
            return Written(placed(commission.facts, reply.value.persona()), attempt, reply.call)
        calls.append(reply.call)
        messages = [*commission.messages(), *_objection(reply.text, wrong, commission.facts)]
    llm.forget(calls)
    raise _not_kept(commission, wrong)


async def _write_shortly(llm: LLM, commission: Commission, seed: int) -> Written:
    """Ask a very small model; it does not repeat facts: what is seen is whether its sentence contradicts them."""
    messages, wrong, calls = commission.short_messages(), dict[str, str](), list[str]()
    echo = {path: str(value) for path, value in commission.facts.items()}
    for attempt in range(1, ATTEMPTS + 1):
        reply = await llm.complete(
            messages, Short, purpose="persona", person=commission.name, seed=derive_seed(seed, attempt)
        )
        written = reply.value.persona()
        wrong = broken(commission.facts, echo, {"other_facts": written.get("other_facts", [])})
        if not wrong:
            return Written(placed(commission.facts, written), attempt, reply.call)
        calls.append(reply.call)
    llm.forget(calls)
    raise _not_kept(commission, wrong)


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
