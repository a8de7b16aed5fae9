"""What a person remembers: the window, consolidation, retrieval, the ledger, and that nothing is lost."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cast import asked_for, keep_all, llm_at, person, play, talk, texts, turn, turns_asked, world_at
from tests.model_server import Fault, ModelServer
from workbench.agents.memory.episodic import is_told
from workbench.agents.memory.memory import Memory
from workbench.agents.memory.settings import MemorySettings
from workbench.agents.person import Person
from workbench.errors import InvalidSettings, PromptTooLong, StepFailed, UnknownName
from workbench.llm.running import sync
from workbench.worlds.world import World

SMALL = MemorySettings(window=10, episode=10, k=3)


def small(server, **more) -> Person:
    return Person(
        {"name": "Ann", "age": 28},
        llm=llm_at(server),
        memory=MemorySettings(**({"window": 10, "episode": 10, "k": 3} | more)),
    )


def of_type(someone: Person, type_: str) -> list:
    return [event for event in someone.events() if event.kind == "memory" and event.type == type_]


# The window


async def test_window_is_trimmed_in_whole_episodes(model_server):
    server = model_server(play(Ann=turn(), memory=keep_all()))
    ann = small(server)
    for number in range(25):
        ann.listen(f"Number {number}.")
    await ann.act()
    shown = turns_asked(server)[0]
    assert [n for n in range(25) if f"Number {n}." in shown.partition("# What you remember")[0]] == list(range(20, 25))
    assert [asked_for(r) for r in server.requests] == ["memories", "memories", "turn"]


async def test_nothing_is_consolidated_as_long_as_all_is_shown(model_server):
    server = model_server(play(Ann=turn()))
    ann = small(server)
    for number in range(10):
        ann.listen(f"Number {number}.")
    await ann.act()
    assert len(server.requests) == 1


async def test_what_is_consolidated_has_links_dates_and_importance(model_server):
    answer = {"memories": [{"text": "Bob is allergic.", "importance": 8, "events": [2, 999, 2]}]}
    server = model_server(play(Ann=turn(), memory=lambda body: answer))
    ann = small(server)
    for number in range(10):
        ann.listen(f"Number {number}.")
    await ann.consolidate()
    made = [json.loads(event.content) for event in of_type(ann, "MEMORY")]
    assert made[0] == {"text": "Bob is allergic.", "importance": 8, "time": "2025-01-06T09:00:00", "links": [2]}
    assert sorted(number for one in made for number in one["links"]) == list(range(1, 11))
    assert {one["importance"] for one in made[1:]} == {1}
    assert all(event.call for event in of_type(ann, "MEMORY"))
    assert ann.memory.text == ""


async def test_memory_that_rests_on_nothing_is_not_kept(model_server):
    answer = {"memories": [{"text": "Invented.", "importance": 9, "events": [77]}]}
    ann = small(model_server(play(memory=lambda body: answer))).listen("Hello.")
    await ann.consolidate()
    assert [item.text for item in ann.memory.semantic] == ["Somebody said: Hello."]


async def test_consolidation_that_fails_changes_nothing(model_server):
    ann = small(model_server(Fault(400)))
    for number in range(15):
        ann.listen(f"Number {number}.")
    before = ann.fingerprint()
    with pytest.raises(Exception, match="400"):
        await ann.consolidate()
    assert ann.fingerprint() == before


async def test_failed_consolidation_in_a_world_names_person_and_purpose(model_server):
    server = model_server(Fault(400))
    world = World("Kitchen", [small(server)], llm=llm_at(server))
    for number in range(15):
        world.broadcast(f"Number {number}.")
    with pytest.raises(StepFailed, match="the memory of Ann failed"):
        await world.run(1, live=False)
    assert [event.type for event in world.events()] == ["CONVERSATION"] * 15


# Nothing is lost


def covered(memory: Memory) -> bool:
    """Every event is in the window, in a memory that links to it, or was explicitly forgotten."""
    linked = {number for item in memory.semantic if item.kind == "memory" for number in item.links}
    window = {event.id for event in memory.episodic.window}
    told = {event.id for event in memory.events if is_told(event)}
    return told <= window | linked | memory.forgotten


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_every_event_is_shown_remembered_or_forgotten(data):
    """The law of conservation, whatever the model keeps, and whatever is said, done, forgotten, saved and undone."""

    chance = random.Random(data.draw(st.integers(0, 1000), label="what the model keeps"))

    def keep_some(body):
        ids = [int(number) for number in re.findall(r' id="(\d+)"', texts(body)[1])]
        links = [chance.sample([*ids, 10_000], k=chance.randint(0, len(ids))) for _ in range(chance.randint(0, 4))]
        return {"memories": [{"text": f"About {one}", "importance": 5, "events": one} for one in links]}

    with ModelServer(reply=play(Ann=turn(talk("Yes.")), memory=keep_some, other={"insights": []})) as server:
        ann = small(server, reflect_after=data.draw(st.sampled_from([0, 20])))
        for _ in range(data.draw(st.integers(1, 6))):
            match data.draw(st.sampled_from(["hear", "act", "forget", "consolidate", "undo", "save"])):
                case "hear":
                    for number in range(data.draw(st.integers(1, 15))):
                        ann.listen(f"Number {number}.")
                case "act":
                    sync(ann.act())
                case "forget" if ann.events():
                    ann.forget([data.draw(st.sampled_from([event.id for event in ann.events()]))])
                case "consolidate":
                    sync(ann.consolidate())
                case "undo":
                    mark, before = ann.mark(), ann.fingerprint()
                    sync(ann.listen("Never mind.").consolidate())
                    ann.back_to(mark)
                    assert ann.fingerprint() == before
                case "save":
                    ann = Person.load(ann.state(), llm=llm_at(server))
            assert covered(ann.memory)


async def test_consolidation_takes_at_most_one_request_for_ten_events(model_server):
    server = model_server(play(Ann=turn(talk("So.")), memory=keep_all(), other={"insights": []}))
    ann = small(server)
    for number in range(120):
        await ann.listen(f"Number {number}.").act()
    told = [event for event in ann.events() if is_told(event)]
    assert sum(asked_for(r) == "memories" for r in server.requests) <= len(told) / 10


# A fact of long ago


async def test_fact_told_at_the_first_of_200_steps_is_found_when_it_is_asked_about(model_server):
    """Out of the window since step 20 or so, it comes back through consolidation and retrieval alone."""
    fact = "My grandmother hid the blue key inside the piano."
    server = model_server(
        play(Ann=turn(talk("Well, the weather today is like yesterday.")), memory=keep_all(), other={"insights": []})
    )
    world = World("House", [small(server, window=20)], llm=llm_at(server), seed=3)
    world.broadcast(fact, "Bob")
    for step in range(199):
        await world.broadcast(f"Bread number {step} is in the oven.", "Baker").run(1, live=False)
    assert all(fact not in asked.partition("# What you remember")[0] for asked in turns_asked(server)[20:])
    await world.broadcast("Where is the key that your grandmother hid?", "Bob").run(1, live=False)
    asked = turns_asked(server)[-1]
    assert fact in asked.partition("# What you remember")[2].partition("# Now")[0]
    ledger = world.person("Ann").memory.ledger()
    found = ledger[ledger["text"].str.contains("grandmother")].iloc[0]
    assert (found["shown"], found["links"], found["relevance"]) == (True, (1,), 1.0)
    assert len(ledger) > 300
    assert world.steps == 200


async def test_ledger_says_what_was_eligible_and_what_was_shown(model_server, tmp_path):
    server = model_server(play(Ann=turn(talk("Soup.")), memory=keep_all(7)))
    world = World("House", [small(server)], llm=llm_at(server), record=tmp_path / "run.sqlite")
    for number in range(11):
        world.broadcast(f"Number {number}: the soup.")
    await world.run(1, live=False)
    said = next(event for event in world.events() if event.type == "TALK")
    ledger = world.person("Ann").memory.ledger(said.id)
    columns = [
        "memory",
        "kind",
        "text",
        "time",
        "links",
        "source",
        "recency",
        "importance",
        "relevance",
        "score",
        "shown",
        "query",
    ]
    assert list(ledger.columns) == columns
    assert (len(ledger), int(ledger["shown"].sum())) == (10, 3)
    assert ledger["score"].is_monotonic_decreasing
    assert ledger["shown"].tolist() == [True] * 3 + [False] * 7
    assert ledger[["recency", "importance", "relevance", "score"]].stack().between(0, 1).all()
    again = World.resume(tmp_path / "run.sqlite", llm=llm_at(server)).person("Ann").memory.ledger(said.id)
    assert again.equals(ledger)


async def test_ledger_of_a_turn_without_memories_is_empty_and_of_no_turn_an_error(model_server):
    server = model_server(play(Ann=turn(talk("Hm."))))
    ann = small(server)
    await ann.listen_and_act("Hello.")
    assert ann.memory.ledger().empty
    with pytest.raises(UnknownName, match="none that this person produced"):
        ann.memory.ledger(1)


async def test_ledger_is_saved_with_the_person(model_server, tmp_path):
    server = model_server(play(Ann=turn(talk("Hm.")), memory=keep_all()))
    ann = small(server)
    for number in range(12):
        ann.listen(f"Number {number}.")
    await ann.act()
    again = Person.load(ann.save(tmp_path / "ann.agent.json"), llm=llm_at(server))
    assert again.memory.ledger().equals(ann.memory.ledger())
    assert again.fingerprint() == ann.fingerprint()


async def test_person_with_a_past_who_joins_a_world_keeps_its_links_vectors_and_ledgers(model_server):
    server = model_server(play(Ann=turn(talk("Hm.")), Bob=turn(), memory=keep_all()))
    ann = small(server)
    for number in range(12):
        ann.listen(f"Number {number}.")
    await ann.act()
    alone = ann.memory.ledger()
    n_missing = len(ann.memory.semantic.missing())
    world = World("House", [person("Bob").listen("Hi."), ann], llm=llm_at(server))
    memory = world.person("Ann").memory
    assert len(memory.semantic.missing()) == n_missing == 0
    assert covered(memory)
    by_id = {event.id: event.content for event in world.events()}
    assert all(item.text in f"Somebody said: {by_id[item.links[0]]}" for item in memory.semantic)
    retrieved = [event for event in memory.events if event.type == "RETRIEVED"]
    assert set(json.loads(retrieved[0].content)["shown"]) <= {int(item.key) for item in memory.semantic}
    assert len(alone) == 10


# Reflection


async def test_person_reflects_when_enough_importance_has_gathered(model_server):
    insight = {"text": "Ann trusts nobody.", "importance": 9, "memories": []}

    def reflect(body):
        ids = [int(number) for number in re.findall(r'<memory id="(\d+)"', texts(body)[1])]
        return {"insights": [{**insight, "memories": [*ids[:2], 999]}]}

    server = model_server(play(Ann=turn(), memory=keep_all(10), other=reflect))
    ann = small(server, reflect_after=50)
    for number in range(12):
        ann.listen(f"Number {number}.")
    await ann.act()
    await ann.act()
    assert [asked_for(r) for r in server.requests] == ["memories", "insights", "turn", "turn"]
    made = json.loads(of_type(ann, "INSIGHT")[0].content)
    first_two = [event.id for event in of_type(ann, "MEMORY")[:2]]
    assert (made["text"], made["links"]) == ("Ann trusts nobody.", first_two)
    assert ann.memory.unreflected == 0


async def test_person_who_gains_no_insight_does_not_reflect_again_at_once(model_server):
    server = model_server(play(Ann=turn(), memory=keep_all(10), other={"insights": []}))
    ann = small(server, reflect_after=50)
    for number in range(12):
        ann.listen(f"Number {number}.")
    await ann.act()
    await ann.act()
    assert sum(asked_for(r) == "insights" for r in server.requests) == 1


# Forgetting


async def test_forgotten_event_is_not_shown_and_not_found(model_server):
    server = model_server(play(Ann=turn(), memory=keep_all()))
    ann = small(server).listen("The safe opens with 1234.").listen("Hello.")
    ann.forget([1])
    assert "1234" not in ann.memory.text
    await ann.consolidate()
    ann.forget([int(item.key) for item in ann.memory.semantic])
    await ann.listen_and_act("What opens the safe?")
    assert "Hello" not in turns_asked(server)[-1]


def test_forgetting_what_is_not_there_is_an_error():
    with pytest.raises(UnknownName, match="remembers no event 7, 8"):
        person("Ann").listen("Hi.").forget([1, 7, 8])


# Long texts


def too_long_for(n_characters: int, **turns):
    """Refuse a prompt that is longer than the context, in the words of the endpoints."""
    reply = play(**turns)

    def answer(body):
        if sum(len(str(message["content"])) for message in body["messages"]) > n_characters:
            return Fault(
                400, body={"error": {"message": "maximum context length is 4096", "code": "context_length_exceeded"}}
            )
        return reply(body)

    return answer


async def test_text_that_does_not_fit_the_model_is_an_error_that_names_it(model_server):
    ann = small(model_server(too_long_for(9_000, Ann=turn()))).listen("Short.").listen("long " * 4_000)
    with pytest.raises(PromptTooLong, match=r"event 2 \(CONVERSATION, 20,000 characters\).*summarise"):
        await ann.act()


async def test_text_that_does_not_fit_is_summarised_where_that_is_wanted(model_server):
    server = model_server(too_long_for(13_000, Ann=turn(talk("Fine.")), other={"summary": "It is long."}))
    text = "".join(f"Sentence number {n} of the speech. " for n in range(600))
    ann = small(server, long_text="summarise").listen("Short.").listen(text, "Bob")
    await ann.act()
    summarised = json.loads(of_type(ann, "SUMMARISED")[0].content)
    assert (summarised["event"], set(summarised["text"].split("\n"))) == (2, {"It is long."})
    assert '<say summarised="yes" from="Bob" to="Ann">It is long.' in ann.memory.text
    assert ann.events()[1].content == text
    parts = "".join(texts(r)[1] for r in server.requests if asked_for(r) == "summary")
    assert all(f"number {n} of" in parts for n in range(600))
    await ann.act()
    assert sum("number 7 of" in asked for asked in turns_asked(server)) == 1


# Settings


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"episode": 9}, "at least 10"),
        ({"window": 15, "episode": 20}, "holds at least one episode"),
        ({"k": -1}, "zero or more"),
        ({"decay": 0}, "decay"),
        ({"long_text": "cut"}, "'error' or 'summarise'"),
    ],
)
def test_settings_that_cannot_be_say_why(wrong, complaint):
    with pytest.raises(InvalidSettings, match=complaint):
        MemorySettings(**wrong)


def test_settings_come_back_with_the_person(tmp_path):
    ann = Person({"name": "Ann"}, memory=SMALL)
    assert Person.load(ann.save(tmp_path / "ann.agent.json")).memory.settings == SMALL


async def test_run_with_consolidation_that_is_resumed_equals_one_that_never_stopped(model_server, tmp_path):
    server = model_server(play(Ann=turn(talk("I see.")), memory=keep_all(), Bob=turn(talk("Soup again."))))

    def world_of(path):
        return World("House", [small(server), person("Bob")], llm=llm_at(server), record=path, seed=5)

    whole = await world_of(tmp_path / "whole.sqlite").broadcast("Soup?").run(12, live=False)
    world_of(tmp_path / "parts.sqlite").broadcast("Soup?").close()
    for _ in range(6):
        world = World.resume(tmp_path / "parts.sqlite", llm=llm_at(server))
        await world.run(2, live=False)
        world.close()
    parts = World.resume(tmp_path / "parts.sqlite", llm=llm_at(server))
    assert parts.events() == whole.events()
    assert any(event.type == "RETRIEVED" for event in whole.events())
    assert parts.person("Ann").memory.text == whole.person("Ann").memory.text


async def test_world_without_a_past_takes_one_request_a_turn(model_server):
    server = model_server(play(Ann=turn(talk("Hi.")), Bob=turn(), Cem=turn()))
    await world_at(server).run(3, live=False)
    assert len(server.requests) == 9


# A past that moves into a world, and what is forgotten


async def test_everything_of_a_past_keeps_its_meaning_when_events_are_renumbered(model_server):
    """The second in a world: their events get other numbers, and all that they name by number has the new ones."""
    script = too_long_for(14_000, Ann=turn(talk("Hm.")), memory=keep_all(), other={"summary": "It is long."})
    server = model_server(script)
    ann = small(server, long_text="summarise")
    for number in range(12):
        ann.listen(f"Number {number}.")
    await ann.act()
    ann.forget([ann.memory.episodic.window[0].id, int(ann.memory.semantic[2].key)])
    await ann.listen("long " * 4_000).act()
    before = ann.memory
    ids = {event.id: event.content for event in before.events if event.id in before.forgotten}
    ledger = before.ledger()
    world = World("House", [person("Bob").listen("Hi."), ann], llm=llm_at(server))
    after = world.person("Ann").memory
    assert after.text == before.text
    assert "summarised" in after.text
    assert [item.text for item in after.semantic] == [item.text for item in before.semantic]
    assert len(after.semantic.of_kind("memory")) == len(before.semantic.of_kind("memory"))
    forgotten = [event.content for event in after.events if event.id in after.forgotten]
    assert len(forgotten) == len(ids)
    assert list(after.episodic.summaries.values()) == list(before.episodic.summaries.values())
    said = next(event.id for event in reversed(after.events) if event.type == "TALK")
    columns = ["text", "score", "shown"]
    assert after.ledger(said)[columns].equals(ledger[columns])
    assert covered(after)


async def test_ledger_is_of_the_person_and_not_of_whom_they_heard_last(model_server):
    server = model_server(play(Ann=turn(talk("Moon.")), Bob=turn(talk("Sun.")), memory=keep_all()))
    people = [small(server), Person({"name": "Bob", "age": 28}, memory=SMALL)]
    world = World("House", people, llm=llm_at(server))
    for number in range(12):
        world.broadcast(f"Number {number}.")
    await world.run(1, live=False)
    anns, bobs = (event.id for event in world.events() if event.type == "TALK")
    ledger = world.person("Ann").memory.ledger
    assert len(ledger()) == len(ledger(anns)) == 10
    with pytest.raises(UnknownName):
        ledger(bobs)


async def test_memory_of_a_forgotten_event_is_forgotten_and_the_rest_of_it_stays(model_server):
    answer = {"memories": [{"text": "The code is 1234, and Bob is tall.", "importance": 8, "events": [1, 2]}]}
    server = model_server(play(Ann=turn(), memory=lambda body: answer))
    ann = small(server).listen("The code is 1234.").listen("Bob is tall.")
    await ann.consolidate()
    ann.forget([1])
    await ann.listen_and_act("What is the code?")
    asked = turns_asked(server)[-1]
    assert "1234" not in asked
    assert "Bob is tall." in asked
    assert covered(ann.memory)
    assert all("1234" not in event.content for event in ann.memory.unforgotten if is_told(event))


async def test_with_a_memory_its_events_are_forgotten(model_server):
    ann = small(model_server(play(memory=keep_all()))).listen("Hello.")
    await ann.consolidate()
    ann.forget([int(ann.memory.semantic[0].key)])
    assert covered(ann.memory)
    assert 1 in ann.memory.forgotten


async def test_summary_is_what_is_consolidated(model_server):
    """Else the text that did not fit the prompt would not fit the consolidation either, for ever."""
    script = too_long_for(13_000, Ann=turn(talk("Fine.")), memory=keep_all(), other={"summary": "It is long."})
    ann = small(model_server(script), long_text="summarise").listen("long " * 4_000)
    await ann.act()
    for number in range(12):
        ann.listen(f"Number {number}.")
    await ann.act()
    assert any(item.text == "It is long.\nIt is long.\nIt is long." for item in ann.memory.semantic)


async def test_memory_of_another_encoder_is_embedded_again(model_server, monkeypatch):
    server = model_server(play(Ann=turn(), memory=keep_all()))
    ann = small(server)
    for number in range(12):
        ann.listen(f"Number {number}.")
    await ann.act()
    monkeypatch.setenv("WORKBENCH_EMBEDDING_MODEL", "other")
    again = Person.load(ann.state(), llm=llm_at(server))
    await again.listen_and_act("Number 3?")
    assert again.memory.semantic.dimensions == 64
    assert len(again.memory.ledger()) == 10


async def test_goals_bring_things_to_mind_where_nothing_was_said(model_server):
    server = model_server(play(Ann=turn(talk("Hm."), goals=["find the number 7"]), memory=keep_all()))
    ann = small(server)
    for number in range(12):
        ann.listen(f"Number {number}.")
    await ann.act()
    await ann.act()
    queries = [json.loads(event.content)["query"] for event in of_type(ann, "RETRIEVED")]
    assert queries[1] == ["find the number 7", "the talk"]


async def test_equal_runs_are_equal_to_the_last_bit(model_server):
    """The ledgers, too: a vector does not depend on what else was embedded with it."""

    def run_of():
        server = model_server(play(Ann=turn(talk("I see.")), memory=keep_all(), Bob=turn(talk("Soup again."))))
        people = [small(server), Person({"name": "Bob", "age": 28}, memory=SMALL)]
        return World("House", people, llm=llm_at(server, model="m"), seed=5).broadcast("Soup?")

    one, other = await run_of().run(12, live=False), run_of()
    for _ in range(12):
        await other.run(1, live=False)
    assert [replace(e, call=None) for e in one.events() if e.type == "MEMORY"] == [
        replace(e, call=None) for e in other.events() if e.type == "MEMORY"
    ]
    ledgers = [[json.loads(e.content)["ledger"] for e in w.events() if e.type == "RETRIEVED"] for w in (one, other)]
    assert ledgers[0] == ledgers[1] != []


@pytest.mark.parametrize("wrong", [{"memory": {"window": 20}}, {"checks": True}])
def test_person_of_wrong_settings_says_what_is_needed(wrong):
    with pytest.raises(InvalidSettings, match=r"it is a wb\."):
        Person({"name": "Ann"}, **wrong)


@pytest.mark.parametrize("wrong", [{"k": 1.5}, {"episode": "x"}, {"weights": (1, 2, 3)}])
def test_settings_of_wrong_types_say_why(wrong):
    with pytest.raises(InvalidSettings, match=next(iter(wrong))):
        MemorySettings(**wrong)


async def test_vectors_that_move_into_a_world_are_not_made_again(model_server, monkeypatch):
    monkeypatch.setenv("WORKBENCH_EMBEDDING_MODEL", "m")
    server = model_server(play(Ann=turn(talk("Hm.")), memory=keep_all()))
    ann = small(server)
    for number in range(12):
        ann.listen(f"Number {number}.")
    await ann.act()
    before = len(server.requests)
    world = World("House", [ann], llm=llm_at(server)).broadcast("Number 3?")
    await world.run(1, live=False)
    embedded = {text for r in server.requests[before:] for text in r.body.get("input", ())}
    assert "Number 3?" in embedded
    assert embedded.isdisjoint(item.text for item in world.person("Ann").memory.semantic)
