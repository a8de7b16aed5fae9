"""A plan that a model proposes: the dimensions, their shares and what depends on what, as it knows such people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator

from workbench.agents.countries import require_country
from workbench.errors import InvalidSettings
from workbench.llm.calls import Message, asked_of
from workbench.llm.client import LLM
from workbench.populations.dimensions import Dimension, read_share
from workbench.populations.naming import OF_COUNTRY
from workbench.populations.plan import SamplingPlan
from workbench.prompts import render

FORGIVEN = 0.1
"""How far a model's shares may be from their sum before it is asked again: it adds up badly."""

_Count = Annotated[int, Field(ge=0, le=100)]


class _Share(BaseModel):
    level: str
    share: float


class _SharesGiven(BaseModel):
    level: str
    shares: list[_Share]


class _Dimension(BaseModel):
    name: str
    depends_on: str
    shares: list[_Share]
    shares_given: list[_SharesGiven]

    def dimension(self) -> Dimension:
        """Return what was proposed as a dimension."""
        if not self.depends_on:
            return Dimension(self.name, _normalised(self.shares, self.name))
        rows = {one.level: _normalised(one.shares, f"{self.name}, {one.level}") for one in self.shares_given}
        levels = dict.fromkeys(level for row in rows.values() for level in row)
        return Dimension(
            self.name,
            {given: {level: row.get(level, 0.0) for level in levels} for given, row in rows.items()},
            given=(self.depends_on,),
        )


class _Part(BaseModel):
    attribute: str
    value: str


class _Combination(BaseModel):
    parts: list[_Part]


class _Proposal(BaseModel):
    """A proposal that can be drawn from: what contradicts itself is told to the model, which then proposes again."""

    country: str
    dimensions: list[_Dimension]
    impossible: list[_Combination]

    @model_validator(mode="after")
    def _can_be_drawn(self) -> _Proposal:
        plan = self.plan(1, "")
        plan.targets()
        for name in OF_COUNTRY:
            for level in plan[name].levels if name in plan.names else ():
                require_country(level, name)
        return self

    def plan(self, n: int, about: str, country: str | None = None) -> SamplingPlan:
        """Return the plan that was proposed."""
        if self.country:
            require_country(self.country)
        return SamplingPlan(
            n,
            [one.dimension() for one in self.dimensions],
            impossible=[{part.attribute: part.value for part in one.parts} for one in self.impossible],
            about=about,
            country=country or self.country or None,
        )


class _ShortProposal(BaseModel):
    """What a very small model can be asked for."""

    women: _Count
    men: _Count
    under_35: _Count
    from_35_to_54: _Count
    over_54: _Count

    @model_validator(mode="after")
    def _can_be_drawn(self) -> _ShortProposal:
        self.plan(1, "")
        return self

    def plan(self, n: int, about: str, country: str | None = None) -> SamplingPlan:
        """Return the plan that was proposed: gender and age, of adults."""
        gender = {"female": self.women, "male": self.men}
        age = {"18-34": self.under_35, "35-54": self.from_35_to_54, "55-80": self.over_54}
        return SamplingPlan(n, {"gender": _of_all(gender), "age": _of_all(age)}, about=about, country=country)


async def propose(about: str, n: int, *, llm: LLM, seed: int, country: str | None) -> SamplingPlan:
    """Ask for a plan; as `SamplingPlan.propose`."""
    if not about.strip():
        raise InvalidSettings("who are these people to be? Describe them: 'customers of a Spanish supermarket'")
    SamplingPlan(n, {"anything": ["at all"]}, country=country)  # n and country are checked before they cost something
    schema: type[_Proposal] | type[_ShortProposal] = _ShortProposal if llm.is_embedded else _Proposal
    reply = await llm.complete(_messages(about, country, llm), schema, purpose="plan", seed=seed)
    return reply.value.plan(n, about, country)


def _messages(about: str, country: str | None, llm: LLM) -> list[Message]:
    if llm.is_embedded:
        return [{"role": "user", "content": render("short_plan_user", about=about).rstrip()}]
    return asked_of(render("plan_system"), render("plan_user", about=about, country=country).rstrip())


def _normalised(shares: Sequence[_Share], where: str) -> dict[str, float]:
    """Return shares that add up to 1; those that nearly do are made to."""
    read = {one.level: read_share(one.share, f"{where}, {one.level}") for one in shares}
    total = math.fsum(read.values())
    whole = 100 if total > 1 + FORGIVEN else 1
    if len(read) < len(shares) or not read or abs(total / whole - 1) > FORGIVEN:
        raise InvalidSettings(f"{where}: {len(shares)} levels, whose shares add up to {total:.6g}: they have to be 1")
    return {level: share / total for level, share in read.items()}


def _of_all(counts: dict[str, Any]) -> dict[str, float]:
    if not (total := sum(counts.values())):
        raise InvalidSettings(f"{', '.join(counts)}: none of them has a share")
    return {level: count / total for level, count in counts.items()}
