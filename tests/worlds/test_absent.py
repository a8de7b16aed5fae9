"""Where somebody's turn cannot be had, the step fails loudly, or they sit it out: an event and the status say so."""

from __future__ import annotations

import pytest

from tests.cast import (
    asked_for,
    does,
    happened,
    keep_all,
    llm_at,
    person,
    play,
    said,
    talk,
    texts,
    turn,
    turns_asked,
    who,
    world_at,
)
from tests.model_server import Capabilities, Fault, obedient
from workbench.agents.actions import Acting, action
from workbench.agents.checks import Checks
from workbench.agents.faculties import Tool
from workbench.agents.memory.settings import MemorySettings
from workbench.agents.person import Person
from workbench.errors import BudgetSpent, InvalidSettings, StepFailed
from workbench.llm.cache import CallCache
from workbench.llm.meter import Budget
from workbench.worlds.interventions import Intervention
from workbench.worlds.world import World

schedules = pytest.mark.parametrize("schedule", ["simultaneous", "sequential", "shuffled", "floor"])


def failing(name: str, *steps: int, answer=None):
    """Everybody says what they think; one person's model fails in some steps, until it is mended."""

    def reply(body):
        step = int(texts(body)[1].rpartition("2025-01-06 09:")[2][:2]) + 1
        if reply.broken and asked_for(body) == "turn" and who(body) == name and step in steps:
            return answer or Fault(400)
        return obedient(body)

    reply.broken = True
    return reply


def kitchen(server, **options) -> World:
    return world_at(server, **({"on_error": "absent", "seed": 3} | options)).broadcast("Would you buy gazpacho?")


def absent(world: World) -> list[tuple[int, str]]:
    """In which step, and who."""
    return [(e.step, e.target) for e in world.events() if (e.kind, e.type) == ("note", "ABSENT")]


# Absent


@schedules
async def test_somebody_whose_model_fails_sits_the_step_out_and_others_go_on(model_server, schedule):
    world = kitchen(model_server(failing("Bob", 1, 2, 3)), schedule=schedule)
    await world.run(3, live=False)
    assert {name for _, name in absent(world)} == {"Bob"}
    assert {event.source for event in world.events() if event.kind == "action"} == {"Ann", "Cem"}
    assert (world.steps, world.status) == (3, "partial")


@pytest.mark.parametrize("answer", [Fault(400), Fault(503), "No!"], ids=["refused", "down", "unreadable"])
async def test_event_says_who_was_absent_and_why(model_server, answer):
    server = model_server(failing("Bob", 2, answer=answer))
    world = kitchen(server, llm=llm_at(server, max_tries=2))
    await world.run(2, live=False)
    (note,) = [event for event in world.events() if event.type == "ABSENT"]
    assert (note.kind, note.step, note.target, note.source, note.call) == ("note", 2, "Bob", "", None)
    assert note.content.startswith("step 2 of 'Kitchen': the turn of Bob failed: ")


async def test_who_was_absent_is_there_again_in_the_next_step_and_knows_nothing_of_it(model_server):
    server = model_server(failing("Bob", 1))
    world = kitchen(server)
    await world.run(2, live=False)
    assert (absent(world), world.status) == ([(1, "Bob")], "partial")
    assert [event.step for event in world.events() if event.type == "TALK" and event.source == "Bob"] == [2]
    assert not any("ABSENT" in asked or "failed" in asked for asked in turns_asked(server))
    assert all(text in turns_asked(server, "Bob")[-1] for _, _, text in said(world)[:2])


async def test_who_was_absent_is_not_done(model_server):
    answers = iter([Fault(400), turn(talk("Now I can.")), turn()])
    server = model_server(play(Bob=lambda body: next(answers)))
    world = await kitchen(server).run(9, until="done", live=False)
    assert (absent(world), world.steps, said(world)) == ([(1, "Bob")], 3, [("Bob", "", "Now I can.")])


async def test_run_in_which_nobody_was_absent_is_complete(server):
    world = await kitchen(server).run(2, live=False)
    assert (absent(world), world.status) == ([], "complete")


async def test_what_was_done_before_a_later_round_fails_stays_and_it_is_said(model_server):
    @action
    def book_table(guests: int, acting: Acting) -> str:
        """Book a table."""
        return f"A table for {guests} is booked."

    answers = iter([turn(does("BOOK_TABLE", guests=4), emotions="glad"), Fault(400)])
    server = model_server(play(Ann=lambda body: next(answers, turn())))
    ann = Person({"name": "Ann"}, faculties=[book_table])
    world = World("Kitchen", [ann, person("Bob")], llm=llm_at(server), on_error="absent")
    await world.run(1, live=False)
    assert [e.type for e in world.events() if "Ann" in (e.source, e.target)] == ["BOOK_TABLE", "RESULT", "ABSENT"]
    assert (ann.mind.emotions, world.status) == ("", "partial")
    await world.run(1, live=False)
    assert "A table for 4 is booked." in turns_asked(server, "Ann")[-1]


