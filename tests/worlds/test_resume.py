"""A run that was stopped goes on as if it had not been, and a run file is enough to do it all again."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from tests.cast import happened, llm_at, person, play, reach_out, talk, turn, turns_asked, who, world_at
from tests.model_server import Fault, ModelServer, obedient
from workbench.agents.mind import Mind
from workbench.agents.person import Person
from workbench.errors import BudgetSpent, InvalidSettings, StepFailed, StorageError, UnknownName
from workbench.llm.cache import CallCache
from workbench.llm.meter import Budget
from workbench.record.layout import VERSION
from workbench.record.run_file import RunFile
from workbench.worlds.world import World

schedules = pytest.mark.parametrize("schedule", ["simultaneous", "sequential"])


def begun(server, path, **options) -> World:
    """A run with a bit of everything before its first step."""
    ann = person("Ann").listen("Remember the sea.")
    people = [ann, person("Bob", skills=["piano"]), person("Cem, the cook")]
    world = World("Kitchen", people, **({"seed": 7, "record": path, "llm": llm_at(server)} | options))
    world.broadcast("Would you buy gazpacho?", "Moderator").person("Bob").move_to("the hall", ["It is hot."])
    return world


def between(world: World) -> World:
    """What the researcher does between two steps."""
    world.broadcast_goal("eat").person("Ann").define("age", 30).see("a red door")
    return world


def people_of(world: World) -> list[tuple]:
    return [(p.persona, p.mind, p.events(), p.memory.text, world.reach.of(p.name)) for p in world.people]


@schedules
async def test_run_that_is_resumed_equals_one_that_never_stopped(server, tmp_path, schedule):
    whole = between(await begun(server, tmp_path / "whole.sqlite", schedule=schedule).run(2, live=False))
    await whole.run(2, live=False)
    begun(server, tmp_path / "parts.sqlite", schedule=schedule).file.close()
    for step in range(4):
        world = World.resume(tmp_path / "parts.sqlite", llm=llm_at(server))
        await (between(world) if step == 2 else world).run(1, live=False)
        world.file.close()
    parts = World.resume(tmp_path / "parts.sqlite", llm=llm_at(server))
    assert happened(parts) == happened(whole)
    assert people_of(parts) == people_of(whole)
    assert (parts.time, parts.steps, parts.name, parts.seed) == (whole.time, 4, "Kitchen", 7)
    assert parts.llm.meter.total.calls == whole.llm.meter.total.calls == 12


async def test_links_come_back(model_server, tmp_path):
    server = model_server(play(Ann=[turn(reach_out("cem, the cook"))]))
    world = begun(server, tmp_path / "r.sqlite", reach=[("Ann", "Bob", "siblings")])
    await world.run(1, live=False)
    again = World.resume(world.record, llm=llm_at(server))
    assert again.reach.of("Ann") == world.reach.of("Ann") == {"Bob": "siblings", "Cem, the cook": ""}


async def test_settings_come_back(server, tmp_path):
    start, length = datetime(1999, 12, 31), timedelta(hours=1)
    begun(server, tmp_path / "r.sqlite", description="A kitchen.", start=start, step_length=length, reach="nobody")
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server))
    assert (again.description, again.time, again.step_length) == ("A kitchen.", start, length)
    assert again.reach.of("Ann") == {}


async def test_model_comes_back_with_the_key_of_the_settings(model_server, tmp_path, monkeypatch):
    server = model_server()
    llm = llm_at(server, model="scripted-2", temperature=0.3, max_tokens=1234)
    begun(server, tmp_path / "r.sqlite", llm=llm)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-SECRET-of-this-test")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.base_url}/")
    again = World.resume(tmp_path / "r.sqlite")
    await again.run(1, live=False)
    body = server.requests[0].body
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("scripted-2", 0.3, 1234)
    assert server.requests[0].headers["authorization"] == "Bearer sk-SECRET-of-this-test"
    assert b"sk-SECRET" not in again.record.read_bytes()


@pytest.mark.parametrize("mine", [None, "https://api.example.org/v1"])
async def test_run_file_of_somebody_else_does_not_get_my_key(server, tmp_path, monkeypatch, mine):
    begun(server, tmp_path / "r.sqlite")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-SECRET-of-this-test")
    if mine:
        monkeypatch.setenv("OPENAI_BASE_URL", mine)
    await World.resume(tmp_path / "r.sqlite").run(1, live=False)
    assert len(server.requests) == 3
    assert "SECRET" not in str([request.headers for request in server.requests])


@pytest.mark.parametrize("change", [{"model": "other"}, {"base_url": "http://127.0.0.1:1/v1"}])
async def test_what_has_changed_since_is_noted_in_the_run(server, tmp_path, change):
    begun(server, tmp_path / "r.sqlite")
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server, **change))
    assert again.events()[-1].type != "CHANGED"  # to look at a run leaves it as it is
    await again.run(0)
    note = again.events()[-1]
    assert (note.kind, note.type) == ("note", "CHANGED")
    assert next(iter(change.values())) in note.content


async def test_prompts_that_have_changed_since_are_noted(server, tmp_path):
    begun(server, tmp_path / "r.sqlite").file.close()
    with closing(sqlite3.connect(tmp_path / "r.sqlite", isolation_level=None)) as connection:
        connection.execute("UPDATE meta SET value = '\"000000000000\"' WHERE key = 'prompts'")
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server))
    await again.run(0)
    note = again.events()[-1]
    assert note.content.startswith("prompts: 000000000000 until here, ")


def test_nothing_is_noted_when_nothing_has_changed(server, tmp_path):
    before = len(begun(server, tmp_path / "r.sqlite").events())
    assert len(World.resume(tmp_path / "r.sqlite", llm=llm_at(server)).events()) == before


def test_run_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UnknownName, match=r"no\.sqlite"):
        World.resume(tmp_path / "no.sqlite")


# Enough to run it again


async def rerun(path, llm) -> World:
    """Make a run again from its file alone: what people did is asked for, the rest is done as it was."""
    file = RunFile.open(path)
    spec, recorded = file.spec, [event for event in file.events() if event.call is None]
    people = [Person.load(state) for state in file.people.values()]
    for event in (one for one in recorded if one.kind == "memory"):
        next(one for one in people if one.name == event.target).listen(event.content, event.source)
    same = {key: spec[key] for key in ("seed", "description", "schedule", "reach")}
    clock = datetime.fromisoformat(spec["start"]), timedelta(seconds=spec["step_length"])
    world = World(spec["name"], people, llm=llm, start=clock[0], step_length=clock[1], **same)
    for step in range(file.steps + 1):
        await world.run(step - world.steps, live=False)
        for event in (one for one in recorded if one.step == step):
            match event.type:
                case "CONVERSATION" if event.kind == "stimulus":
                    world.broadcast(event.content, event.source)
                case "LOCATION":
                    world.person(event.target).move_to(event.content)
                case "MIND":
                    world.person(event.target).change_context(Mind.from_json(event.content).context)
    return world


@schedules
async def test_run_file_is_enough_to_run_it_again_for_nothing(server, tmp_path, schedule):
    llm = llm_at(server, cache=tmp_path / "calls")
    options = {"schedule": schedule, "description": "A kitchen.", "reach": [("Ann", "Bob", "siblings")], "llm": llm}
    world = begun(server, tmp_path / "r.sqlite", **options)
    await world.run(3, live=False)
    asked = server.n_requests
    again = await rerun(world.record, llm_at(server, cache=tmp_path / "calls"))
    assert server.n_requests == asked
    assert happened(again) == happened(world)


async def test_run_file_says_what_it_was_made_with(server, tmp_path):
    spec = begun(server, tmp_path / "r.sqlite").file.spec
    told = {"name", "seed", "schedule", "reach", "start", "step_length", "model", "provider", "endpoint", "temperature"}
    assert told | {"max_tokens", "version", "prompts", "recorded_at", "description"} <= set(spec)
    assert (spec["model"], spec["endpoint"], len(spec["prompts"])) == ("scripted", server.base_url, 12)


@schedules
async def test_recording_replays_a_run_without_a_model(tmp_path, schedule):
    with ModelServer() as server:
        llm = llm_at(server, cache=tmp_path / "calls")
        world = begun(server, tmp_path / "r.sqlite", schedule=schedule, llm=llm)
        await world.run(2, live=False)
        llm.cache.export(tmp_path / "study.jsonl", {event.call for event in world.events() if event.call})
    gone = llm_at(server, cache=tmp_path / "study.jsonl")
    again = begun(server, None, schedule=schedule, llm=gone)
    await again.run(2, live=False)
    assert happened(again) == happened(world)
    with pytest.raises(StepFailed, match=r"step 3.*study\.jsonl has no answer"):
        await again.run(1, live=False)


async def test_replay_of_somebody_else_fails_and_asks_nobody(server, tmp_path):
    llm = llm_at(server, cache=tmp_path / "calls")
    await begun(server, None, llm=llm).run(1, live=False)
    asked = server.n_requests
    changed = begun(server, None, llm=llm_at(server, cache=CallCache.open(tmp_path / "calls", mode="replay")))
    changed.person("Bob").define("age", 99)
    with pytest.raises(StepFailed, match="turn of Bob failed"):
        await changed.run(1, live=False)
    assert server.n_requests == asked


# Stopped by money


@schedules
async def test_budget_stops_a_run_that_can_go_on(server, tmp_path, schedule):
    whole = begun(server, tmp_path / "whole.sqlite", schedule=schedule)
    await whole.run(3, live=False)
    world = begun(server, tmp_path / "parts.sqlite", schedule=schedule, budget=Budget(calls=7))
    with pytest.raises(BudgetSpent, match="calls") as caught:
        await world.run(3, live=False)
    assert (world.steps, RunFile.open(world.record).steps) == (2, 2)
    assert "2 whole step(s) of 'Kitchen' are kept" in caught.value.__notes__[0]
    assert f"World.resume('{world.record}')" in caught.value.__notes__[0]
    again = World.resume(world.record, llm=llm_at(server))
    await again.run(1, live=False)
    assert happened(again) == happened(whole)


async def test_budget_never_breaks(server):
    world = world_at(server, budget=Budget(calls=4))
    with pytest.raises(BudgetSpent):
        await world.run(5, live=False)
    assert server.n_requests <= 4


async def test_budget_in_money_needs_a_price(server):
    with pytest.raises(InvalidSettings, match="price of 'scripted'"):
        await world_at(server, budget=Budget(usd=1)).run(1, live=False)
    assert server.n_requests == 0


# Two at once


async def test_second_process_that_goes_on_with_a_run_is_told(server, tmp_path):
    first = begun(server, tmp_path / "r.sqlite")
    second = World.resume(first.record, llm=llm_at(server))
    await second.run(1, live=False)
    before, states = happened(second), people_of(first)
    with pytest.raises(StorageError, match=r"r\.sqlite: another process has gone on with this run"):
        await first.run(1, live=False)
    with pytest.raises(StorageError, match="another process"):
        first.broadcast("Hello")
    assert people_of(first) == states
    assert happened(second) == before
    await second.run(1, live=False)


# Failures


REFUSED = Fault(400)


def failing(name: str, answer=REFUSED):
    """Everybody says what they think; one person's model does not answer."""

    def reply(body):
        return answer if reply.broken and who(body) == name else obedient(body)

    reply.broken = False
    return reply


