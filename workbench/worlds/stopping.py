"""When a run ends before its last step: nobody has more to say, a claim holds, a function says so, a loop is seen."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, get_args

from workbench.errors import InvalidSettings, PromptError
from workbench.judging.judge import check_claim
from workbench.judging.propositions import Proposition
from workbench.judging.repetition import says_again
from workbench.record.events import Event
from workbench.worlds.interventions import called
from workbench.worlds.subjects import subject_of

if TYPE_CHECKING:
    from workbench.worlds.world import World

ConditionName = Literal["done", "loop", "budget"]
Condition = ConditionName | str | Proposition | Callable[["World"], object]
"""When to end.

- `done`: everybody has had a turn since, and nobody did anything but think, or end it, and nobody was absent
- `loop`: the talk has become farewells, or repeats itself; found without a model
- `budget`: what may be spent is spent, which is an error otherwise
- a claim about the world, in a sentence or as a `Proposition`; or a function of the world
"""

FEWEST = 4
"""The least talk that can be a loop."""
MOST = 12
"""The most that is looked at."""
REPEATED = 0.75
"""The share of the latest talk that has to repeat what was said before it."""
_FAREWELLS = (
    r"good ?bye|bye|(?<!i )(?<!can )see (?:you|ya)(?! \w)|see (?:you|ya) (?:soon|later|tomorrow|again|around|next)|"
    r"take care(?! (?:of|that|to|not|about|when|with))|farewell|good night|"
    r"have a (?:good|nice|great|lovely|wonderful) (?:day|one|morning|afternoon|evening|night|week|weekend|time|trip)|"
    "adi[oó]s|hasta (?:luego|pronto|ma[nñ]ana|la vista)|nos vemos|cu[ií]date|chao|ciao|arrivederci|a presto|"
    "au revoir|à bient[oô]t|bonne (?:journ[eé]e|soir[eé]e|nuit)|tsch[uü]ss|auf wiedersehen|"
    "mach'?s gut|tchau|at[eé] (?:logo|mais|breve)|do widzenia|pa pa|tot ziens|doei|hej d[aå]|"
    "до свидания|увидимся|مع السلامة|إلى اللقاء|görüşürüz|hoşça kal"
)
_LAST_WORDS = "bis (?:bald|dann|morgen)|na razie|пока"
"""Farewells where the clause ends with them; elsewhere they mean "until" or "for now"."""
_UNSPACED_FAREWELLS = r"さようなら|またね|じゃあね|再见|再見|拜拜|안녕히|잘 ?가(?!\w)"
_FAREWELL = re.compile(
    rf"(?<!\w)(?:{_FAREWELLS}|(?:{_LAST_WORDS})(?= *(?:$|[^\w\s])))(?!\w)|{_UNSPACED_FAREWELLS}", re.IGNORECASE
)


@dataclass(frozen=True)
class Verdict:
    """Whether a run is to end."""

    condition: str
    """What the condition is called."""
    ends: bool
    reason: str
    call: str = ""
    """The model call that said so, where one was made."""

    def to_json(self) -> str:
        """Return what the record keeps of it, besides the call."""
        return json.dumps({"condition": self.condition, "ends": self.ends, "reason": self.reason}, ensure_ascii=False)

    @classmethod
    def of(cls, event: Event) -> Self:
        """Read what the record has of one."""
        return cls(**json.loads(event.content), call=event.call or "")


def read_conditions(given: Condition | Sequence[Condition] | None) -> list[Condition]:
    """Return what was given as a list.

    Raises:
        InvalidSettings: something that is no condition.
    """
    if given is None:
        return []
    listed = [given] if isinstance(given, str | Proposition) or callable(given) else given
    if not isinstance(listed, Sequence):
        raise InvalidSettings(f"until={given!r}: it is a word, a claim or a function of the world, or a list of them")
    for one in listed:
        _check(one)
    return list(listed)


def _check(condition: Condition) -> None:
    known = ", ".join(map(repr, get_args(ConditionName)))
    if not (isinstance(condition, Proposition | str) or callable(condition)):
        raise InvalidSettings(f"until={condition!r}: it is {known}, a claim, or a function of the world")
    if not is_claim(condition):
        return
    claim = _claim_of(condition)
    if len(claim.claim.split()) < (2 if claim.claim.isascii() else 1):  # not every script puts spaces between words
        raise InvalidSettings(f"until={condition!r}: it is {known}, a claim in a sentence, or a function of the world")
    try:
        claim.about(name="Somewhere")
    except PromptError as error:
        raise InvalidSettings(f"until={condition!r}: {error}") from error


def is_claim(condition: Condition) -> bool:
    """Return whether a judge is asked, and paid."""
    return isinstance(condition, Proposition) or (
        isinstance(condition, str) and condition not in get_args(ConditionName)
    )


def _claim_of(condition: object) -> Proposition:
    return condition if isinstance(condition, Proposition) else Proposition(str(condition))


def name_of(condition: Condition) -> str:
    """Return what a condition is called."""
    if isinstance(condition, str):
        return condition
    if isinstance(condition, Proposition):
        return condition.heading
    return str(getattr(condition, "__name__", type(condition).__name__))


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
        subject = subject_of(world)
        claim = _claim_of(condition).about(name=subject.name)
        said = await check_claim(world.llm, subject, claim, purpose="until")
        return Verdict(name, bool(said.holds), said.justification, said.call)
    answer = await called(condition, world, None)
    return Verdict(name, bool(answer), answer if isinstance(answer, str) else f"{name} says so")


def _everybody_done(world: World) -> Verdict:
    if world.turn_history.all_done:
        return Verdict("done", True, "nobody had anything more to say or do")
    return Verdict("done", False, "somebody said or did something, or has not had a turn since")


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
        any(says_again(text, earlier) for earlier in said[:place])
        for place, text in enumerate(said)
        if place >= len(before)
    ]
    if len(latest) == n and sum(repeated) >= REPEATED * n:
        reason = (
            f"{sum(repeated)} of the latest {n} things said repeat what was said before (up to event {latest[-1].id})"
        )
        return Verdict("loop", True, reason)
    return Verdict("loop", False, "the talk goes on")
