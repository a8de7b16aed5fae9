"""What a judge is shown of a person or a world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.agents.person import Person
from workbench.judging.judge import Subject
from workbench.record.telling import told

if TYPE_CHECKING:
    from workbench.worlds.world import World


def subject_of(target: Person | World, latest: int | None = None) -> Subject:
    """Return who or what is judged: people on what they perceived and did, a world on all that happened.

    Args:
        target: a person or a world.
        latest: how many of the latest events that can be evidence are shown; all when not given.
    """
    if isinstance(target, Person):
        about, events = target.persona.markdown, target.memory.unforgotten
    else:
        about, events = about_world(target), target.events()
    return Subject(target.name, about, events if latest is None else told(events)[-latest:])


def about_world(world: World) -> str:
    """Return what a world is: its description and its people."""
    bios = "\n".join(f"- {person.minibio()}" for person in world.people)
    return f"{world.description}\n\nPeople:\n{bios}".strip()
