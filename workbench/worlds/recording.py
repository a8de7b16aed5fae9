"""How a world is written to its run file and read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.agents.person import Person
from workbench.llm.cache import CallCache
from workbench.llm.client import LLM
from workbench.prompts import prompts_version
from workbench.record.events import Event
from workbench.worlds.reach import Reach

if TYPE_CHECKING:
    from workbench.worlds.world import World

Perceived = tuple[Event, Sequence[str]]


def spec_of(world: World) -> dict[str, Any]:
    """Return what a run is made of: enough to run it again."""
    endpoint = world.llm.endpoint
    return {
        "name": world.name,
        "description": world.description,
        "seed": world.seed,
        "schedule": world.schedule,
        "reach": world.reach.spec if isinstance(world.reach.spec, str) else [list(pair) for pair in world.reach.spec],
        "start": world.time.isoformat(),
        "step_length": world.step_length.total_seconds(),
        "model": world.llm.model,
        "provider": endpoint.provider,
        "endpoint": endpoint.name,
        "temperature": world.llm.temperature,
        "max_tokens": world.llm.max_tokens,
        "cache": str(world.llm.cache.path.absolute()),
        "version": version("persona-workbench"),
        "prompts": prompts_version(),
        "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def states_of(people: Iterable[Person]) -> dict[str, dict[str, Any]]:
    """Return the first state of people, by name; what they remember goes in as events."""
    return {person.name: {**person.state(), "memory": []} for person in people}


def llm_of(spec: Mapping[str, Any]) -> LLM:
    """Return the model that a run was made with.

    The key of the settings goes to the endpoint of the settings and nowhere else: a run file may be a stranger's.
    """
    model, provider = spec["model"], spec["provider"]
    cache = Path(spec["cache"])
    sampling: dict[str, Any] = {"temperature": spec["temperature"], "max_tokens": spec["max_tokens"]}
    sampling["cache"] = CallCache.open(cache) if cache.is_dir() else None
    own = LLM(model, provider=provider, **sampling)
    if own.endpoint.name == spec["endpoint"]:
        return own
    return LLM(model, spec["endpoint"], "no-key-needed", provider, **sampling)


def earlier_memories(people: Iterable[Person]) -> list[Perceived]:
    """Return what people remember from before as the first events of a run, each known to one person alone."""
    remembered = [(event, person.name) for person in people for event in person.memory.events]
    return [
        (replace(event, id=number, step=0, kind="memory"), (name,))
        for number, (event, name) in enumerate(remembered, start=1)
    ]


def replay(events: Iterable[Perceived], people: Sequence[Person], reach: Reach) -> None:
    """Let people perceive what was recorded."""
    by_name = {person.name: person for person in people}
    for event, heard_by in events:
        for name in heard_by:
            by_name[name].perceive(event)
        reached = event.target in heard_by and event.target != event.source
        if event.kind == "action" and event.type == "REACH_OUT" and reached:
            reach.link(event.source, event.target)


def changes(spec: Mapping[str, Any], llm: LLM) -> list[str]:
    """Return what is no longer as it was when the run was begun: it may go on, but not unnoticed."""
    now = {"model": llm.model, "endpoint": llm.endpoint.name, "prompts": prompts_version()}
    changed = {what: value for what, value in now.items() if value != spec[what]}
    return [f"{what}: {spec[what]} until here, {value} from here on" for what, value in changed.items()]


def how_to_go_on(world: World) -> str:
    """Return how a run that was stopped goes on."""
    kept = f"{world.steps} whole step(s) of {world.name!r} are kept"
    if str(world.record) == ":memory:":
        return f"{kept} in this world: run it again to go on. Give record= to keep runs in a file."
    return f"{kept} in {world.record}: go on with World.resume({str(world.record)!r}). Answers that came are cached."
