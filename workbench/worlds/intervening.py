"""How a step decides on interventions, before anybody acts, and lets them take effect.

All are decided on the same past: what is free first, for all of them; then, at once, what is paid for of those whose
free conditions hold. Then come their effects, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from workbench.agents.person import Person
from workbench.errors import CacheMiss, ModelError, StepFailed
from workbench.judging.judge import Check, Score, Subject, check_claim, score_claim
from workbench.llm.running import together
from workbench.worlds.interventions import CHECKED, FIRED, Intervention, called
from workbench.worlds.subjects import subject_of

if TYPE_CHECKING:
    from workbench.worlds.world import World

SUBJECTS = 256
"""Those of whom what is shown to judges is kept for the next claim, while a step is decided on."""


RECORDED = ("holds", "value", "justification", "confidence", "evidence", "call")
"""Of a verdict: what its evidence says stands in the run already."""


@dataclass
class _Candidate:
    """An intervention for somebody or for the world, whose free conditions hold."""

    intervention: Intervention
    person: Person | None
    checks: list[tuple[str, Check | Score, bool]] = field(default_factory=list)
    """What was paid for: the claim, what the judge said, and whether it holds."""

    @property
    def for_whom(self) -> str:
        return self.person.name if self.person else ""

    @property
    def holds(self) -> bool:
        return all(holds for _, _, holds in self.checks)

    @property
    def call(self) -> str | None:
        """The judge's call that let it fire."""
        return next((said.call for _, said, _ in reversed(self.checks) if said.call), None)

    @property
    def reason(self) -> str:
        called = getattr(self.intervention.when, "__name__", "<lambda>")
        named = "its condition" if called == "<lambda>" else called
        free = "it was due" if self.intervention.when is None else f"{named} holds"
        return "; ".join([free, *(f"{claim}: {said.justification}" for claim, said, _ in self.checks)])


async def intervene(world: World, interventions: Sequence[Intervention]) -> None:
    """Decide on interventions and let those take effect whose preconditions hold.

    Raises:
        StepFailed: a judge could not be asked.
    """
    found = [one for each in interventions for one in await _due(world, each)]
    if not found:
        return

    @lru_cache(maxsize=SUBJECTS)
    def subject(of: Person | None, latest: int | None) -> Subject:
        return subject_of(of or world, latest)

    await together((_decide(world, one, subject) for one in found if one.intervention.claims), at_once=world.at_once)
    for one in found:
        for claim, said, holds in one.checks:
            verdict = {name: value for name, value in asdict(said).items() if name in RECORDED}
            content = {"claim": claim, "precondition_holds": holds, **verdict}
            world.note_intervention(CHECKED, one.intervention.name, one.for_whom, content, content.pop("call") or None)
    for one in found:
        if one.holds:
            world.note_intervention(FIRED, one.intervention.name, one.for_whom, {"reason": one.reason}, one.call)
            with _named(world, one, "did not take effect"):
                await one.intervention.take_effect(world, one.person)


async def _due(world: World, intervention: Intervention) -> list[_Candidate]:
    """Return for whom the free conditions hold."""
    found = []
    for person in intervention.people(world):
        one = _Candidate(intervention, person)
        if intervention.due(world.steps, world.firing_history, one.for_whom):
            with _named(world, one, "could not be decided"):
                if intervention.when is None or await called(intervention.when, world, person):
                    found.append(one)
    return found


async def _decide(world: World, one: _Candidate, subject_for: Callable[[Person | None, int | None], Subject]) -> None:
    """Have what is paid for judged, as far as it has to be."""
    judged = one.intervention
    for how, proposition in judged.claims:
        subject = subject_for(one.person, judged.latest).part(proposition.first, proposition.last)
        claim = proposition.about(name=subject.name)
        ask: Any = check_claim if how == "claim" else partial(score_claim, scale=proposition.scale)
        with _named(world, one, "could not be decided"):
            said = await ask(
                judged.llm or world.llm,
                subject,
                claim,
                purpose="intervention",
                double_check=proposition.double_check,
            )
        holds = bool(said.holds) if isinstance(said, Check) else judged.score_holds(said.value)
        one.checks.append((claim, said, holds))
        if not holds:
            return


@contextmanager
def _named(world: World, one: _Candidate, what: str) -> Iterator[None]:
    """Say of an error in which intervention it arose, be it a model's or one of the researcher's own code."""
    name, whom = one.intervention.name, f" for {one.for_whom}" if one.person else ""
    try:
        yield
    except (ModelError, CacheMiss) as error:
        told = f"step {world.steps} of {world.name!r}: the intervention {name!r}{whom} {what}: {error}"
        raise StepFailed(told, step=world.steps, person=one.for_whom, purpose="intervention") from error
    except Exception as error:
        error.add_note(f"This was in the intervention {name!r}{whom}.")
        raise
