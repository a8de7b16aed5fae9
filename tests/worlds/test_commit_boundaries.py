"""A process may die right before or right after anything is written: who goes on has the run that never stopped."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.cast import asked_for, does, happened, keep_all, llm_at, reach_out, talk, texts, think, turn, verdict, who
from tests.model_server import ModelServer, body_hash
from workbench.agents.memory.settings import MemorySettings
from workbench.agents.person import Person
from workbench.agents.tools.calendar import Calendar
from workbench.record.run_file import RunFile
from workbench.worlds.interventions import ADDED, Intervention, Stimulus
from workbench.worlds.story import Story
from workbench.worlds.world import World

CLAIM = "{{name}} has come to an agreement."
NAMES = ("Ann", "Bob", "Cem")


class Died(BaseException):
    """The process is gone: nothing tidies up after it."""


@dataclass
class Recorder:
    """Writes to run files as ever, and looks at each write; where it dies, nothing is written any more."""

    looks: Callable[[RunFile, bool], None] = field(default=lambda file, commit: None)
    """Is called right before and right after each write, with the file and whether events have just been committed."""
    dead: bool = False

    def wrapped(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def one_write(file: RunFile, *given: Any, **more: Any) -> Any:
            self.look(file, commit=False)
            result = write(file, *given, **more)
            self.look(file, commit=bool(given and given[0]))
            return result

        return one_write

    def look(self, file: RunFile, *, commit: bool) -> None:
        if self.dead:
            raise Died
        self.looks(file, commit)

    def die(self) -> None:
        self.dead = True
        raise Died


@pytest.fixture
def recorder(monkeypatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setenv("WORKBENCH_EMBEDDING_MODEL", "scripted-embeddings")
    for name in ("append", "note"):
        monkeypatch.setattr(RunFile, name, recorder.wrapped(getattr(RunFile, name)))
    return recorder


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in the memory, where there is one: a disk takes its time for each of some thousand commits."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None, ignore_cleanup_errors=True) as name:
        yield Path(name)


# The model: what it says follows from what it is asked


def reply(body: Any) -> Any:
    chance = random.Random(body_hash(body))
    if len(body["messages"]) == 1:
        return f"The weather is {chance.choice(['fair', 'foul', 'odd'])}."
    match asked_for(body):
        case "turn":
            return acts(who(body), chance)
        case "memories":
            return keep_all(chance.randint(1, 9))(body)
        case "claim":
            shown = re.findall(r'<\w+ id="(\d+)"', texts(body)[1])
            return verdict(chance.random() < 0.3, (int(chance.choice(shown)),), f"So it seems {chance.random():.3f}.")
        case "insights":
            return {"insights": []}
        case "text":
            return {"text": f"Somebody knocks {chance.randint(2, 9)} times."}
        case _:
            shown = re.findall(r'<\w+ id="(\d+)"', texts(body)[1])
            return {"justification": "So so.", "evidence": [int(shown[-1])], "score": chance.randint(0, 9)} | {
                "confidence": 0.5
            }


def acts(name: str, chance: random.Random) -> Any:
    others = [one for one in NAMES if one != name]
    meeting = does(
        "CREATE_APPOINTMENT", title="Soup", start=f"2025-01-{chance.randint(7, 28):02} 12:00", minutes=30, place=""
    )
    does_ = chance.choice(
        [
            [talk(f"I say {chance.randint(1, 99)}.")],
            [think(f"Hm, {chance.randint(1, 99)}."), talk("Well.", to=chance.choice(others))],
            [reach_out(chance.choice(others)), talk("Hello.")],
            [meeting],
            [talk("One."), talk("Two.")],
        ]
    )
    return turn(*does_, emotions=chance.choice(["calm", "cross", "glad"]))


# The researcher's script: it looks at the record to see what comes next


def by_lot(world, rng):
    """Two who are drawn, at once; then whoever was addressed, if they are free."""
    drawn = rng.sample(world.free, k=min(2, len(world.free)))
    yield drawn
    yield [one for one in world.free if one.name in world.turn_history.addressed and one not in drawn]


SCHEDULES = ["simultaneous", "sequential", "shuffled", "floor", by_lot]
schedules = pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda one: getattr(one, "__name__", one))


async def report_the_weather(world):
    reply = await world.llm.complete([{"role": "user", "content": f"Step {world.steps}."}], purpose="weather")
    world.broadcast(reply.text, "Radio")


def cut_off(world):
    world.disconnect("Ann", "Bob").connect("Ann", "Cem", "friend", since=world.steps)


def interventions() -> list[Intervention]:
    return [
        Intervention("free", "News for {{name}}.", when=lambda world, one: one.name != "Bob", for_each="everyone"),
        Intervention(
            "paid",
            Stimulus("THOUGHT", "I should decide."),
            claim="{{name}} hesitates.",
            score="{{name}} is tired.",
            at_least=2,
            for_each="everyone",
            cooldown=1,
        ),
        Intervention("weather", report_the_weather, every=2),
        Intervention("reach", cut_off, at_step=3),
        Intervention("story", lambda world: Story(world).proceed(words=20), at_step=[2, 5]),
    ]


def late() -> Intervention:
    return Intervention("late", "It is late.", claim="They are still here.", once=False)


def begin(path: Path, llm: Any, schedule: Any) -> World:
    """Begin the run, or go on with it."""
    if not path.exists():
        memory = MemorySettings(window=20, episode=10, k=2)
        people = [Person({"name": name, "age": 28}, memory=memory) for name in NAMES]
        given = {"schedule": schedule, "interventions": interventions(), "tools": [Calendar()], "seed": 5}
        return World("Kitchen", people, llm=llm, record=path, reach=[("Ann", "Bob"), ("Bob", "Cem")], **given)
    file = RunFile.open(path)
    added = any(event.type == ADDED for event in file.events())
    file.close()
    given = interventions() + ([late()] if added else [])
    own = None if isinstance(schedule, str) else schedule
    return World.resume(path, llm=llm, tools=[Calendar()], interventions=given, schedule=own)


async def live(path: Path, llm: Any, schedule: Any) -> None:
    world = begin(path, llm, schedule)

    def told(word: str) -> bool:
        return any(word in (event.type, event.content) for event in world.events())

    async def run_to(step: int) -> None:
        await world.run(max(step - world.steps, 0), until=CLAIM, live=False, progress=False)

    if not told("Gazpacho?"):
        world.broadcast("Gazpacho?", "Moderator")
    if not told("In a carton?"):
        await run_to(2)
        world.broadcast("In a carton?", "Moderator")
    if not told("BUSY"):
        world.occupy("Bob", minutes=1, doing="cook")
    if not told("PERSONA"):
        world.person("Ann").define("age", 29)
    if "late" not in world.interventions:
        world.intervene(late())
    if not told("SKIPPED"):
        await run_to(4)
        world.skip(days=1)
    await run_to(6)


def all_of(path: Path, llm: Any, schedule: Any) -> list[Any]:
    """Everything that a run is."""
    world = begin(path, llm, schedule)
    people = [(p.persona, p.mind, p.events(), p.memory.text, world.busy(p)) for p in world.people]
    reach = [world.reach.of(name) for name in NAMES]
    tools = [list(tool.effects()) for tool in world.tools.values()]
    whole = [happened(world), people, reach, tools, world.time, world.steps, world.status, list(world.interventions)]
    world.close()
    return whole


def chats(server: ModelServer) -> Counter[str]:
    """How often each request was made; without texts for vectors, which two who need them at once may both ask for."""
    return Counter(request.hash for request in server.requests if "chat" in request.path)


EVERYTHING = {"FIRED", "CHECKED", "ADDED", "STOPPED", "STORY", "EPISODE", "MEMORY", "RETRIEVED", "EFFECT", "RESULT"}
EVERYTHING |= {"CONNECTED", "DISCONNECTED", "BUSY", "SKIPPED", "PERSONA", "THOUGHT", "MIND", "REACH_OUT"}


@schedules
async def test_run_that_dies_at_any_write_goes_on_to_be_the_same(model_server, folder, recorder, schedule):
    """What a process leaves behind is the file as it was right before or right after each write."""
    left: dict[bytes, None] = {}

    def keep(file: RunFile, commit: bool) -> None:
        left[path.read_bytes() if path.exists() else b""] = None

    server, path, recorder.looks = model_server(reply), folder / "whole.sqlite", keep
    llm = llm_at(server, cache=folder / "calls")
    await live(path, llm, schedule)
    recorder.looks = lambda file, commit: None
    expected, asked = all_of(path, llm, schedule), server.n_requests
    assert {row[4] for row in expected[0]} >= EVERYTHING
    assert len(left) > 25
    for n, content in enumerate(left):
        path = folder / f"{n}.sqlite"
        if content:
            path.write_bytes(content)
        await live(path, llm, schedule)
        assert all_of(path, llm, schedule) == expected, f"after write {n}"
    assert server.n_requests == asked  # every answer was in the cache


@schedules
async def test_run_that_dies_at_every_commit_asks_nothing_twice(model_server, folder, recorder, schedule):
    """One commit a life, and no answer in the cache at first."""
    server, deaths = model_server(reply), 0
    whole, llm = folder / "whole.sqlite", llm_at(server, cache=folder / "whole")
    await live(whole, llm, schedule)
    expected, asked = all_of(whole, llm, schedule), chats(server)
    server.reset()
    path, llm = folder / "r.sqlite", llm_at(server, cache=folder / "calls")
    recorder.looks = lambda file, commit: recorder.die() if commit else None
    while True:
        try:
            await live(path, llm, schedule)
            break
        except Died:
            recorder.dead, deaths = False, deaths + 1
    assert all_of(path, llm, schedule) == expected
    assert deaths > 10
    assert chats(server) == asked
    assert set(asked.values()) == {1}