async def test_somebody_whose_tool_asks_a_model_that_fails_is_absent(model_server):
    @action
    async def ask_the_oracle(acting: Acting) -> str:
        """Ask the oracle."""
        reply = await acting.llm.complete([{"role": "user", "content": "Oracle?"}], purpose="oracle")
        return reply.text

    def reply(body):
        return Fault(400) if body["messages"][0]["content"] == "Oracle?" else turns(body)

    turns = play(Ann=[turn(does("ASK_THE_ORACLE"))], Bob=turn(talk("Hm.")))
    ann = Person({"name": "Ann"}, faculties=[ask_the_oracle])
    world = World("Kitchen", [ann, person("Bob")], llm=llm_at(model_server(reply)), on_error="absent")
    await world.run(2, live=False)
    assert (absent(world), len(said(world)), world.status) == ([(1, "Ann")], 2, "partial")


class Jar(Tool):
    """Coins that people put in, one by one; a bank is asked whether each is real."""

    name = "jar"

    def __init__(self) -> None:
        self.coins: tuple[str, ...] = ()
        self._put_in = action(self.put_in)

    async def put_in(self, coin: str, acting: Acting) -> None:
        """Put a coin into the jar."""
        self.affect(acting, {"coin": coin})
        await acting.llm.complete([{"role": "user", "content": f"Bank: {coin}?"}], purpose="bank")

    @property
    def actions(self):
        return (self._put_in,)

    def apply(self, effect):
        self.coins += (effect["coin"],)

    def effects(self):
        return [{"coin": coin} for coin in self.coins]

    def mark(self):
        return self.coins

    def back_to(self, mark):
        self.coins = mark

    def copy(self):
        return Jar()


async def test_tool_is_as_the_record_has_it_where_an_action_failed_halfway(model_server, tmp_path):
    def reply(body):
        asked = body["messages"][0]["content"]
        return (Fault(400) if "false" in asked else "It is.") if asked.startswith("Bank") else turns(body)

    turns = play(Ann=[turn(does("PUT_IN", coin="real"), does("PUT_IN", coin="false"), does("PUT_IN", coin="last"))])
    llm = llm_at(model_server(reply))
    world = world_at(None, llm=llm, tools=[Jar()], on_error="absent", record=tmp_path / "r.sqlite")
    await world.run(1, live=False)
    again = World.resume(world.record, llm=llm, tools=[Jar()])
    assert world.tools["jar"].coins == again.tools["jar"].coins == ("real",)
    assert [e.type for e in world.events() if "Ann" in (e.source, e.target)] == ["EFFECT", "PUT_IN", "ABSENT"]


async def test_somebody_whose_checks_fail_is_absent(model_server):
    def judge(body):
        keys = body["response_format"]["json_schema"]["schema"]["properties"]
        return {key: {"reason": "It is dull.", "score": 1} for key in keys}

    server = model_server(play(Ann=turn(talk("Ugh.")), check=judge))
    ann = Person({"name": "Ann"}, checks=Checks(on_failure="raise"))
    world = World("Kitchen", [ann, person("Bob")], llm=llm_at(server), on_error="absent").broadcast("Soup?")
    await world.run(1, live=False)
    assert (absent(world), said(world)) == ([(1, "Ann")], [])


def forgetful(*names: str) -> list[Person]:
    """People whose window holds ten events, which become memories then."""
    memory = MemorySettings(window=10, episode=10, k=0, reflect_after=0)
    return [Person({"name": name, "age": 28}, memory=memory) for name in names]


async def test_somebody_whose_past_cannot_be_kept_is_absent_and_catches_up(model_server):
    failed = []

    def memories(body):
        if "Ann" in texts(body)[0] and not failed:
            failed.append(body)
            return Fault(400)
        return keep_all()(body)

    chatty = turn(*[talk(f"Number {n}.") for n in range(4)])
    server = model_server(play(Ann=chatty, Bob=chatty, memory=memories))
    world = World("Kitchen", forgetful("Ann", "Bob"), llm=llm_at(server), on_error="absent")
    await world.run(4, live=False)
    ((step, name),) = absent(world)
    (note,) = [event for event in world.events() if event.type == "ABSENT"]
    assert (name, world.status) == ("Ann", "partial")
    assert f"step {step} of 'Kitchen': the memory of Ann failed" in note.content
    assert {e.step for e in world.events() if e.type == "TALK" and e.source == "Ann"} == {1, 2, 3, 4} - {step}
    assert {e.step for e in world.events() if e.type == "EPISODE" and e.target == "Ann"} >= {step + 1}
    assert {e.step for e in world.events() if e.type == "EPISODE" and e.target == "Bob"} >= {step}


