"""A world: people who can tell each other things, a clock, and a record of all that happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.cast import llm_at, person, play, reach_out, said, talk, think, turn, turns_asked, who, world_at
from workbench.errors import InvalidSettings, UnknownName
from workbench.worlds.world import World

COLUMNS = ["id", "step", "time", "kind", "type", "source", "target", "content", "call"]


# Making one


@pytest.mark.parametrize(
    ("people", "options", "complaint"),
    [
        ([], {}, "at least one person"),
        (["Ann", "Bob", "Ann"], {}, "two people are called Ann"),
        (["Ann"], {"schedule": "chaotic"}, "schedule='chaotic'"),
        (["Ann"], {"reach": "anyone"}, "reach='anyone'"),
        (["Ann"], {"reach": [("Ann", "Zoe")]}, "nobody here is called 'Zoe'"),
        (["Ann"], {"if_exists": "overwrite"}, "if_exists='overwrite'"),
    ],
)
def test_world_that_cannot_be_says_why_and_leaves_no_file(server, tmp_path, people, options, complaint):
    with pytest.raises(InvalidSettings, match=complaint):
        World("Kitchen", [person(n) for n in people], llm=llm_at(server), record=tmp_path / "r.sqlite", **options)
    assert not list(tmp_path.iterdir())


def test_people_may_come_from_a_generator(server):
    assert len(World("Kitchen", (person(name) for name in ("Ann", "Bob")), llm=llm_at(server)).people) == 2


def test_world_that_could_not_be_made_leaves_people_as_they_were(server, tmp_path):
    world_at(server, "Bob", record=tmp_path / "r.sqlite")
    ann = person("Ann").listen("Hi")
    with pytest.raises(FileExistsError):
        World("Kitchen", [ann], llm=llm_at(server), record=tmp_path / "r.sqlite")
    assert [event.content for event in ann.listen("Bye").memory.events] == ["Hi", "Bye"]


def test_person_is_found_by_name(server):
    world = world_at(server, "Ann Lee", "Bob Roy")
    assert world.person("ann").name == world.person("Ann Lee").name == "Ann Lee"
    with pytest.raises(UnknownName, match=r"nobody called 'Zoe'; there are Ann Lee, Bob Roy"):
        world.person("Zoe")


# What is said to all


def test_broadcast_reaches_everybody_whatever_their_reach(server):
    world = world_at(server, reach="nobody").broadcast("Hello", "Moderator").broadcast("Again")
    for someone in world.people:
        assert [(e.source, e.content) for e in someone.memory.events] == [("Moderator", "Hello"), ("", "Again")]
    assert len(world.events()) == 2


def test_broadcast_of_thought_goal_and_context(server):
    world = world_at(server).broadcast_thought("Hm.").broadcast_goal("eat").broadcast_context(["It is hot."])
    for someone in world.people:
        assert (someone.mind.goals, someone.mind.context) == (("eat",), ("It is hot.",))
        assert [event.type for event in someone.memory.events] == ["THOUGHT", "INTERNAL_GOAL_FORMULATION"]


# What people do


async def test_talk_is_heard_and_thought_is_not(model_server):
    server = model_server(play(Ann=[turn(think("Bob is late."), talk("Hello Bob", to="Bob"), talk("Hello all"))]))
    world = world_at(server)
    await world.run(2, live=False)
    told = {name: turns_asked(server, name)[1] for name in ("Ann", "Bob", "Cem")}
    assert [name for name, asked in told.items() if "Bob is late." in asked] == ["Ann"]
    assert [name for name, asked in told.items() if "Hello Bob" in asked] == ["Ann", "Bob"]
    assert [name for name, asked in told.items() if "Hello all" in asked] == ["Ann", "Bob", "Cem"]


@pytest.mark.parametrize("target", ["Zoe", "Bob"])
async def test_speaker_whom_nobody_heard_is_told(model_server, target):
    server = model_server(play(Ann=[turn(talk("Psst", to=target))]))
    world = world_at(server, reach=[("Ann", "Cem")])
    await world.run(2, live=False)
    asked = turns_asked(server, "Ann")[1]
    assert "<social" in asked.partition("Psst")[2]
    assert target in asked.partition("<social")[2]
    assert not [name for name in ("Bob", "Cem") if "Psst" in turns_asked(server, name)[1]]


async def test_reaching_out_brings_two_people_together(model_server):
    server = model_server(play(Ann=[turn(reach_out("Bob", "We must talk.")), turn(talk("Now"))]))
    world = world_at(server, reach="nobody")
    await world.run(3, live=False)
    first, second, third = turns_asked(server, "Bob")
    assert "In reach: nobody." in first
    assert "In reach: Ann." in second
    assert '<reach_out from="Ann" to="Bob">We must talk.</reach_out>' in second
    assert '<say from="Ann">Now</say>' in third
    assert "Now</say>" not in turns_asked(server, "Cem")[2]


async def test_reaching_out_does_not_change_what_two_people_are(model_server):
    server = model_server(play(Ann=[turn(reach_out("Bob"))]))
    await world_at(server, "Ann", "Bob", reach=[("Ann", "Bob", "siblings")]).run(2, live=False)
    assert "In reach: Bob (siblings)." in turns_asked(server, "Ann")[1]


async def test_clock_moves_with_each_step(server):
    start, length = datetime(1999, 12, 31, 23, 0), timedelta(minutes=45)
    world = world_at(server, "Ann", start=start, step_length=length)
    await world.run(2, live=False)
    assert (world.time, world.steps) == (start + 2 * length, 2)
    assert sorted({event.time for event in world.events()}) == [start, start + length]
    assert "It is Friday, 1999-12-31 23:45." in turns_asked(server)[1]


@pytest.mark.parametrize(
    ("start", "length"),
    [
        (datetime(2025, 1, 6), timedelta(seconds=0.5)),
        (datetime(2025, 1, 6, 9, 0, 0, 999_000), timedelta(milliseconds=1)),
        (datetime(1788, 7, 14), timedelta(days=365)),
        (datetime(2400, 1, 1), timedelta(days=365)),
        (datetime(2025, 1, 6), timedelta(0)),
    ],
)
async def test_transcript_has_every_time(server, start, length):
    world = world_at(server, "Ann", start=start, step_length=length)
    await world.run(3, live=False)
    times = world.transcript().query("type == 'TALK'")["time"]
    assert [time.to_pydatetime() for time in times] == [start, start + length, start + 2 * length]


def test_simulated_time_has_no_zone(server):
    with pytest.raises(InvalidSettings, match=r"start=.*time zone"):
        world_at(server, start=datetime(2025, 1, 6, tzinfo=UTC))


# The record


async def test_transcript_is_a_row_an_event(model_server):
    server = model_server(play(Ann=[turn(talk("Hello", to="Bob"), emotions="glad")]))
    world = world_at(server, "Ann", "Bob").broadcast("Hi", "Moderator")
    await world.run(1, live=False)
    frame = world.transcript()
    assert list(frame.columns) == COLUMNS
    rows = frame[["id", "step", "kind", "type", "source", "target", "content"]].values.tolist()
    mind = '{"emotions": "%s", "attention": "the talk", "goals": [], "context": [], "location": ""}'
    assert rows == [
        [1, 0, "stimulus", "CONVERSATION", "Moderator", "", "Hi"],
        [2, 1, "action", "TALK", "Ann", "Bob", "Hello"],
        [3, 1, "mind", "MIND", "Ann", "", mind % "glad"],
        [4, 1, "action", "DONE", "Bob", "", ""],
        [5, 1, "mind", "MIND", "Bob", "", mind % "calm"],
    ]
    assert frame["call"].isna().tolist() == [True, False, False, False, False]


async def test_every_action_names_the_call_in_the_cache(server, tmp_path):
    llm = llm_at(server, cache=tmp_path / "calls")
    world = world_at(server, llm=llm)
    await world.run(2, live=False)
    calls = {event.call for event in world.events() if event.call}
    assert calls == set(llm.cache.keys())


def test_each_change_from_outside_is_an_event(server):
    world = world_at(server, "Ann")
    world.person("Ann").define("age", 30).move_to("home").see("a door").change_context(["It is hot."])
    kinds = [(event.kind, event.type, event.target) for event in world.events()]
    assert kinds == [
        ("intervention", "PERSONA", "Ann"),
        ("stimulus", "LOCATION", "Ann"),
        ("stimulus", "VISUAL", "Ann"),
        ("mind", "MIND", "Ann"),
    ]


# People who come from elsewhere


async def test_person_keeps_their_memories_when_they_join(server):
    ann, bob = person("Ann").listen("Remember the sea."), person("Bob").listen("Pay the bill.").see("a door")
    world = World("Kitchen", [ann, bob], llm=llm_at(server))
    world.broadcast("Hello")
    remembered = [(e.id, e.step, e.kind, e.target, e.content) for e in world.events()]
    assert remembered == [
        (1, 0, "memory", "Ann", "Remember the sea."),
        (2, 0, "memory", "Bob", "Pay the bill."),
        (3, 0, "memory", "Bob", "a door"),
        (4, 0, "stimulus", "", "Hello"),
    ]
    await world.run(1, live=False)
    asked = {who(request): turns_asked(server, who(request))[0] for request in server.requests}
    assert [event.id for event in ann.memory.events][:2] == [1, 4]
    assert "Remember the sea." in asked["Ann"]
    assert "Remember the sea." not in asked["Bob"]


async def test_person_of_a_world_who_is_asked_alone_thinks_with_its_model(server):
    world = world_at(server, llm=llm_at(server, model="scripted-2"))
    await world.run(1, live=False)
    actions = await world.person("Ann").listen_and_act("What do you think of the others?", "Interviewer")
    assert [request.body["model"] for request in server.requests] == ["scripted-2"] * 4
    assert world.llm.meter.total.calls == 4
    assert world.events()[-2].content == actions[-1].content
    assert len(world.person("Bob").memory.events) == 3


async def test_memory_of_a_contact_brings_nobody_into_reach(model_server):
    server = model_server(play(Ann=[turn(reach_out("Bob"))]))
    world = world_at(server, "Ann", "Bob", reach="nobody")
    await world.run(1, live=False)
    later = World("Elsewhere", world.people, llm=llm_at(server), reach="nobody")
    assert later.reach.of("Ann") == {}


async def test_person_in_two_worlds_lives_in_the_last(server, tmp_path):
    first = world_at(server, "Ann", "Bob", record=tmp_path / "first.sqlite").broadcast("Hello")
    second = World("Garden", [first.person("Ann"), person("Cem")], llm=llm_at(server))
    with pytest.raises(InvalidSettings, match=r"Ann moved to another world"):
        await first.run(1, live=False)
    await second.run(1, live=False)
    assert second.events()[0].content == "Hello"
    assert first.steps == 0


@pytest.mark.parametrize(
    "tell",
    [
        lambda world: world.broadcast("Psst"),
        lambda world: world.broadcast_goal("eat"),
        lambda world: world.broadcast_context(["It is hot."]),
    ],
)
def test_world_that_people_have_left_cannot_reach_them(server, tell):
    first = world_at(server, "Ann", "Bob")
    second = World("Garden", [first.person("Ann")], llm=llm_at(server))
    with pytest.raises(InvalidSettings, match="Ann moved to another world"):
        tell(first)
    assert (first.events(), second.events()) == ([], [])
    assert second.person("Ann").memory.events == []


def test_two_worlds_with_people_of_the_same_names_live_side_by_side(server):
    one, other = world_at(server).broadcast("one"), world_at(server).broadcast("other")
    assert [len(world.person("Ann").memory.events) for world in (one, other)] == [1, 1]


# How it looks


async def test_talk_is_printed_as_it_happens(model_server, capsys):
    server = model_server(play(Ann=[turn(think("Hm."), talk("Hello", to="Bob"))], Bob=[turn(talk("Hi all"))]))
    await world_at(server, "Ann", "Bob").run(1)
    out, progress = capsys.readouterr()
    assert [line for line in out.splitlines() if line.strip()] == ["Ann to Bob: Hello", "Bob: Hi all"]
    assert "Kitchen" in progress
    assert "2 calls" in progress


@pytest.mark.parametrize(
    ("people", "live", "printed"), [(12, None, True), (13, None, False), (13, True, True), (1, False, False)]
)
async def test_talk_of_many_is_printed_only_when_asked(server, capsys, people, live, printed):
    await world_at(server, *(f"P{n}" for n in range(people))).run(1, live=live)
    assert bool(capsys.readouterr().out.strip()) == printed


HOSTILE = "<script>alert('x')</script>"


async def test_world_shows_itself_and_escapes_what_others_wrote(model_server):
    server = model_server(play(**{"<i>Ann</i>": [turn(talk(HOSTILE))]}))
    world = World(HOSTILE, [person("<i>Ann</i>")], llm=llm_at(server), description=HOSTILE)
    await world.run(1, live=False)
    assert repr(world).startswith(f"World({HOSTILE!r}, 1 people, 1 steps, 1 calls")
    for shown in (world, world.people[0], world.conversation(), world.summary(), world.estimate(1), world.transcript()):
        assert "<script>" not in shown._repr_html_()
        assert "<i>Ann" not in shown._repr_html_()
    assert "&lt;script&gt;" in world.conversation()._repr_html_()


async def test_summary_says_how_the_run_was_made(server, tmp_path):
    world = world_at(server, record=tmp_path / "r.sqlite", seed=7, schedule="sequential")
    await world.run(1, live=False)
    told = str(world.summary())
    for fact in ("Ann, 28; Bob, 28; Cem, 28", "1, sequential", "scripted at http", "3 calls", "r.sqlite", "7"):
        assert fact in told


async def test_conversation_is_what_was_said(model_server):
    server = model_server(play(Ann=[turn(think("Hm."), talk("Hello"))]))
    world = world_at(server, "Ann").broadcast("Hi")
    await world.run(1, live=False)
    assert str(world.conversation(thoughts=False)).splitlines()[1:] == ["   1 to all: Hi", "   3 Ann: Hello"]
    assert said(world) == [("Ann", "", "Hello")]


@pytest.mark.parametrize("people", [["kinga"], [None], "kinga"])
def test_people_are_loaded_first(server, people):
    with pytest.raises(InvalidSettings, match="is no Person"):
        World("x", people, llm=llm_at(server))


@pytest.mark.parametrize("speech", [None, 42])
def test_speech_is_text(server, speech):
    world = world_at(server)
    with pytest.raises(InvalidSettings, match="a text is needed"):
        world.broadcast(speech)
    assert world.events() == []


def test_budget_is_a_budget(server):
    with pytest.raises(InvalidSettings, match="a Budget is needed"):
        world_at(server, budget=2)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda world: world.broadcast("Hi", None),
        lambda world: world.stimulate("CONVERSATON", "Hi"),
        lambda world: world.person("Ann").stimulate("THOUGTH", "Hm."),
        lambda world: world.person(3),
        lambda world: world.skip(days=float("nan")),
        lambda world: world.skip(days=float("inf")),
        lambda world: world.skip(years=100_000),
        lambda world: world.estimate("3"),
        lambda world: World("x", [person()], llm="gpt-4.1"),
        lambda world: World("x", [person()], seed="seven"),
        lambda world: World("x", [person()], start="2025-01-01"),
    ],
)
def test_what_cannot_be_is_told_in_our_words_and_changes_nothing(server, wrong):
    world = world_at(server)
    with pytest.raises((InvalidSettings, UnknownName)):
        wrong(world)
    assert world.events() == []


def test_seed_may_be_a_number_of_numpy(server):
    assert world_at(server, seed=np.int64(7)).file.spec["seed"] == 7


@pytest.mark.parametrize("type_", ["CONNECTED", "BUSY", "SKIPPED", "SEAT", "STOPPED", "ABSENT", "CHANGED"])
def test_notes_cannot_forge_the_books_of_a_world(server, type_):
    world = world_at(server)
    with pytest.raises(InvalidSettings, match="keeps its own books"):
        world.note(type_, {"to": "2030-01-01"})
    assert not [event for event in world.events() if event.type == type_]
    world.note("OBSERVED", "Nobody laughs.")
    assert world.events()[-1].content == "Nobody laughs."


@pytest.mark.parametrize("speech", ["", "  "])
def test_nothing_cannot_be_said_to_everybody(server, speech):
    world = world_at(server)
    with pytest.raises(InvalidSettings, match="nothing to perceive"):
        world.broadcast(speech)
    assert not world.events()


def test_fewer_than_no_steps_cannot_be_estimated(server):
    with pytest.raises(InvalidSettings, match="steps=-3"):
        world_at(server).estimate(-3)
    assert world_at(server).estimate(0).calls == 0
