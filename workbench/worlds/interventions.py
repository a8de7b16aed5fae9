"""`Intervention`: what the researcher has happen when its preconditions hold. How a step decides: `intervening`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from itertools import chain
from typing import TYPE_CHECKING, Literal

from workbench.agents.perception import check_stimulus
from workbench.agents.person import Person
from workbench.errors import InvalidSettings, PromptError
from workbench.judging.propositions import Proposition
from workbench.llm.client import LLM
from workbench.prompts import render_text
from workbench.record.events import Event

if TYPE_CHECKING:
    from workbench.worlds.world import World

FIRED, CHECKED, ADDED = "FIRED", "CHECKED", "ADDED"


@dataclass(frozen=True)
class Stimulus:
    """Something to be perceived.

    Args:
        type: CONVERSATION, THOUGHT, INTERNAL_GOAL_FORMULATION, SOCIAL, VISUAL or LOCATION.
        content: a text; `{{name}}` is the one who perceives it, where it is for one.
        source: who speaks, where somebody does.
    """

    type: str
    content: str
    source: str = ""

    def __post_init__(self) -> None:
        check_stimulus(self.type)
        if not _is_text(self.content) or not isinstance(self.source, str):
            raise InvalidSettings(f"a stimulus has a text, and its source is a name: {self!r}")


Effect = Stimulus | str | Callable[..., object]
"""A stimulus, a text that is said, or a function of the world and, where it is for each person, of the person.

