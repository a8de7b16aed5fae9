"""Interventions: dormant until their preconditions hold; what is free goes first; each firing is on record."""

from __future__ import annotations

import asyncio
import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import (
    asked_for,
    happened,
    llm_at,
    person,
    play,
    talk,
    texts,
    turn,
    turns_asked,
    verdict,
    world_at,
)
from tests.model_server import Fault
from workbench.agents.tools.calendar import Calendar
from workbench.errors import BudgetSpent, InvalidSettings, StepFailed, UnknownName
from workbench.llm.meter import Budget
from workbench.worlds.interventions import CHECKED, FIRED, FiringHistory, Intervention, Stimulus
from workbench.worlds.world import World


def nobody(world, rng):
    """A schedule in which nobody acts: what is asked is asked by interventions."""
    return iter(())


def nothing(world, person=None):
    """An effect that changes nothing."""


def score(value: int) -> dict:
    return {"justification": f"It is {value}.", "evidence": [1], "score": value, "confidence": 0.9}


def judge(holds: bool = True, value: int = 9, evidence: tuple[int, ...] = (1,)):
    """Judges of yes or no, and of scores, who always say the same."""
    return play(claim=lambda body: verdict(holds, evidence), check=lambda body: score(value))


def first_id(body) -> int:
    """The first event that a judge was shown."""
    return int(re.search(r'id="(\d+)"', texts(body)[1])[1])


def kitchen(server, *interventions: Intervention, **options) -> World:
    """Ann and Bob, who heard one thing and do nothing unless the options say otherwise."""
    options = {"schedule": nobody, "interventions": interventions, "llm": llm_at(server)} | options
    return world_at(server, *options.pop("names", ("Ann", "Bob")), **options).broadcast("Would you buy gazpacho?")


def events(world: World, type_: str, name: str | None = None) -> list:
    return [e for e in world.events() if (e.kind, e.type) == ("intervention", type_) and name in (None, e.source)]


def fired(world: World, name: str | None = None) -> list[tuple[int, str, str]]:
    """In which step, what, for whom."""
    return [(event.step, event.source, event.target) for event in events(world, FIRED, name)]


def asked(server) -> list[str]:
    """What judges were asked: `claim` or `check` (a score)."""
    return [asked_for(request) for request in server.requests if asked_for(request) != "turn"]


# Preconditions


async def test_intervention_without_preconditions_fires_in_the_first_step_and_once(server):
    world = kitchen(server, Intervention("news", "It rains."))
    await world.run(3, live=False)
    assert fired(world) == [(1, "news", "")]
    assert [event.content for event in world.events() if event.type == "CONVERSATION"][1:] == ["It rains."]
    assert server.n_requests == 0


async def test_function_of_the_world_decides(server):
    world = kitchen(server, Intervention("late", "It is late.", when=lambda world: world.steps >= 2))
    await world.run(3, live=False)
    assert fired(world) == [(2, "late", "")]


async def test_function_of_the_world_and_of_somebody_decides_for_each(server):
    late = Intervention("bob", "Wake up!", when=lambda world, person: person.name == "Bob", for_each="everyone")
    world = kitchen(server, late)
    await world.run(2, live=False)
    assert fired(world) == [(1, "bob", "Bob")]
    assert "Wake up!" in world.person("Bob").memory.text
    assert "Wake up!" not in world.person("Ann").memory.text


async def test_coroutine_function_decides(server):
    async def when(world):
        return world.steps == 2

    world = kitchen(server, Intervention("late", "It is late.", when=when))
    await world.run(3, live=False)
    assert fired(world) == [(2, "late", "")]


@pytest.mark.parametrize("holds", [True, False])
async def test_judge_decides_on_a_claim(model_server, holds):
    server = model_server(judge(holds))
    world = kitchen(server, Intervention("nudge", "Decide!", claim="{{name}} has not decided"))
    await world.run(1, live=False)
    assert bool(fired(world)) is holds
    assert texts(server.requests[0])[1].endswith("# The claim\nKitchen has not decided")