@schedules
async def test_run_with_somebody_absent_that_is_resumed_equals_one_that_never_stopped(model_server, tmp_path, schedule):
    server = model_server(failing("Bob", 2, 3))
    whole = await kitchen(server, schedule=schedule, record=tmp_path / "whole.sqlite").run(4, live=False)
    kitchen(server, schedule=schedule, record=tmp_path / "parts.sqlite").close()
    for _ in range(4):
        parts = World.resume(tmp_path / "parts.sqlite", llm=llm_at(server))
        await parts.run(1, live=False)
        parts.close()
    parts = World.resume(tmp_path / "parts.sqlite", llm=llm_at(server))
    assert happened(parts) == happened(whole)
    assert absent(parts)
    assert (parts.status, parts.on_error) == (whole.status, "absent") == ("partial", "absent")


async def test_status_stays_partial_when_the_run_goes_on(model_server):
    world = kitchen(model_server(failing("Bob", 1)))
    await world.run(1, live=False)
    await world.run(3, live=False)
    assert (len(absent(world)), world.status) == (1, "partial")


async def test_run_that_was_to_go_on_is_incomplete_though_somebody_was_absent(model_server):
    world = kitchen(model_server(failing("Bob", 1)), budget=Budget(calls=4))
    with pytest.raises(BudgetSpent):
        await world.run(5, live=False)
    assert (absent(world), world.status) == ([(1, "Bob")], "incomplete")


async def test_recording_without_an_answer_is_an_error_and_nobody_is_absent(model_server, tmp_path):
    llm = llm_at(model_server(), cache=CallCache.open(tmp_path / "calls", mode="replay"))
    world = kitchen(None, llm=llm)
    with pytest.raises(StepFailed, match="turn of Ann failed"):
        await world.run(1, live=False)
    assert world.steps == 0


async def test_judge_of_an_intervention_is_nobody_who_could_be_absent(model_server):
    server = model_server(play(claim=lambda body: Fault(400)))
    world = kitchen(server, interventions=[Intervention("nudge", "Go!", claim="It is so.")])
    with pytest.raises(StepFailed, match="'nudge'"):
        await world.run(1, live=False)


# Raise


@schedules
async def test_step_fails_loudly_and_the_run_goes_on_when_the_cause_is_gone(model_server, tmp_path, schedule):
    reply = failing("Bob", 2)
    server = model_server(reply)
    reply.broken = False
    options = {"schedule": schedule, "on_error": "raise"}
    whole = await kitchen(server, record=tmp_path / "whole.sqlite", **options).run(3, live=False)
    reply.broken = True
    world = kitchen(server, record=tmp_path / "r.sqlite", llm=llm_at(server, cache=tmp_path / "calls"), **options)
    with pytest.raises(StepFailed, match="step 2 of 'Kitchen': the turn of Bob failed") as caught:
        await world.run(3, live=False)
    assert (caught.value.person, caught.value.step, world.steps, world.status) == ("Bob", 2, 1, "incomplete")
    reply.broken = False
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server, cache=tmp_path / "calls"))
    await again.run(3 - again.steps, live=False)
    assert happened(again) == happened(whole)
    assert (again.status, absent(again)) == ("complete", [])


async def test_memory_that_fails_fails_the_step_and_is_named(model_server):
    chatty = turn(*[talk(f"Number {n}.") for n in range(5)])
    server = model_server(play(Ann=chatty, memory=lambda body: Fault(400)))
    world = World("Kitchen", forgetful("Ann", "Bob"), llm=llm_at(server))
    with pytest.raises(StepFailed, match="the memory of Ann failed") as caught:
        await world.run(9, live=False)
    assert (caught.value.purpose, world.steps, world.status) == ("memory", caught.value.step - 1, "incomplete")


def test_other_words_are_told(server):
    with pytest.raises(InvalidSettings, match=r"on_error='skip'.*'raise' or 'absent'"):
        kitchen(server, on_error="skip")


async def test_step_in_which_nobody_could_act_is_none(model_server, tmp_path):
    world = world_at(model_server(Fault(400)), on_error="absent", record=tmp_path / "r.sqlite")
    with pytest.raises(StepFailed, match=r"step 1 of 'Kitchen': nobody could act\. .*the turn of Ann failed"):
        await world.run(2, live=False)
    assert (world.steps, world.events(), world.status) == (0, [], "incomplete")


async def test_wrong_key_is_nobodys_absence(model_server):
    server = model_server(capabilities=Capabilities(api_key="sk-right"))
    world = world_at(server, on_error="absent")
    with pytest.raises(StepFailed, match="API key was not accepted"):
        await world.run(1, live=False)
