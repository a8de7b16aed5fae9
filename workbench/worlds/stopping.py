"""When a run ends before its last step: nobody has more to say, a claim holds, a function says so, a loop is seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from workbench.errors import InvalidSettings
from workbench.judging.judge import check_claim
from workbench.judging.propositions import Proposition
from workbench.judging.repetition import same_words
from workbench.record.events import Event
from workbench.worlds.interventions import called
from workbench.worlds.subjects import subject_of

if TYPE_CHECKING:
    from workbench.worlds.world import World

ConditionName = Literal["done", "loop", "budget"]
Condition = ConditionName | str | Proposition | Callable[["World"], object]
"""When to end.

- `done`: nobody did anything in the last step but think, or end their turn
- `loop`: the talk has become farewells, or repeats itself; found without a model
- `budget`: what may be spent is spent, which is an error otherwise
- a claim about the world, in a sentence or as a `Proposition`; or a function of the world
"""

FEWEST = 4
"""The least talk that can be a loop."""
MOST = 12
"""The most that is looked at."""
ALIKE = 0.9
"""The share of the same words from which talk repeats other talk."""
REPEATED = 0.75
"""The share of the latest talk that has to repeat what was said before it."""
_FAREWELLS = (
    "good ?bye|bye|see (?:you|ya)|take care|farewell|have a (?:good|nice|great|lovely|wonderful) \\w+|good night|"
    "adi[oó]s|hasta (?:luego|pronto|ma[nñ]ana|la vista)|nos vemos|cu[ií]date|chao|ciao|arrivederci|a presto|"
    "au revoir|à bient[oô]t|bonne (?:journ[eé]e|soir[eé]e|nuit)|tsch[uü]ss|auf wiedersehen|bis (?:bald|dann|morgen)|"
    "mach'?s gut|tchau|at[eé] (?:logo|mais|breve)|do widzenia|pa pa|na razie|tot ziens|doei|hej d[aå]|"
    "до свидания|пока|увидимся|مع السلامة|إلى اللقاء|görüşürüz|hoşça kal"
)
_UNSPACED_FAREWELLS = "さようなら|またね|じゃあね|再见|再見|拜拜|안녕히|잘 ?가"
_FAREWELL = re.compile(rf"(?<!\w)(?:{_FAREWELLS})(?!\w)|{_UNSPACED_FAREWELLS}", re.IGNORECASE)


@dataclass(frozen=True)
class Verdict:
    """Whether a run is to end."""

    condition: str
    """What the condition is called."""
    ends: bool
    reason: str
    call: str = ""
    """The model call that said so, where one was made."""


def read_conditions(given: Condition | Sequence[Condition] | None) -> list[Condition]:
    """Return what was given as a list.

    Raises:
        InvalidSettings: something that is no condition.
    """
    listed = (
        [] if given is None else [given] if isinstance(given, str | Proposition) or callable(given) else list(given)
    )
    for one in listed:
        if not (isinstance(one, Proposition | str) or callable(one)):
            raise InvalidSettings(f"until={one!r}: it is a word, a claim or a function of the world")
        if isinstance(one, str) and one not in get_args(ConditionName) and len(one.split()) < 2:
            known = ", ".join(map(repr, get_args(ConditionName)))
            raise InvalidSettings(f"until={one!r}: it is {known}, a claim in a sentence, or a function of the world")
    return listed


def name_of(condition: Condition) -> str:
    """Return what a condition is called."""
    if isinstance(condition, str):
        return condition
    return condition.heading if isinstance(condition, Proposition) else getattr(condition, "__name__", repr(condition))


async def judge(condition: Condition, world: World) -> Verdict:
    """Return whether a run is to end now.

    Raises:
        ModelError: a claim could not be judged.
    """
    name = name_of(condition)
    if condition == "budget":
        return Verdict(name, False, "nothing was refused")
    if condition == "done":
        return _everybody_done(world)
    if condition == "loop":
        return _loop(world.file.latest("TALK", 3 * MOST), len(world.people))
    if isinstance(condition, Proposition | str):
        claim = condition if isinstance(condition, Proposition) else Proposition(condition)
        subject = subject_of(world)
        said = await check_claim(world.llm, subject, claim.about(name=subject.name), purpose="until")
        return Verdict(name, bool(said.holds), said.justification, said.call)
    answer = await called(condition, world, None)
    return Verdict(name, bool(answer), answer if isinstance(answer, str) else f"{name} says so")


def _everybody_done(world: World) -> Verdict:
    last = range(world.steps, world.steps + 1)
    acts = [event.type for event in world.file.events(last) if event.kind == "action"]
    done = bool(acts) and set(acts) <= {"DONE", "THINK"}
    return Verdict("done", done, "nobody had anything more to say or do")


def _loop(talk: Sequence[Event], n_people: int) -> Verdict:
    """Look at the latest talk, about two turns of everybody."""
    n = min(max(FEWEST, 2 * n_people), MOST)
    latest, before = talk[-n:], talk[:-n]
    if len(latest) == n and all(_FAREWELL.search(event.content) for event in latest):
        return Verdict(
            "loop", True, f"the latest {n} things said are farewells (events {latest[0].id}-{latest[-1].id})"
        )
    said = [event.content for event in (*before, *latest)]
    repeated = [
        any(same_words(text, earlier) >= ALIKE for earlier in said[:place])
        for place, text in enumerate(said)
        if place >= len(before)
    ]
    if len(latest) == n and sum(repeated) >= REPEATED * n:
        reason = (
            f"{sum(repeated)} of the latest {n} things said repeat what was said before (up to event {latest[-1].id})"
        )
        return Verdict("loop", True, reason)
    return Verdict("loop", False, "the talk goes on")