async def test_claim_that_cannot_be_checked_does_not_hold(model_server):
    world = kitchen(model_server(judge(True, evidence=(99,))), Intervention("nudge", "Decide!", claim="It is so."))
    await world.run(1, live=False)
    assert fired(world) == []
    assert json.loads(events(world, CHECKED)[0].content)["holds"] is None


@pytest.mark.parametrize(
    ("bounds", "value", "holds"),
    [
        ({"at_least": 5}, 5, True),
        ({"at_least": 5}, 4, False),
        ({"at_most": 3}, 3, True),
        ({"at_most": 3}, 4, False),
        ({"at_most": 0}, 0, True),
        ({"at_least": 2, "at_most": 4}, 3, True),
        ({"at_least": 2, "at_most": 4}, 5, False),
    ],
)
async def test_judge_decides_by_a_score(model_server, bounds, value, holds):
    world = kitchen(model_server(judge(value=value)), Intervention("bored", "Joke!", score="They are bored.", **bounds))
    await world.run(1, live=False)
    assert bool(fired(world)) is holds


@given(st.integers(0, 9), st.none() | st.integers(0, 9), st.none() | st.integers(0, 9))
def test_score_holds_between_its_bounds(value, lowest, highest):
    if (lowest is None and highest is None) or (lowest or 0) > (9 if highest is None else highest):
        return
    one = Intervention("x", "y", score="It is so.", at_least=lowest, at_most=highest)
    assert one.score_holds(value) == ((lowest is None or value >= lowest) and (highest is None or value <= highest))
    assert not one.score_holds(None)


@pytest.mark.parametrize(
    ("when", "claim", "value", "paid", "fires"),
    [
        (True, True, 9, ["claim", "check"], True),
        (True, True, 1, ["claim", "check"], False),
        (True, False, 9, ["claim"], False),
        (False, True, 9, [], False),
    ],
)
async def test_all_have_to_hold_and_what_is_free_goes_first(model_server, when, claim, value, paid, fires):
    server = model_server(judge(claim, value))
    one = Intervention("x", "Stop!", when=lambda world: when, claim="A claim.", score="A score.", at_least=5)
    world = kitchen(server, one)
    await world.run(1, live=False)
    assert (asked(server), bool(fired(world))) == (paid, fires)


async def test_judge_reads_of_somebody_what_they_perceived_and_of_the_world_all(model_server):
    server = model_server(judge())
    world = kitchen(
        server,
        Intervention("one", "A", claim="{{name}} knows.", for_each=["Ann"]),
        Intervention("all", "B", claim="{{name}} knows."),
    )
    world.person("Bob").listen("A secret of Bob's.")
    await world.run(1, live=False)
    of_ann, of_all = (texts(request)[1] for request in server.requests)
    assert ("secret" in of_ann, "secret" in of_all) == (False, True)
    assert of_ann.startswith("# About Ann\nname: Ann")
    assert "- Ann" in of_all


async def test_judge_reads_the_latest_where_that_is_wanted(model_server):
    server = model_server(judge(evidence=(2,)))
    world = kitchen(server, Intervention("x", "A", claim="It is so.", latest=1)).broadcast("The second.")
    await world.run(1, live=False)
    assert "gazpacho" not in texts(server.requests[0])[1]
    assert "The second." in texts(server.requests[0])[1]


async def test_judge_may_be_another_model(model_server):
    server, other = model_server(), model_server(judge())
    world = kitchen(server, Intervention("x", "A", claim="It is so.", llm=llm_at(other)))
    await world.run(1, live=False)
    assert (server.n_requests, other.n_requests, fired(world)) == (0, 1, [(1, "x", "")])


# THE law: what is paid for is what the free conditions let through


