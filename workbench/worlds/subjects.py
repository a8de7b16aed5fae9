"""What a judge is shown of a person or a world."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from workbench.agents.person import Person
from workbench.agents.persona import Persona
from workbench.judging.judge import Subject
from workbench.record.event_log import RecordedLog
from workbench.record.telling import told

if TYPE_CHECKING:
    from workbench.record.run_file import RunFile
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


def subject_of_run(run: RunFile) -> Subject:
    """Return what a recorded run is judged on: all that happened, its description and its people."""
    bios = (Persona.parse(state["persona"], name).minibio() for name, state in run.people.items())
    return Subject(run.spec["name"], _about(run.spec["description"], bios), list(run.events()))


def run_id(target: Person | World | RunFile) -> str:
    """Return the id of the run whose event ids somebody's or something's events have; empty where there is none."""
    if not isinstance(target, Person):
        given: Any = target
        return str(getattr(given, "file", given).spec.get("run", ""))
    log = target.memory.episodic.log
    return log.run_id if isinstance(log, RecordedLog) else ""


def about_world(world: World) -> str:
    """Return what a world is: its description and its people."""
    return _about(world.description, (person.minibio() for person in world.people))


def _about(description: str, bios: Iterable[str]) -> str:
    lines = "\n".join(f"- {bio}" for bio in bios)
    return f"{description}\n\nPeople:\n{lines}".strip()
