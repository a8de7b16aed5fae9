"""Seats: a human takes somebody's turns, and the model is not asked for them."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

import workbench as wb
from tests.cast import happened, keep_all, llm_at, person, play, said, talk, turn, turns_asked, who, world_at
from tests.model_server import Fault
from workbench.errors import InvalidSettings, StepFailed, UnknownName
from workbench.worlds.world import World


def silent(cue):
    return None


class Human:
    """Somebody who says what a test has them say, and keeps the cues."""

    def __init__(self, *replies):
        self.cues, self._replies = [], iter(replies)

    def __call__(self, cue):
        self.cues.append(cue)
        reply = next(self._replies, None)
        return reply(cue) if callable(reply) else reply


@wb.action
def book_table(guests: int) -> str:
    """Book a table."""
    return f"A table for {guests} is booked."


async def test_human_is_asked_in_the_place_of_the_model(server):
    human = Human("Hello, I am real.")
    world = world_at(server, "Ann", "Bob").seat("Ann", human)
    await world.run(2, live=False)
    assert [who(request) for request in server.requests] == ["Bob", "Bob"]
    assert (len(human.cues), said(world)[0]) == (2, ("Ann", "", "Hello, I am real."))


async def test_what_a_human_says_is_an_event_without_a_call(server):
    world = world_at(server, "Ann", "Bob").seat("Ann", lambda cue: "Hello.")
    await world.run(1, live=False)
    acts = {event.source: event for event in world.events() if event.kind == "action"}
    assert acts["Ann"].call is None
    assert acts["Bob"].call
    assert "Hello." in world.person("Bob").memory.text


# The cue


async def test_cue_shows_what_was_said_since_one_last_acted_and_who_is_in_reach(model_server):
    human = Human("Hello.", "Well.")
    world = world_at(model_server(play(Bob=turn(talk("And you?", to="Ann")))), reach=[("Ann", "Bob", "siblings")])
    await world.broadcast("Dinner?", "Cem").seat("Ann", human).run(2, live=False)
    assert [str(cue) for cue in human.cues] == [
        "[Monday, 2025-01-06 09:00]\n   1 Cem: Dinner?\n[Monday, 2025-01-06 09:00, in reach: Bob (siblings)]\nAnn: ",
        "[Monday, 2025-01-06 09:00]\n   4 Bob to Ann: And you?\n"
        "[Monday, 2025-01-06 09:01, in reach: Bob (siblings)]\nAnn: ",
    ]
    assert repr(human.cues[0]) == str(human.cues[0])


async def test_cue_of_somebody_alone_to_whom_nothing_has_happened(server):
    human = Human()
    await world_at(server, "Ann").seat("Ann", human).run(1, live=False)
    (cue,) = human.cues
    assert (cue.name, cue.news, str(cue)) == ("Ann", (), "[Monday, 2025-01-06 09:00, in reach: nobody]\nAnn: ")


async def test_cue_has_what_the_model_would_be_shown(server):
    human = Human()
    world = world_at(server, "Ann", "Bob").seat("Ann", human)
    await world.broadcast("Dinner?").run(1, live=False)
    assert human.cues[0].scene.persona == world.person("Ann").persona
    assert "Dinner?" in human.cues[0].scene.history


# Replies


@pytest.mark.parametrize(
    ("reply", "done"),
    [
        ("Hello.", [("TALK", "", "Hello.")]),
        ("  Hello.\n", [("TALK", "", "Hello.")]),
        ("", [("DONE", "", "")]),
        (" ", [("DONE", "", "")]),
        (None, [("DONE", "", "")]),
        (wb.Action(type="TALK", target="bob", content="Psst."), [("TALK", "Bob", "Psst.")]),
        (
            [wb.Action(type="THINK", content="Hm."), wb.Action(type="TALK", content="Hi.")],
            [("THINK", "", "Hm."), ("TALK", "", "Hi.")],
        ),
        ((wb.Action(type="DONE"),), [("DONE", "", "")]),
    ],
)
async def test_reply_is_words_or_actions_or_nothing(server, reply, done):
    world = world_at(server, "Ann", "Bob").seat("Ann", lambda cue: reply)
    await world.run(1, live=False)
    acts = [(e.type, e.target, e.content) for e in world.events() if (e.kind, e.source) == ("action", "Ann")]
    assert acts == done


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        (3, "3 is no reply: give words, wb.Action"),
        ([], r"\[\] is no reply"),
        ([3], r"\[3\] is no reply"),
        (["Hello."], r"\['Hello.'\] is no reply"),
        (b"Hello", "b'Hello' is no reply"),
        ({"type": "TALK"}, "is no reply"),
        (
            wb.Action(type="talk", content="Hi."),
            "'talk' is no action of theirs; there are TALK, THINK, REACH_OUT, DONE",
        ),
        (wb.Action(type="BOOK_TABLE", content="{}"), "'BOOK_TABLE' is no action of theirs"),
    ],
)
async def test_reply_that_is_none_says_so_and_the_step_has_not_been(server, reply, complaint):
    world = world_at(server, "Ann", "Bob").seat("Ann", lambda cue: reply)
    with pytest.raises(InvalidSettings, match=f"seat of Ann: .*{complaint}"):
        await world.run(1, live=False)
    assert (world.steps, said(world)) == (0, [])


async def test_plain_function_may_wait_while_others_go_on(model_server):
    """It has a thread of its own: else Bob could not be asked before it returned."""
    asked = threading.Event()

    def answer(body):
        asked.set()
        return turn()

    world = world_at(model_server(answer), "Ann", "Bob")
    await world.seat("Ann", lambda cue: "Hello." if asked.wait(20) else 1 / 0).run(1, live=False)
    assert said(world) == [("Ann", "", "Hello.")]


async def test_coroutine_function_may_wait_for_a_widget(server):
    typed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.01, typed.set_result, "Hello.")

    async def widget(cue):
        return await typed

    world = world_at(server, "Ann", "Bob").seat("Ann", widget)
    await world.run(1, live=False)
    assert said(world)[0] == ("Ann", "", "Hello.")


class Panel:
    async def __call__(self, cue):
        return "From a panel."

    async def ask(self, cue):
        return "From a panel."


@pytest.mark.parametrize("seat", [Panel(), Panel().ask, lambda cue: Panel()(cue)], ids=["object", "method", "lambda"])
async def test_anything_that_can_be_called_and_awaited_is_a_seat(server, seat):
    world = world_at(server, "Ann").seat("Ann", seat)
    await world.run(1, live=False)
    assert said(world) == [("Ann", "", "From a panel.")]


async def test_error_of_a_seat_is_raised_and_says_whose_it_was(server):
    def leaves(cue):
        raise EOFError("no more input")

    world = world_at(server, "Ann", "Bob").seat("Ann", leaves)
    with pytest.raises(EOFError, match="no more input") as caught:
        await world.run(1, live=False)
    assert "This was in the seat of Ann." in caught.value.__notes__
    assert (world.steps, len(world.events())) == (0, 1)


async def test_human_who_has_no_more_replies_is_no_endless_wait(server):
    replies = iter(["Hello."])
    world = world_at(server, "Ann").seat("Ann", lambda cue: next(replies))
    with pytest.raises(RuntimeError, match="there was no further reply"):
        await world.run(2, live=False)
    assert world.steps == 1


async def test_human_is_heard_by_those_who_act_after_them(server):
    world = world_at(server, "Ann", "Bob", schedule="sequential").seat("Ann", lambda cue: "Hello from Ann.")
    await world.run(1, live=False)
    assert "Hello from Ann." in turns_asked(server, "Bob")[0]


# What humans can do


async def test_human_is_told_in_the_next_cue_what_came_of_an_action(server):
    booking = wb.Action(type="BOOK_TABLE", content='{"guests": 4}')
    human = Human(booking, "We have a table!")
    world = world_at(server, "Ann", "Bob", tools=[book_table]).seat("Ann", human)
    await world.run(1, live=False)
    assert [event.content for event in human.cues[1].news] == ["A table for 4 is booked."]
    assert "A table for 4 is booked." in str(human.cues[1])
    assert said(world) == [("Ann", "", "We have a table!"), *said(world)[1:]]


async def test_arguments_that_cannot_be_are_told_in_the_next_cue(server):
    human = Human(wb.Action(type="BOOK_TABLE", content="for four"))
    world = world_at(server, "Ann", tools=[book_table]).seat("Ann", human)
    await world.run(1, live=False)
    assert "That did not work" in str(human.cues[1])


async def test_human_recalls_what_the_person_remembers(model_server):
    server = model_server(play(memory=keep_all()))
    ann = wb.Person({"name": "Ann"}, llm=llm_at(server)).listen("The sea is cold in May.")
    await ann.consolidate()
    human = Human(wb.Action(type="RECALL", content=json.dumps({"query": "the sea"})), "It is cold.")
    world = World("Beach", [ann], llm=llm_at(server)).seat("Ann", human)
    await world.run(1, live=False)
    assert "The sea is cold in May." in str(human.cues[1])
    assert turns_asked(server) == []


async def test_human_reaches_out_and_talks(server):
    human = Human(wb.Action(type="REACH_OUT", target="Bob", content="May I?"), lambda cue: f"Hello: {cue.name}")
    world = world_at(server, "Ann", "Bob", reach="nobody").seat("Ann", human)
    await world.run(1, live=False)
    assert "in reach: Bob]" in str(human.cues[1])
    assert world.reach.of("Ann") == {"Bob": ""}
    assert "Hello: Ann" in world.person("Bob").memory.text


async def test_no_model_keeps_the_memory_of_a_human(model_server):
    """What has to leave the window is consolidated when the model takes the turns again."""
    server = model_server(play(memory=keep_all()))
    ann = wb.Person({"name": "Ann"}, memory=wb.MemorySettings(window=10, episode=10))
    world = World("Kitchen", [ann], llm=llm_at(server)).seat("Ann", lambda cue: "And so on.")
    await world.run(12, live=False)
    assert server.n_requests == 0
    await world.leave_seat("Ann").run(1, live=False)
    assert (len(turns_asked(server)), server.n_requests > 1) == (1, True)


# Taken and left


async def test_left_seat_is_the_models_again(server):
    world = world_at(server, "Ann").seat("Ann", silent)
    await world.run(1, live=False)
    await world.leave_seat("ann").run(1, live=False)
    assert (server.n_requests, world.seated) == (1, ())
    assert [(e.type, json.loads(e.content)["taken"]) for e in world.events() if e.kind == "note"] == [
        ("SEAT", True),
        ("SEAT", False),
    ]


def test_seat_that_nobody_has_taken_cannot_be_left(server):
    with pytest.raises(InvalidSettings, match="nobody has taken the seat of Ann"):
        world_at(server, "Ann").leave_seat("Ann")


def test_seat_of_nobody_and_of_no_function_is_told(server):
    world = world_at(server, "Ann")
    with pytest.raises(UnknownName, match="'Zoe'"):
        world.seat("Zoe", silent)
    with pytest.raises(InvalidSettings, match=r"seat\('Ann', 'Hello'\): a function is needed, such as input"):
        world.seat("Ann", "Hello")
    assert (world.events(), world.seated) == ([], ())


async def test_other_function_in_the_same_seat_is_no_other_event(server):
    world = world_at(server, "Ann").seat("Ann", silent).seat("Ann", lambda cue: "Me.")
    await world.run(1, live=False)
    assert ([e.type for e in world.events() if e.kind == "note"], said(world)) == (["SEAT"], [("Ann", "", "Me.")])


async def test_seat_has_to_be_given_again_where_the_run_is_resumed(server, tmp_path):
    world_at(server, "Ann", "Bob", record=tmp_path / "r.sqlite").seat("Ann", silent).close()
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server))
    assert again.seated == ("Ann",)
    with pytest.raises(InvalidSettings, match=r"seat of Ann: give it again, as in world\.seat\('Ann', input\), or let"):
        await again.run(1, live=False)
    await again.seat("Ann", silent).run(1, live=False)
    assert ([who(request) for request in server.requests], again.steps) == (["Bob"], 1)


async def test_seat_may_be_left_where_the_run_is_resumed(server, tmp_path):
    world_at(server, "Ann", record=tmp_path / "r.sqlite").seat("Ann", silent).close()
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server))
    await again.leave_seat("Ann").run(1, live=False)
    assert server.n_requests == 1
    again.close()
    await World.resume(tmp_path / "r.sqlite", llm=llm_at(server)).run(1, live=False)
    assert server.n_requests == 2


async def test_run_with_a_human_who_says_the_same_is_the_same_run(server, tmp_path):
    whole = world_at(server, seed=7).seat("Ann", lambda cue: f"At {cue.scene.surroundings.time:%H:%M}.")
    await whole.run(3, live=False)
    world = world_at(server, seed=7, record=tmp_path / "r.sqlite").seat("Ann", lambda cue: "At 09:00.")
    await world.run(1, live=False)
    world.close()
    again = World.resume(tmp_path / "r.sqlite", llm=world.llm)
    await again.seat("Ann", lambda cue: f"At {cue.scene.surroundings.time:%H:%M}.").run(2, live=False)
    assert happened(again) == happened(whole)


def sits_down(world: World) -> None:
    world.seat("Ann", silent)


def stands_up(world: World) -> None:
    world.leave_seat("Ann")


async def test_seat_that_was_taken_or_left_in_a_step_that_failed_is_as_before(server):
    failing = [wb.Intervention("fails", lambda world: 1 / 0, at_step=1)]
    world = world_at(server, "Ann", interventions=[wb.Intervention("sits", sits_down), *failing])
    with pytest.raises(ZeroDivisionError):
        await world.run(1, live=False)
    assert world.seated == ()
    world = world_at(server, "Ann", interventions=[wb.Intervention("stands", stands_up), *failing])
    with pytest.raises(ZeroDivisionError):
        await world.seat("Ann", silent).run(1, live=False)
    assert world.seated == ("Ann",)


async def test_human_who_is_busy_is_not_asked(server):
    human = Human()
    await world_at(server, "Ann").seat("Ann", human).occupy("Ann", minutes=1).run(2, live=False)
    assert len(human.cues) == 1


async def test_human_is_not_told_what_a_failed_step_had_them_hear(model_server):
    """Another person's model fails after the human has answered: the human is asked the same again."""
    human = Human("Hello.", "Hello.")
    server = model_server(play(Bob="not a turn"))
    world = world_at(server, "Ann", "Bob", schedule="sequential").seat("Ann", human)
    for _ in range(2):
        with pytest.raises(StepFailed):
            await world.run(1, live=False)
    first, second = map(str, human.cues)
    assert first == second
    assert world.person("Ann").memory.text == person("Ann").memory.text


@pytest.mark.parametrize("seated", ["Ann", "Cem"])
async def test_human_is_told_what_others_said_at_the_same_time_whoever_comes_first(server, seated):
    told = []
    world = world_at(server).seat(seated, lambda cue: told.append([event.source for event in cue.news]))
    await world.run(3, live=False)
    others = [name for name in world.names if name != seated]
    assert told == [[], others, others]


async def test_human_is_told_nothing_twice_and_nothing_is_lost_when_a_step_fails(model_server):
    broken = []
    server = model_server(
        lambda body: Fault(400) if broken and who(body) == "Cem" else turn(talk(f"I am {who(body)}."))
    )
    told = []
    world = world_at(server, schedule="sequential")
    world.seat("Bob", lambda cue: told.append([event.source for event in cue.news]))
    await world.run(1, live=False)
    broken.append(True)
    with pytest.raises(StepFailed):
        await world.run(1, live=False)
    broken.clear()
    await world.run(1, live=False)
    assert told == [["Ann"], ["Cem", "Ann"], ["Cem", "Ann"]]