async def test_judge_is_asked_exactly_where_free_conditions_hold_and_all_at_once(model_server):
    """500 interventions over 200 people: 100,000 free decisions, of which 4 in a thousand are paid for."""

    async def patient(body):
        while server.peak_concurrency < 32:  # nobody is answered before as many have asked as may
            await asyncio.sleep(0.001)
        return verdict(evidence=(first_id(body),))

    server, rng = model_server(patient), random.Random(7)
    names = [f"P{number:03}" for number in range(200)]
    holds = {(i, name) for i in range(500) for name in names if rng.random() < 0.004}
    people = [person(name).listen(f"A word to {name}.") for name in names]

    def nudge(i: int) -> Intervention:
        paid = {"claim": f"{{{{name}}}} hesitates {i}."} if i % 5 else {}
        return Intervention(f"n{i}", nothing, when=lambda _, one: (i, one.name) in holds, for_each="everyone", **paid)

    interventions = [nudge(i) for i in range(500)]
    world = World("City", people, llm=llm_at(server), schedule=nobody, interventions=interventions)
    await world.run(1, live=False)
    paid = {(i, name) for i, name in holds if i % 5}
    asked_about = [texts(request)[1].rpartition("\n")[2] for request in server.requests]
    assert len(asked_about) == len(paid) > 300
    assert set(asked_about) == {f"{name} hesitates {i}." for i, name in paid}
    assert {(int(source[1:]), target) for _, source, target in fired(world)} == holds
    assert len(events(world, CHECKED)) == len(paid)
    assert server.peak_concurrency == world.llm.endpoint.limits.concurrency == 32


async def test_events_are_in_the_order_of_interventions_and_people_whatever_comes_first(model_server):
    delays = random.Random(3)

    async def slow(body):
        await asyncio.sleep(delays.random() / 50)
        return verdict()

    both = [Intervention(name, nothing, claim=f"{name} of {{{{name}}}}.", for_each="everyone") for name in "ab"]
    world = kitchen(model_server(slow), *both, names=("Ann", "Bob", "Cem"))
    await world.run(1, live=False)
    expected = [(name, who) for name in "ab" for who in ("Ann", "Bob", "Cem")]
    assert [(e.source, e.target) for e in events(world, CHECKED)] == expected
    assert [(e.source, e.target) for e in events(world, FIRED)] == expected


async def test_all_are_decided_on_the_same_past(model_server):
    server = model_server(judge())
    first = Intervention("first", "The first happened.", claim="A.")
    second = Intervention("second", "The second happened.", claim="B.")
    world = kitchen(server, first, second)
    await world.run(1, live=False)
    assert not any("The first happened" in texts(request)[1] for request in server.requests)
    assert [source for _, source, _ in fired(world)] == ["first", "second"]


# When


TIMES = st.fixed_dictionaries(
    {},
    optional={
        "at_step": st.integers(1, 12) | st.lists(st.integers(1, 12), min_size=1, max_size=4),
        "every": st.integers(1, 5),
        "cooldown": st.integers(1, 5),
        "once": st.booleans(),
    },
)


@given(TIMES, st.sets(st.integers(1, 12)))
def test_intervention_fires_when_its_time_has_come(times, holds):
    """The words of its documentation, step by step."""
    one, history, fired = Intervention("x", "y", **times), FiringHistory(), []
    steps = times.get("at_step", range(1, 13))
    steps = [steps] if isinstance(steps, int) else list(steps)
    several = isinstance(times.get("at_step"), list) or "every" in times or "cooldown" in times
    once = times.get("once", not several)
    for step in range(1, 13):
        rests = fired and (once or step - fired[-1] <= times.get("cooldown", 0))
        expected = step in steps and step % times.get("every", 1) == 0 and not rests
        assert one.due(step, history, "Ann") == bool(expected)
        if expected and step in holds:
            fired.append(step)
            history.last["x", "Ann"] = step


