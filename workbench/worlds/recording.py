"""How a world is written to its run file and read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from workbench.agents.checks import Checks
from workbench.agents.faculties import EFFECT, Faculty, Tool, definitions_of, tools_of
from workbench.agents.memory.state import blobs_of, renumbered
from workbench.agents.person import Person
from workbench.errors import InvalidSettings, UnknownName
from workbench.llm.cache import CallCache
from workbench.llm.client import LLM
from workbench.prompts import prompts_version
from workbench.record.events import Event
from workbench.worlds.clock import length_to_json
from workbench.worlds.interventions import Intervention
from workbench.worlds.schedules import Schedule, ScheduleName, schedule_to_json

if TYPE_CHECKING:
    from workbench.record.run_file import RunFile
    from workbench.worlds.stage import Perceived
    from workbench.worlds.world import World


@dataclass(frozen=True)
class Given:
    """What a run is made with that is code, so that no file has it, and that is given again when it goes on."""

    tools: Sequence[Faculty] = ()
    faculties: Mapping[str, Sequence[Faculty]] = field(default_factory=dict)
    interventions: Sequence[Intervention] = ()
    schedule: ScheduleName | Schedule | None = None


def spec_of(world: World) -> dict[str, Any]:
    """Return what a run is made of: enough to run it again."""
    return {
        "name": world.name,
        "description": world.description,
        "seed": world.seed,
        "schedule": schedule_to_json(world.schedule_function),
        "reach": world.reach.to_spec(),
        "start": world.time.isoformat(),
        "step_length": length_to_json(world.step_length),
        "on_error": world.on_error,
        "interventions": list(world.interventions),
        "real_world": world.real_world,
        "actions": _actions(world),
        "tools": list(world.tools),
        "checks": _checks(world),
        **model_of(world.llm),
        "version": version("persona-workbench"),
        "prompts": prompts_version(),
        "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": uuid4().hex,
        "lineage": [],
    }


def model_of(llm: LLM) -> dict[str, Any]:
    """Return what a run file keeps of the model that it is made with; its key is not among it."""
    return {
        "model": llm.model,
        "provider": llm.endpoint.provider,
        "endpoint": llm.endpoint.name,
        "temperature": llm.temperature,
        "max_tokens": llm.max_tokens,
        "embedding": llm.embedding_name,
        "cache": str(llm.cache.path.absolute()),
    }


def _actions(world: World) -> dict[str, list[str]]:
    """Return the names of what people can do besides talking and thinking: of all (no name) and of each."""
    own = {person.name: [one.name for one in person.definitions] for person in world.people}
    return {"": [one.name for one in world.abilities], **{name: actions for name, actions in own.items() if actions}}


def _checks(world: World) -> dict[str, dict[str, Any]]:
    """Return what turns have to pass: those of all (no name) and of those with their own."""
    checks = {"": world.checks} | {person.name: person.checks for person in world.people}
    return {name: asdict(one) for name, one in checks.items() if one}


def states_of(people: Iterable[Person]) -> dict[str, dict[str, Any]]:
    """Return the first state of people, by name; what they remember goes in as events."""
    return {person.name: {**person.state(memory=False), "mind": person.mind.to_dict()} for person in people}


def llm_of(spec: Mapping[str, Any], cache: CallCache | None = None) -> LLM:
    """Return the model that a run was made with.

    The key of the settings goes to the endpoint of the settings and nowhere else: a run file may be a stranger's.

    Args:
        spec: what the run is made of.
        cache: its call cache; the one that it was made with when not given, where that is there.
    """
    model, provider = spec["model"], spec["provider"]
    kept = Path(spec["cache"])
    sampling: dict[str, Any] = {"temperature": spec["temperature"], "max_tokens": spec["max_tokens"]}
    sampling["cache"] = cache or (CallCache.open(kept) if kept.is_dir() else None)
    own = LLM(model, provider=provider, **sampling)
    if own.endpoint.name == spec["endpoint"]:
        return own
    return LLM(model, spec["endpoint"], "no-key-needed", provider, **sampling)


def recorded_calls(run: RunFile, cache: CallCache | str | Path | None) -> CallCache:
    """Return the answers that a run is replayed with, and nothing else: nobody is asked.

    Args:
        run: the file.
        cache: a call cache, its folder, or a recording; when not given, the `recording.jsonl` that stands beside the
            file, as `unpack` leaves it, or the call cache that the run was made with.

    Raises:
        UnknownName: there is none.
    """
    if isinstance(cache, CallCache):
        return cache.replaying()
    beside, made_with = run.path.with_name("recording.jsonl"), Path(run.spec["cache"])
    path = Path(cache) if cache else beside if beside.is_file() else made_with
    if path.is_file():
        return CallCache.from_recording(path)
    if not path.is_dir():
        raise UnknownName(
            f"{run.path}: there is no call cache at {path} to replay it from: give cache=, a recording (*.jsonl) or "
            "the folder of a call cache"
        )
    return CallCache.open(path, mode="replay")


def earlier_memories(people: Iterable[Person]) -> tuple[list[Perceived], dict[str, dict[str, Any]]]:
    """Return what people remember from before as the first events of a run, and by name the vectors of their memories.

    Each event is known to one person alone.
    """
    made: list[Perceived] = []
    vectors: dict[str, dict[str, Any]] = {}
    for person in people:
        new = {event.id: number for number, event in enumerate(person.memory.events, start=len(made) + 1)}
        made += [(renumbered(event, new[event.id], new), (person.name,)) for event in person.memory.events]
        state = person.memory.semantic.state()
        vectors[person.name] = {**state, "keys": [str(new[int(key)]) for key in state["keys"]]}
    return made, vectors


def blobs_brought(people: Iterable[Person]) -> list[bytes]:
    """Return the bytes that the memories of people name."""
    return [person.memory.blobs.read(name) for person in people for name in blobs_of(person.memory.events)]


def replay(events: Iterable[Perceived], world: World) -> None:
    """Let people perceive what was recorded, and tools take in what was done to them."""
    by_name = {person.name: person for person in world.people}
    for event, heard_by in events:
        world.take_in(event, heard_by)
        for name in heard_by:
            by_name[name].perceive(event)
        if event.kind == "note" and event.type == EFFECT and event.source in world.tools:
            world.tools[event.source].apply(json.loads(event.content))


def named_tools(faculties: Iterable[Faculty]) -> dict[str, Tool]:
    """Return tools by name.

    Raises:
        InvalidSettings: two tools of one name.
    """
    tools: dict[str, Tool] = {}
    for tool in tools_of(faculties):
        if tools.setdefault(tool.name, tool) is not tool:
            raise InvalidSettings(f"two tools are called {tool.name!r}: give one another name=, or share one")
    return tools


def contents_of(tools: Mapping[str, Tool], last_id: int, time: datetime) -> list[Perceived]:
    """Return notes of what tools hold already, so that the record has all of it."""
    held = [(name, json.dumps(one, ensure_ascii=False)) for name, tool in tools.items() for one in tool.effects()]
    return [
        (Event(number, 0, time, "note", EFFECT, name, "", effect), ())
        for number, (name, effect) in enumerate(held, start=last_id + 1)
    ]


def check_empty(tools: Mapping[str, Tool]) -> None:
    """Check that tools which are to take in what was recorded are new.

    Raises:
        InvalidSettings: one holds something; it is named.
    """
    for name, tool in tools.items():
        if tool.effects():
            raise InvalidSettings(
                f"the tool {name!r} is not empty: give a new one, what it holds comes from the record"
            )


def check_actions(
    spec: Mapping[str, Any], tools: Sequence[Faculty], faculties: Mapping[str, Sequence[Faculty]]
) -> None:
    """Check that a run goes on with the actions that it was made with.

    Raises:
        InvalidSettings: some are not given; they are named.
    """
    given = {"": {one.name for one in definitions_of(tools, "tools")}}
    given |= {name: {one.name for one in definitions_of(own, name)} for name, own in faculties.items()}
    given["tools"] = set(named_tools([*tools, *chain.from_iterable(faculties.values())]))
    wanted: dict[str, list[str]] = {**spec.get("actions", {}), "tools": spec.get("tools", [])}
    missing = {name: [one for one in names if one not in given.get(name, ())] for name, names in wanted.items()}
    told = [f"{name or 'the world'}: {', '.join(names)}" for name, names in missing.items() if names]
    if told:
        raise InvalidSettings(
            f"the run was made with actions that are not given now ({'; '.join(told)}). They are code, which a file "
            "cannot hold: give them again, as in World.resume(path, tools=[...], faculties={'Lisa': [...]})"
        )


def person_of(
    spec: Mapping[str, Any], name: str, state: Mapping[str, Any], faculties: Mapping[str, Sequence[Faculty]]
) -> Person:
    """Return somebody as they were when the run began."""
    checks = spec.get("checks", {}).get(name)
    return Person.load(state, faculties=faculties.get(name, ()), checks=Checks(**checks) if checks else None)


def checks_of(spec: Mapping[str, Any]) -> Checks | None:
    """Return what turns had to pass in the world."""
    checks = spec.get("checks", {}).get("")
    return Checks(**checks) if checks else None


def changes(spec: Mapping[str, Any], world: World) -> list[str]:
    """Return what is no longer as it was when the run was begun: it may go on, but not unnoticed."""
    now = {
        "model": world.llm.model,
        "endpoint": world.llm.endpoint.name,
        "prompts": prompts_version(),
        "checks": _checks(world),
        "real_world": world.real_world,
    }
    then = {"checks": {}, "real_world": False, **spec}
    changed = {what: value for what, value in now.items() if value != then[what]}
    return [f"{what}: {then[what]} until here, {value} from here on" for what, value in changed.items()]


def how_to_go_on(world: World) -> str:
    """Return how a run that was stopped goes on."""
    kept = f"{world.steps} whole step(s) of {world.name!r} are kept"
    if str(world.record) == ":memory:":
        return f"{kept} in this world: run it again to go on. Give record= to keep runs in a file."
    return f"{kept} in {world.record}: go on with World.resume({str(world.record)!r}). Answers that came are cached."