@schedules
@pytest.mark.parametrize(
    "answer", [Fault(400), Fault(500), "I would rather not."], ids=["refused", "down", "unreadable"]
)
async def test_step_of_somebody_whose_model_fails_is_not_there(model_server, tmp_path, schedule, answer):
    reply = failing("Bob", answer)
    server = model_server(reply)
    llm = llm_at(server, cache=tmp_path / "calls", max_tries=2)
    whole = begun(server, tmp_path / "whole.sqlite", schedule=schedule)
    await whole.run(3, live=False)
    world = begun(server, tmp_path / "parts.sqlite", schedule=schedule, llm=llm)
    await world.run(1, live=False)
    before = happened(world), people_of(world)
    reply.broken = True
    with pytest.raises(StepFailed, match=r"step 2 of 'Kitchen': the turn of Bob failed: ") as caught:
        await world.run(2, live=False)
    assert (caught.value.step, caught.value.person, caught.value.purpose) == (2, "Bob", "turn")
    assert "1 whole step(s)" in caught.value.__notes__[0]
    assert (happened(world), people_of(world)) == before
    reply.broken = False
    again = World.resume(world.record, llm=llm)
    await again.run(2, live=False)
    assert happened(again) == happened(whole)


async def test_world_goes_on_by_itself_after_a_failure(model_server, tmp_path):
    reply = failing("Bob")
    server = model_server(reply)
    whole, world = begun(server, tmp_path / "whole.sqlite"), begun(server, tmp_path / "parts.sqlite")
    await whole.run(2, live=False)
    reply.broken = True
    with pytest.raises(StepFailed):
        await world.run(2, live=False)
    reply.broken = False
    await world.run(2, live=False)
    assert happened(world) == happened(whole)