@pytest.mark.parametrize(
    ("times", "steps"),
    [
        ({}, [1]),
        ({"once": False}, [1, 2, 3, 4, 5, 6]),
        ({"every": 2}, [2, 4, 6]),
        ({"every": 2, "once": True}, [2]),
        ({"cooldown": 2}, [1, 4]),
        ({"at_step": 3}, [3]),
        ({"at_step": [2, 5]}, [2, 5]),
        ({"at_step": range(2, 7), "every": 3}, [3, 6]),
    ],
)
async def test_times_of_an_intervention(server, times, steps):
    world = kitchen(server, Intervention("x", "Hello!", **times))
    await world.run(6, live=False)
    assert [step for step, _, _ in fired(world)] == steps


async def test_once_is_once_for_each(server):
    one = Intervention("x", "Hello!", for_each="everyone", when=lambda w, p: (p.name == "Ann") == (w.steps < 3))
    world = kitchen(server, one)
    await world.run(5, live=False)
    assert fired(world) == [(1, "x", "Ann"), (3, "x", "Bob")]


async def test_what_rests_is_not_paid_for(model_server):
    server = model_server(judge(True))
    world = kitchen(server, Intervention("x", "Hello!", claim="It is so.", cooldown=2))
    await world.run(4, live=False)
    assert ([step for step, _, _ in fired(world)], asked(server)) == ([1, 4], ["claim"] * 2)


# Effects


async def test_effect_is_a_function_of_the_world(server):
    world = kitchen(server, Intervention("x", lambda world: world.broadcast("Fire!", "Siren")))
    await world.run(1, live=False)
    assert [(e.source, e.content) for e in world.events() if e.type == "CONVERSATION"][1:] == [("Siren", "Fire!")]


async def test_effect_is_a_function_of_the_world_and_of_somebody(server):
    world = kitchen(server, Intervention("x", lambda world, one: one.define("age", 50), for_each=["Bob"]))
    await world.run(1, live=False)
    assert [one.persona.age for one in world.people] == [28, 50]


async def test_effect_is_a_coroutine_function_that_asks_the_model(model_server):
    async def continue_story(world):
        reply = await world.llm.complete([{"role": "user", "content": "Go on."}], purpose="story")
        world.broadcast(reply.text)

    server = model_server(lambda body: "Then it rained.")
    world = kitchen(server, Intervention("x", continue_story))
    await world.run(1, live=False)
    assert world.events()[-1].content == "Then it rained."
    assert ("story", "", "scripted") in world.llm.meter.counts


@pytest.mark.parametrize("type_", ["THOUGHT", "VISUAL", "INTERNAL_GOAL_FORMULATION"])
async def test_effect_is_a_stimulus(server, type_):
    world = kitchen(server, Intervention("x", Stimulus(type_, "{{name}} is hungry"), for_each=["Bob"]))
    await world.run(1, live=False)
    stimulus = world.events()[-1]
    assert (stimulus.kind, stimulus.type, stimulus.target) == ("stimulus", type_, "Bob")
    assert stimulus.content == "Bob is hungry"


async def test_stimulus_for_the_world_reaches_all_as_one_event(server):
    world = kitchen(server, Intervention("x", Stimulus("CONVERSATION", "Time is up.", "Moderator")))
    await world.run(1, live=False)
    assert all('<say from="Moderator">Time is up.</say>' in one.memory.text for one in world.people)
    assert world.events()[-1].target == ""


async def test_people_act_on_what_an_intervention_did(model_server):
    server = model_server(play())
    await kitchen(server, Intervention("x", "It rains."), schedule="simultaneous").run(1, live=False)
    assert all("It rains." in asked for asked in turns_asked(server))


async def test_effect_can_change_who_reaches_whom_and_when(model_server):
    def cut_off(world):
        world.disconnect("Ann", "Bob").occupy("Bob", hours=2, doing="sleep").skip(hours=1)

    server = model_server(play(Ann=turn(talk("Bob?", to="Bob"))))
    world = kitchen(server, Intervention("x", cut_off), reach=[("Ann", "Bob")], schedule="simultaneous")
    await world.run(1, live=False)
    assert (world.reach.of("Ann"), world.busy("Bob")) == ({}, "sleep until 2025-01-06 11:00")
    assert len(turns_asked(server)) == 1
    assert world.time.hour == 10


