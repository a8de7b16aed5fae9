"""Upkeep: what becomes of the past before a person acts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from workbench.agents.memory.consolidation import consolidate, reflect
from workbench.agents.memory.memory import Memory
from workbench.llm.client import LLM
from workbench.llm.running import together
from workbench.llm.seeds import derive_seed
from workbench.record.events import Event, Happening

UpkeepStage = Literal["consolidate", "reflect"]
UPKEEP: tuple[UpkeepStage, ...] = ("consolidate", "reflect")
"""The stages, in order: what a reflection rests on has to have happened."""


def upkeep_due(memory: Memory, stage: UpkeepStage) -> bool:
    """Return whether a stage has anything to do."""
    if stage == "consolidate":
        return bool(memory.episodes_due())
    return memory.reflection_due and bool(memory.semantic.of_kind("memory"))


async def keep_up(memory: Memory, about: str, stage: UpkeepStage, llm: LLM, *, seed: int) -> list[Happening]:
    """Return what a stage makes of the past; nothing where nothing is due.

    Args:
        memory: whose past it is.
        about: the persona, as the model reads it.
        stage: `consolidate`, then, when that has happened, `reflect`.
        llm: the model.
        seed: of the turn that follows.

    Raises:
        ModelError: the model failed.
    """
    if not upkeep_due(memory, stage):
        return []
    if stage == "consolidate":
        return await consolidate_episodes(memory, about, memory.episodes_due(), llm, seed=seed)
    memories = [memory.semantic[place] for place in memory.semantic.of_kind("memory")]
    return await reflect(llm, memory.name, about, memories, seed=derive_seed(seed, "reflection"))


async def consolidate_episodes(
    memory: Memory, about: str, episodes: Sequence[Sequence[Event]], llm: LLM, *, seed: int
) -> list[Happening]:
    """Return what becomes of episodes, all asked for at once."""
    summaries = memory.episodic.summaries
    made = await together(
        consolidate(llm, memory.name, about, episode, seed=derive_seed(seed, "episode", number), summaries=summaries)
        for number, episode in enumerate(episodes)
    )
    return [happening for happenings in made for happening in happenings]