async def test_what_others_had_answered_is_not_asked_again(model_server, tmp_path):
    reply = failing("Cem")
    server = model_server(reply)
    world = world_at(server, llm=llm_at(server, cache=tmp_path / "calls"), schedule="sequential")
    reply.broken = True
    with pytest.raises(StepFailed):
        await world.run(1, live=False)
    reply.broken = False
    await world.run(1, live=False)
    assert [request.attempt for request in server.answered] == [1, 1, 2]
    assert len(turns_asked(server, "Ann")) == 1


async def test_link_of_a_step_that_failed_is_undone(model_server):
    server = model_server(play(Ann=turn(reach_out("Bob"), talk("Hi")), Bob=Fault(400)))
    world = world_at(server, "Ann", "Bob", reach="nobody", schedule="sequential")
    with pytest.raises(StepFailed):
        await world.run(1, live=False)
    assert (world.reach.of("Ann"), world.person("Bob").memory.events, world.steps) == ({}, [], 0)
    assert "[Monday" not in world.person("Ann").memory.text


async def test_resumed_reach_is_the_reach_of_the_run(model_server, tmp_path):
    """To reach out to oneself reaches nobody, live and when it is read back."""
    server = model_server(play(Ann=turn(reach_out("Ann"))))
    world = world_at(server, "Ann", "Bob", reach=[("Ann", "Bob")], record=tmp_path / "r.sqlite")
    await world.run(1, live=False)
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server))
    assert again.reach.of("Ann") == world.reach.of("Ann") == {"Bob": ""}