# The record


async def test_record_says_what_was_checked_what_fired_and_why(model_server):
    server = model_server(judge(True, 7))
    world = kitchen(
        server, Intervention("nudge", "Go!", claim="{{name}} waits.", score="{{name}} is tired.", at_least=5)
    )
    await world.run(1, live=False)
    first, second, firing = [event for event in world.events() if event.kind == "intervention"]
    assert json.loads(first.content) == {
        "claim": "Kitchen waits.",
        "precondition_holds": True,
        "holds": True,
        "justification": "They say so.",
        "confidence": 0.9,
        "evidence": [1],
    }
    assert json.loads(second.content)["value"] == 7
    assert [(one.type, one.source, one.step) for one in (first, second)] == [(CHECKED, "nudge", 1)] * 2
    assert len({first.call, second.call}) == 2
    assert all(len(event.call) == 64 for event in (first, second))
    assert json.loads(firing.content) == {
        "reason": "it was due; Kitchen waits.: They say so.; Kitchen is tired.: It is 7."
    }
    assert firing.call == second.call  # which let it fire


async def test_check_that_was_paid_for_is_on_record_where_it_fails(model_server):
    server = model_server(judge(False))
    world = kitchen(server, Intervention("nudge", "Go!", claim="{{name}} waits.", for_each="everyone"))
    await world.run(2, live=False)
    assert [(e.step, e.target) for e in events(world, CHECKED)] == [(1, "Ann"), (1, "Bob"), (2, "Ann"), (2, "Bob")]
    assert all(event.call and not json.loads(event.content)["precondition_holds"] for event in events(world, CHECKED))
    assert {purpose for purpose, _, _ in world.llm.meter.counts} == {"intervention"}


async def test_no_bookkeeping_reaches_a_prompt_or_a_judge(model_server):
    server = model_server(judge())
    zebra = Stimulus("VISUAL", "A horse.")
    each = Intervention("zebra", zebra, claim="Stripes of {{name}}.", for_each="everyone", every=1)
    world = kitchen(server, each, Intervention("cow", "A cow.", claim="Moo.", every=1), schedule="sequential")
    await world.run(3, live=False)
    assert len(fired(world)) == 9
    for request in server.requests:
        read = texts(request)[1].rpartition("# The claim")[0] or texts(request)[1]
        assert not [word for word in ("zebra", "Stripes", "FIRED", "CHECKED", "say so", "was due") if word in read]
    assert not any("zebra" in str(one.memory.text) for one in world.people)


async def test_run_with_interventions_is_the_same_run_again(model_server, tmp_path):
    server = model_server(judge())
    nudge = Intervention("nudge", "Go!", claim="{{name}} waits.", for_each="everyone", cooldown=1)
    first = kitchen(server, nudge, schedule="simultaneous", llm=llm_at(server, cache=tmp_path / "calls"))
    await first.run(3, live=False)
    paid = server.n_requests
    second = kitchen(server, nudge, schedule="simultaneous", llm=llm_at(server, cache=tmp_path / "calls"))
    await second.run(3, live=False)
    assert (happened(second), server.n_requests) == (happened(first), paid)


# Runs that go on


def nudges() -> list[Intervention]:
    return [
        Intervention("once", "Once.", at_step=1),
        Intervention("slow", "Slow.", cooldown=2),
        Intervention("each", "Each, {{name}}.", for_each="everyone", claim="{{name}} waits."),
    ]


async def test_what_fired_comes_back_from_the_record(model_server, tmp_path):
    server = model_server(judge())
    whole = kitchen(server, *nudges(), record=tmp_path / "whole.sqlite")
    await whole.run(5, live=False)
    kitchen(server, *nudges(), record=tmp_path / "parts.sqlite").close()
    for _ in range(5):
        parts = World.resume(tmp_path / "parts.sqlite", llm=llm_at(server), interventions=nudges(), schedule=nobody)
        await parts.run(1, live=False)
        parts.close()
    parts = World.resume(tmp_path / "parts.sqlite", llm=llm_at(server), interventions=nudges(), schedule=nobody)
    assert happened(parts) == happened(whole)
    assert [step for step, name, _ in fired(parts) if name == "slow"] == [1, 4]