It may be a coroutine function, such as one that continues a story.
"""


@dataclass(frozen=True, eq=False, repr=False)
class Intervention:
    """Dormant until its preconditions hold; then its effect, once or again. All that are given have to hold.

    Args:
        name: it is saved with the run by its name.
        effect: what happens then.
        when: a function of the world and, where it is for each person, of the person; free, so it goes first.
        claim: checked yes or no by a judge, such as "{{name}} has lost interest"; paid for.
        score: scored 0-9 by a judge; goes with `at_least` or `at_most`; paid for, and only where the claim holds.
        at_least: the score from which it holds.
        at_most: the score up to which it holds.
        for_each: people, by name, or `everyone`: decided and done for each of them; for the world when not given.
        at_step: only in this step, or in these.
        every: only in steps whose number it divides.
        cooldown: steps in which it rests after it has fired.
        once: whether it fires one time only, for each person where it is for each; when not given, True unless `every`,
            `cooldown` or several steps are.
        latest: how many of the latest events the judge reads; all when not given.
        llm: the judge; the model of the world when not given.

    Raises:
        InvalidSettings: arguments that cannot be.
    """

    name: str
    effect: Effect
    _: KW_ONLY
    when: Callable[..., object] | None = None
    claim: str | Proposition | None = None
    score: str | Proposition | None = None
    at_least: int | None = None
    at_most: int | None = None
    for_each: Literal["everyone"] | Sequence[str] | None = None
    at_step: int | Sequence[int] | None = None
    every: int | None = None
    cooldown: int | None = None
    once: bool | None = None
    latest: int | None = None
    llm: LLM | None = None

    def __post_init__(self) -> None:
        if not _is_text(self.name):
            raise InvalidSettings(f"an intervention needs a name, not {self.name!r}")
        if wrong := next(chain(self._wrong_parts(), self._wrong_times(), self._wrong_texts()), None):
            raise InvalidSettings(f"the intervention {self.name!r}: {wrong}")

    def __repr__(self) -> str:
        given = {one.name: getattr(self, one.name) for one in fields(self)[1:]}
        told = [f"{name}={_told(value)}" for name, value in given.items() if value is not None]
        return f"Intervention({self.name!r}, {', '.join(told)})"

    def _wrong_parts(self) -> Iterator[str]:
        """Yield what cannot be, of what it goes by and what it does."""
        if not (isinstance(self.effect, Stimulus) or _is_text(self.effect) or callable(self.effect)):
            yield f"effect={self.effect!r}: it is a text, a wb.Stimulus or a function"
        if self.when is not None and not callable(self.when):
            yield f"when={self.when!r}: it is a function; a text to be judged is a claim="
        for how, claim in (("claim", self.claim), ("score", self.score)):
            if not (claim is None or isinstance(claim, Proposition) or _is_text(claim)):
                yield f"{how}={claim!r}: it is a sentence, or a wb.Proposition"
        bounds = [bound for bound in (self.at_least, self.at_most) if bound is not None]
        if bool(bounds) != (self.score is not None):
            yield "score= goes with at_least= or at_most="
        if any(bound != 0 and not (_is_count(bound) and bound <= 9) for bound in bounds):
            yield f"a score is a whole number from 0 to 9, not {bounds}"
        if len(bounds) == 2 and bounds[0] > bounds[1]:
            yield f"at_least={self.at_least} and at_most={self.at_most}: no score is both"
        if self.llm is not None and not isinstance(self.llm, LLM):
            yield f"llm={self.llm!r}: it is a wb.LLM(...)"

    def _wrong_times(self) -> Iterator[str]:
        """Yield what cannot be, of when it fires and for whom."""
        if isinstance(self.for_each, str) and self.for_each != "everyone":
            yield f"for_each={self.for_each!r}: it is 'everyone', or names, as in [{self.for_each!r}]"
        if self.for_each is not None and not _are_names(self.for_each):
            yield f"for_each={self.for_each!r}: it is 'everyone', or a list of names"
        if self._steps is not None and not (self._steps and all(map(_is_count, self._steps))):
            yield f"at_step={self.at_step!r}: it is the number of a step, from 1, or a list of them"
        for name in ("every", "cooldown", "latest"):
            value = getattr(self, name)
            if value is not None and not _is_count(value):
                yield f"{name}={value!r}: a whole number is needed, 1 or more"
        if not isinstance(self.once, bool | None):
            yield f"once={self.once!r}: it is True or False"

    def _wrong_texts(self) -> Iterator[str]:
        """Yield what is wrong with texts, before anything is spent: they know `name` and nothing else."""
        effect = self.effect.content if isinstance(self.effect, Stimulus) else self.effect
        try:
            for _, claim in self.claims:
                claim.about(name="Somebody")
            if isinstance(effect, str):
                render_text(effect, "effect", name="Somebody")
        except PromptError as error:
            yield str(error)

    @property
    def _steps(self) -> Sequence[int] | None:
        """The steps in which it may fire; in all of them where it is not said."""
        if self.at_step is None or (isinstance(self.at_step, Sequence) and not isinstance(self.at_step, str)):
            return self.at_step
        return (self.at_step,)

    @property
    def fires_once(self) -> bool:
        """Whether it fires one time only."""
        again = self.every or self.cooldown or isinstance(self.at_step, Sequence)
        return not again if self.once is None else self.once

    @property
    def claims(self) -> list[tuple[str, Proposition]]:
        """What has to be paid for: `claim` and `score`, in the order in which they are judged."""
        given = [("claim", self.claim), ("score", self.score)]
        return [
            (how, one if isinstance(one, Proposition) else Proposition(one)) for how, one in given if one is not None
        ]

    def due(self, step: int, history: FiringHistory, person: str) -> bool:
        """Return whether its time has come, for somebody or (no name) for the world."""
        if self._steps is not None and step not in self._steps:
            return False
        last = history.last.get((self.name, person))
        rests = last is not None and (self.fires_once or step <= last + (self.cooldown or 0))
        return not rests and not (self.every and step % self.every)

    def score_holds(self, score: int | None) -> bool:
        """Return whether a score is within the bounds; what could not be scored is not."""
        lowest, highest = self.at_least or 0, 9 if self.at_most is None else self.at_most
        return score is not None and lowest <= score <= highest

    def people(self, world: World) -> list[Person | None]:
        """Return for whom it is to be decided; None stands for the world.

        Raises:
            UnknownName: somebody who is not there.
        """
        if self.for_each is None:
            return [None]
        if self.for_each == "everyone":
            return list(world.people)
        return list(dict.fromkeys(map(world.person, self.for_each)))

    async def take_effect(self, world: World, person: Person | None) -> None:
        """Do what it does."""
        if isinstance(self.effect, Stimulus | str):
            given = self.effect if isinstance(self.effect, Stimulus) else Stimulus("CONVERSATION", self.effect)
            content = render_text(given.content, self.name, name=person.name if person else "all")
            (person or world).stimulate(given.type, content, given.source)
            return
        await called(self.effect, world, person)


def _told(value: object) -> str:
    return str(getattr(value, "__name__", repr(value)))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _are_names(value: object) -> bool:
    return isinstance(value, Sequence) and bool(value) and all(isinstance(one, str) for one in value)


@dataclass
class FiringHistory:
    """In which step each intervention last fired, by its name and for whom; it follows from the events alone."""

    last: dict[tuple[str, str], int] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    """The names of those that were added while the run went on."""

    def take_in(self, event: Event) -> None:
        """Learn of an event of the kind `intervention`."""
        if event.type == FIRED:
            self.last[event.source, event.target] = event.step
        elif event.type == ADDED:
            self.added.append(event.source)


async def called(function: Callable[..., object], world: World, person: Person | None) -> object:
    """Call a researcher's function with the world and perhaps a person, and wait for a coroutine function."""
    result = function(world) if person is None else function(world, person)
    return await result if inspect.isawaitable(result) else result


def by_name(interventions: Sequence[Intervention]) -> dict[str, Intervention]:
    """Return interventions by name.

    Raises:
        InvalidSettings: something that is none, or two of one name.
    """
    named: dict[str, Intervention] = {}
    if isinstance(interventions, Intervention):
        raise InvalidSettings(f"interventions: a list is needed, as in [{interventions.name!r}, ...]")
    for one in interventions:
        if not isinstance(one, Intervention):
            raise InvalidSettings(f"{one!r} is no intervention: make a wb.Intervention(name, effect, ...)")
        if named.setdefault(one.name, one) is not one:
            raise InvalidSettings(f"two interventions are called {one.name!r}: give one another name")
    return named


def check_given(wanted: Sequence[str], given: Mapping[str, Intervention]) -> None:
    """Check that a run goes on with the interventions that it was made with.

    Raises:
        InvalidSettings: some are not given; they are named.
    """
    if missing := [name for name in wanted if name not in given]:
        raise InvalidSettings(
            f"the run was made with interventions that are not given now: {', '.join(map(repr, missing))}. They are "
            "code, which a file cannot hold: give them again, as in World.resume(path, interventions=[...])"
        )