async def test_what_is_said_in_the_middle_of_a_step_is_refused_and_not_lost(model_server):
    world = world_at(model_server(latency=0.3), "Ann", "Bob")
    step = asyncio.create_task(world.run(1, live=False))
    await asyncio.sleep(0.1)
    with pytest.raises(InvalidSettings, match="in the middle of a step"):
        world.broadcast("Wait!")
    await step
    assert "Wait!" not in world.person("Ann").memory.text
    world.broadcast("Now?")
    assert "Now?" in world.person("Ann").memory.text


@pytest.mark.parametrize("steps", ["2", 2.5, -1, True])
async def test_steps_are_a_whole_number(server, steps):
    with pytest.raises(InvalidSettings, match="a whole number is needed"):
        await world_at(server).run(steps)


async def test_resume_goes_on_with_the_cache_of_the_run(server, tmp_path):
    llm = llm_at(server, cache=tmp_path / "own")
    world_at(server, llm=llm, record=tmp_path / "r.sqlite").close()
    assert World.resume(tmp_path / "r.sqlite").llm.cache.path == llm.cache.path


async def test_what_a_failed_step_has_cost_stays_counted(model_server, tmp_path):
    server = model_server(lambda body: Fault(400) if who(body) == "Bob" else turn(talk("Hello.")))
    world = world_at(server, "Ann", "Bob", record=tmp_path / "r.sqlite")
    with pytest.raises(StepFailed):
        await world.run(1, live=False)
    paid = world.llm.meter.total
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server))
    assert (again.steps, again.llm.meter.total) == (0, paid)
    assert paid.calls == 1


_OF_VERSION_2 = """
DROP TABLE perceived;
DELETE FROM steps WHERE step = 0;
ALTER TABLE steps DROP COLUMN clock;
ALTER TABLE steps DROP COLUMN last_event;
DELETE FROM meta WHERE key IN ('on_error', 'interventions', 'run', 'lineage', 'planned');
PRAGMA user_version = 2;
"""
_OF_VERSION_1 = f"""{_OF_VERSION_2}
DROP TABLE blobs;
DELETE FROM meta WHERE key IN ('actions', 'tools', 'checks', 'real_world');
PRAGMA user_version = 1;
"""


@pytest.mark.parametrize(("version", "makes_old"), [(1, _OF_VERSION_1), (2, _OF_VERSION_2)])
async def test_run_file_of_an_earlier_version_is_read_and_goes_on(server, tmp_path, version, makes_old):
    path = tmp_path / "run.sqlite"
    whole = between(await begun(server, tmp_path / "whole.sqlite").run(1, live=False))
    between(await begun(server, path).run(1, live=False)).close()
    old = sqlite3.connect(path)
    old.executescript(makes_old)
    old.close()
    world = World.resume(path, llm=llm_at(server))
    assert happened(world) == happened(whole)
    assert [person.events() for person in world.people] == [person.events() for person in whole.people]
    assert world.file.ends == whole.file.ends
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (version,)
    await world.run(1, live=False)
    assert not [event for event in world.events() if event.type == "CHANGED"]
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (VERSION,)
    again = World.resume(path, llm=llm_at(server))
    assert again.steps == 2
    assert happened(again) == happened(await whole.run(1, live=False))
    assert [person.events() for person in again.people] == [person.events() for person in whole.people]
    assert again.file.ends == whole.file.ends