async def test_run_does_not_go_on_without_its_interventions(server, tmp_path):
    kitchen(server, *nudges(), record=tmp_path / "r.sqlite", schedule="simultaneous").close()
    with pytest.raises(InvalidSettings, match=r"'once', 'each'.*World\.resume\(path, interventions=\[\.\.\.\]\)"):
        World.resume(tmp_path / "r.sqlite", llm=llm_at(server), interventions=nudges()[1:2])


async def test_intervention_is_added_while_the_run_goes_on(server, tmp_path):
    world = kitchen(server, record=tmp_path / "r.sqlite", schedule="simultaneous")
    await world.run(1, live=False)
    world.intervene(Intervention("late", "A late word.", cooldown=1))
    await world.run(1, live=False)
    assert fired(world) == [(2, "late", "")]
    world.close()
    with pytest.raises(InvalidSettings, match="'late'"):
        World.resume(tmp_path / "r.sqlite", llm=llm_at(server))
    late = Intervention("late", "A late word.", cooldown=1)
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server), interventions=[late])
    await again.run(2, live=False)
    assert fired(again) == [(2, "late", ""), (4, "late", "")]


async def test_intervention_that_comes_with_resume_is_part_of_the_run_from_then_on(server, tmp_path):
    kitchen(server, record=tmp_path / "r.sqlite", schedule="simultaneous").close()
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server), interventions=[Intervention("new", "A new word.")])
    await again.run(1, live=False)
    again.close()
    with pytest.raises(InvalidSettings, match="'new'"):
        World.resume(tmp_path / "r.sqlite", llm=llm_at(server))


async def test_order_of_interventions_is_that_of_the_record(server, tmp_path):
    def one(name: str) -> Intervention:
        return Intervention(name, f"{name}!", once=False)

    world = kitchen(server, one("b"), one("a"), record=tmp_path / "r.sqlite", schedule="simultaneous")
    world.intervene(one("0")).close()
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server), interventions=[one("0"), one("a"), one("b")])
    await again.run(1, live=False)
    assert [name for _, name, _ in fired(again)] == ["b", "a", "0"]


# Errors


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"name": ""}, "needs a name"),
        ({"name": 5}, "needs a name"),
        ({"effect": None}, "effect=None: it is a text, a wb.Stimulus or a function"),
        ({"effect": ""}, "effect=''"),
        ({"effect": "Hello {{nme}}"}, "'x'.*nme"),
        ({"effect": Stimulus("VISUAL", "{{ broken")}, "'x'"),
        ({"when": "they are bored"}, "claim="),
        ({"claim": 5}, "claim=5"),
        ({"claim": " "}, "claim="),
        ({"claim": "{{nme}} is bored"}, "'x'.*nme"),
        ({"score": "{{nme}} is bored", "at_least": 5}, "'x'.*nme"),
        ({"score": "It is so."}, "score= goes with at_least= or at_most="),
        ({"at_least": 5}, "score= goes with"),
        ({"score": "It is so.", "at_least": 10}, "from 0 to 9"),
        ({"score": "It is so.", "at_least": True}, "from 0 to 9"),
        ({"score": "It is so.", "at_least": 6, "at_most": 5}, "at_least=6.*at_most=5"),
        ({"for_each": "Ann"}, r"for_each='Ann'.*\['Ann'\]"),
        ({"for_each": []}, "for_each="),
        ({"for_each": [person("Ann")]}, "for_each=.*names"),
        ({"at_step": 0}, "at_step=0"),
        ({"at_step": "3"}, "at_step='3'"),
        ({"at_step": [1, 2.5]}, "at_step="),
        ({"at_step": []}, "at_step="),
        ({"every": 0}, "every=0"),
        ({"cooldown": -1}, "cooldown=-1"),
        ({"cooldown": True}, "cooldown=True"),
        ({"latest": 0}, "latest=0"),
        ({"once": "yes"}, "once='yes'"),
        ({"llm": "gpt"}, "llm='gpt'"),
    ],
)
def test_arguments_that_cannot_be_are_told(arguments, told):
    with pytest.raises(InvalidSettings, match=told):
        Intervention(**({"name": "x", "effect": "Hello!"} | arguments))


def test_intervention_shows_what_was_given():
    one = Intervention("x", nothing, claim="It is so.", every=2)
    assert repr(one) == "Intervention('x', effect=nothing, claim='It is so.', every=2)"


@pytest.mark.parametrize("arguments", [("SMELL", "smoke"), ("VISUAL", 5), ("VISUAL", "  "), ("VISUAL", "x", None)])
def test_stimulus_that_cannot_be_is_told(arguments):
    with pytest.raises(InvalidSettings, match="stimulus"):
        Stimulus(*arguments)


def test_interventions_that_cannot_be_are_told_when_the_world_is_made(server):
    with pytest.raises(InvalidSettings, match="two interventions are called 'x'"):
        kitchen(server, Intervention("x", "a"), Intervention("x", "b"))
    with pytest.raises(InvalidSettings, match="is no intervention"):
        kitchen(server, "Hello!")
    with pytest.raises(InvalidSettings, match=r"\['x', \.\.\.\]"):
        world_at(server, interventions=Intervention("x", "a"))
    with pytest.raises(UnknownName, match="Zoe"):
        kitchen(server, Intervention("x", "a", for_each=["Zoe"]))


def test_intervention_that_cannot_be_added_changes_nothing(server):
    world = kitchen(server, Intervention("x", "a"))
    for wrong in (Intervention("x", "b"), "Hello!", Intervention("y", "b", for_each=["Zoe"])):
        before = happened(world)
        with pytest.raises((InvalidSettings, UnknownName)):
            world.intervene(wrong)
        assert (list(world.interventions), happened(world)) == (["x"], before)


async def test_somebody_who_is_named_twice_is_decided_on_once(server):
    world = kitchen(server, Intervention("x", "Hello!", for_each=["Ann", "Ann"]))
    await world.run(1, live=False)
    assert fired(world) == [(1, "x", "Ann")]


@pytest.mark.parametrize("where", ["when", "effect", "late effect"])
async def test_error_of_the_researchers_function_fails_the_step_and_names_the_intervention(server, where):
    def broken(world, one):
        raise ZeroDivisionError("of the researcher")

    async def late(world, one):
        raise ZeroDivisionError("of the researcher")

    parts = {"when": {"effect": "Hi!", "when": broken}, "effect": {"effect": broken}, "late effect": {"effect": late}}
    world = kitchen(server, Intervention("my own", **parts[where], for_each=["Bob"]))
    with pytest.raises(ZeroDivisionError, match="of the researcher") as caught:
        await world.run(1, live=False)
    assert caught.value.__notes__[0] == "This was in the intervention 'my own' for Bob."
    assert "0 whole step(s)" in caught.value.__notes__[1]
    assert (world.steps, fired(world)) == (0, [])


async def test_step_that_fails_is_undone_whole(model_server):
    """People, tools, reach, clock, who is busy, seats, what has fired, other interventions, history."""
    server = model_server(play())

    def all_sorts(world):
        world.connect("Ann", "Cem", "friend").disconnect("Ann", "Bob").occupy("Bob", hours=3).skip(days=1)
        world.person("Ann").define("age", 99).think("What now?").change_mind(emotions="cross")
        world.seat("Cem", lambda cue: "From a seat.").intervene(Intervention("inner", "From within."))
        raise ZeroDivisionError

    def state(world):
        people = [(one.persona, one.mind, one.events(), one.memory.text) for one in world.people]
        reach = [world.reach.of(one.name) for one in world.people]
        busy = [world.busy(one) for one in world.people]
        return people, reach, busy, world.time, world.steps, list(world.interventions), happened(world)

    first = Intervention("first", "The first.")
    broken = Intervention("broken", all_sorts, when=lambda world: world.steps == 2 and not mended)
    mended = False
    options = {"names": ("Ann", "Bob", "Cem"), "reach": [("Ann", "Bob")], "schedule": "sequential"}
    world = kitchen(server, first, broken, tools=[Calendar()], **options)
    await world.run(1, live=False)
    before = state(world)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await world.run(1, live=False)
        assert state(world) == before
        assert world.status == "incomplete"
    mended = True
    await world.run(1, live=False)
    assert "From a seat." not in str(world.events())
    whole = kitchen(server, first, tools=[Calendar()], **options)
    await whole.run(2, live=False)
    assert happened(world) == happened(whole)


@pytest.mark.parametrize("answer", [Fault(400), "No."], ids=["refused", "unreadable"])
async def test_judge_that_cannot_be_asked_fails_the_step_and_it_is_said_for_whom(model_server, tmp_path, answer):
    def claims(body):
        return answer if claims.broken and "# About Bob" in texts(body)[1] else verdict()

    claims.broken = True
    server = model_server(play(claim=claims))
    nudge = Intervention("nudge", "Go!", claim="{{name}} waits.", for_each="everyone")
    llm = llm_at(server, cache=tmp_path / "calls")
    world = kitchen(server, nudge, record=tmp_path / "r.sqlite", llm=llm)
    told = "step 1 of 'Kitchen': the intervention 'nudge' for Bob could not be decided"
    with pytest.raises(StepFailed, match=told) as caught:
        await world.run(1, live=False)
    failure = caught.value
    assert (failure.step, failure.person, failure.purpose, world.steps) == (1, "Bob", "intervention", 0)
    claims.broken = False
    again = World.resume(tmp_path / "r.sqlite", llm=llm, interventions=[nudge], schedule=nobody)
    before = server.n_requests
    await again.run(1, live=False)
    assert server.n_requests == before + 1  # Ann's is in the cache
    assert fired(again) == [(1, "nudge", "Ann"), (1, "nudge", "Bob")]


async def test_effect_whose_model_fails_fails_the_step(model_server):
    async def ask(world, one):
        await world.llm.complete([{"role": "user", "content": "Go on."}], purpose="story")

    world = kitchen(model_server(Fault(400)), Intervention("story", ask, for_each=["Bob"]))
    told = "step 1 of 'Kitchen': the intervention 'story' for Bob did not take effect: "
    with pytest.raises(StepFailed, match=told) as caught:
        await world.run(1, live=False)
    assert (caught.value.person, caught.value.purpose, world.steps) == ("Bob", "intervention", 0)


async def test_budget_stops_before_a_judge_that_would_break_it(model_server):
    server = model_server(judge())
    nudge = Intervention("nudge", "Go!", claim="{{name}} waits.", for_each="everyone", every=1)
    world = kitchen(server, nudge, budget=Budget(calls=3))
    with pytest.raises(BudgetSpent):
        await world.run(5, live=False)
    assert server.n_requests <= 3
    assert world.steps == 1


async def test_effect_cannot_run_the_world_that_runs_it(server):
    async def run(world):
        await world.run(1)

    world = kitchen(server, Intervention("x", run))
    with pytest.raises(InvalidSettings, match="running already") as caught:
        await world.run(1, live=False)
    assert "'x'" in caught.value.__notes__[0]


async def test_intervention_that_adds_another_can_be_tried_again(model_server):
    """The other is added when the step is kept, and decided on from the next."""
    broken = True

    def add(world):
        world.intervene(Intervention("inner", "From within."))
        if broken:
            raise ZeroDivisionError

    world = kitchen(model_server(play()), Intervention("outer", add))
    with pytest.raises(ZeroDivisionError):
        await world.run(1, live=False)
    broken = False
    await world.run(2, live=False)
    assert fired(world) == [(1, "outer", ""), (2, "inner", "")]
