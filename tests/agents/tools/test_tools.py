"""What holds for every tool: its state is the record's, and nothing of a failed turn stays in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import pytest

from tests.cast import does, llm_at, person, play, talk, turn, world_at
from tests.model_server import Fault
from workbench.agents.actions import Acting, action
from workbench.agents.faculties import Tool
from workbench.agents.person import Person
from workbench.agents.tools.calendar import Calendar
from workbench.agents.tools.word_processor import WordProcessor
from workbench.errors import InvalidSettings, RequestRefused, UnknownName
from workbench.worlds.world import World

WRITE = turn(does("WRITE_DOCUMENT", title="Note", text="All is well."))


class Clicker(Tool):
    """A tool of a researcher's own: it counts, and fails after the third click."""

    name = "clicker"

    def __init__(self) -> None:
        self.clicks = 0

        @action
        def click(acting: Acting) -> None:
            """Click."""
            self.affect(acting, {"clicks": 1})
            if self.clicks > 2:
                raise RuntimeError("stuck")

        self._actions = (click,)

    @property
    def actions(self) -> Sequence[Any]:
        return self._actions

    def apply(self, effect: Mapping[str, Any]) -> None:
        self.clicks += effect["clicks"]

    def effects(self) -> list[dict[str, Any]]:
        return [{"clicks": self.clicks}] if self.clicks else []

    def mark(self) -> int:
        return self.clicks

    def back_to(self, mark: int) -> None:
        self.clicks = mark

    def copy(self) -> Self:
        copy = type(self)()
        copy.clicks = self.clicks
        return copy


async def test_effect_of_an_action_that_then_fails_is_recorded(model_server, tmp_path):
    clicker = Clicker()
    server = model_server(play(Ann=turn(does("CLICK"))))
    world = world_at(server, "Ann", tools=[clicker], record=tmp_path / "run.sqlite")
    await world.run(4, live=False)
    world.close()
    again = Clicker()
    World.resume(tmp_path / "run.sqlite", llm=llm_at(server), tools=[again])
    assert (clicker.clicks, again.clicks) == (4 + 2 * 2, 8)  # a failure is told, so the turn goes on: three rounds


async def test_turn_outside_of_a_run_that_fails_leaves_the_worlds_tools_alone(model_server):
    papers = WordProcessor()
    world = world_at(model_server(play(Ann=[WRITE, Fault(400)])), "Ann", tools=[papers])
    with pytest.raises(RequestRefused):
        await world.person("Ann").act()
    assert papers.documents == []


async def test_tool_that_was_used_before_comes_back_with_all_it_holds(model_server, tmp_path):
    papers, server = WordProcessor(), model_server(play(Ann=[WRITE, turn(talk("Done."))]))
    await Person({"name": "Ann"}, llm=llm_at(server), faculties=[papers]).act()
    world_at(server, "Ann", tools=[papers], record=tmp_path / "run.sqlite").close()
    again = WordProcessor()
    World.resume(tmp_path / "run.sqlite", llm=llm_at(server), tools=[again])
    assert again.documents == papers.documents != []


def test_cancelled_number_is_not_given_again_after_resuming():
    calendar, other = Calendar(), Calendar()
    calendar.apply({"cancelled": 3})
    for effect in calendar.effects():
        other.apply(effect)
    assert other.mark() == calendar.mark() == ((), 3)


async def test_resuming_needs_tools_of_the_same_name_and_new_ones(model_server, tmp_path):
    server = model_server(play(Ann=[WRITE, turn(talk("Done."))]))
    papers = WordProcessor("desk")
    world = world_at(server, "Ann", tools=[papers], record=tmp_path / "run.sqlite")
    await world.run(1, live=False)
    world.close()
    with pytest.raises(InvalidSettings, match="tools: desk"):
        World.resume(tmp_path / "run.sqlite", llm=llm_at(server), tools=[WordProcessor()])
    with pytest.raises(InvalidSettings, match="'desk' is not empty"):
        World.resume(tmp_path / "run.sqlite", llm=llm_at(server), tools=[papers])


async def test_tool_that_a_person_and_the_world_have_is_told_once(model_server):
    server, papers = model_server(play()), WordProcessor()
    world = World("Office", [Person({"name": "Ann"}, faculties=[papers])], llm=llm_at(server), tools=[papers])
    await world.run(1, live=False)
    assert str(server.requests[0].body["messages"]).count("- WRITE_DOCUMENT(") == 1


def test_two_tools_with_the_same_actions_are_an_error(server):
    ann = Person({"name": "Ann"}, faculties=[WordProcessor("mine")])
    with pytest.raises(InvalidSettings, match="two actions are called WRITE_DOCUMENT"):
        World("Office", [ann], llm=llm_at(server), tools=[WordProcessor("ours")])


async def test_what_a_tool_asks_of_the_worlds_model_counts_there(model_server):
    server = model_server(play(Ann=[WRITE, turn(talk("Done."))], other={"text": "All is very well."}))
    papers = WordProcessor(enrich_with="world")
    world = World("Office", [person("Ann")], llm=llm_at(server), tools=[papers])
    await world.run(1, live=False)
    assert world.llm.meter.total.calls == 3
    assert papers.documents[0].text == "All is very well."


@pytest.mark.parametrize("schedule", ["simultaneous", "sequential"])
async def test_effects_are_replayed_in_the_order_in_which_they_were_done(model_server, tmp_path, schedule):
    """Ann invites Bob in the second round, when he has made an appointment of his own in the first."""
    made = does("CREATE_APPOINTMENT", title="Run", start="2025-01-06 15:00", minutes=30, place="", invite=["Ann"])
    ann = [turn(does("LIST_APPOINTMENTS", day="")), turn(does("CANCEL_APPOINTMENT", appointment="Run")), turn()]
    bob = [turn(made), turn(does("LIST_APPOINTMENTS", day="")), turn()]
    calendar, again = Calendar(), Calendar()
    path = tmp_path / "run.sqlite"
    options = {"tools": [calendar], "schedule": schedule, "record": path}
    world = world_at(model_server(play(Ann=ann, Bob=bob)), "Ann", "Bob", **options)
    await world.run(1, live=False)
    World.resume(path, llm=world.llm, tools=[again])
    assert again.appointments == calendar.appointments != []
    assert again.mark() == calendar.mark()


async def test_tool_lives_in_one_world(model_server):
    server, papers = model_server(play()), WordProcessor()
    one = world_at(server, "Ann", tools=[papers])
    world_at(server, "Bob", tools=[papers])
    with pytest.raises(InvalidSettings, match="word processor moved to another world"):
        await one.run(1, live=False)


async def test_what_a_persons_own_tool_holds_is_saved_with_them(model_server, tmp_path):
    papers, server = WordProcessor(), model_server(play(Ann=[WRITE, turn(talk("Done."))]))
    ann = Person({"name": "Ann"}, llm=llm_at(server), faculties=[papers])
    await ann.act()
    path = ann.save(tmp_path / "ann.agent.json")
    again = WordProcessor()
    Person.load(path, faculties=[again])
    assert again.documents == papers.documents != []
    Person.load(path).save(tmp_path / "other.agent.json")
    kept = WordProcessor()
    Person.load(tmp_path / "other.agent.json", faculties=[kept])
    assert kept.documents == papers.documents


async def test_resuming_for_people_who_are_not_there_is_an_error(model_server, tmp_path):
    world_at(model_server(play()), "Ann", record=tmp_path / "run.sqlite").close()
    with pytest.raises(UnknownName, match="nobody in this run is called 'Anne'"):
        World.resume(tmp_path / "run.sqlite", faculties={"Anne": []})


async def test_person_whose_tool_was_saved_lives_in_a_world_that_resumes(model_server, tmp_path):
    """What the tool held is in the record once, and not in the first state of the person as well."""
    server = model_server(play(Ann=[WRITE, turn(talk("Done."))]))
    ann = Person({"name": "Ann"}, llm=llm_at(server), faculties=[WordProcessor()])
    await ann.act()
    path, record, papers = ann.save(tmp_path / "ann.agent.json"), tmp_path / "run.sqlite", WordProcessor()
    World("Office", [Person.load(path, faculties=[papers])], llm=llm_at(server), record=record).close()
    again = WordProcessor()
    World.resume(record, llm=llm_at(server), faculties={"Ann": [again]})
    assert again.documents == papers.documents != []


async def test_resuming_that_is_refused_leaves_the_tool_to_its_world(model_server, tmp_path):
    server, papers = model_server(play(Ann=[WRITE, turn(talk("Done.")), turn(talk("More."))])), WordProcessor()
    world = world_at(server, "Ann", tools=[papers], record=tmp_path / "run.sqlite")
    await world.run(1, live=False)
    with pytest.raises(InvalidSettings, match="is not empty"):
        World.resume(tmp_path / "run.sqlite", llm=llm_at(server), tools=[papers])
    await world.run(1, live=False)
    assert world.steps == 2


async def test_twin_does_not_hear_its_own_invitation_to_others(model_server):
    invite = does("CREATE_APPOINTMENT", title="Tea", start="2025-01-06 15:00", minutes=30, place="", invite=["Bob"])
    server = model_server(play(Ann=[turn(invite), turn(talk("Done."))]))
    ann = Person({"name": "Ann"}, faculties=[Calendar()])
    world = World("Office", [ann, person("Bob")], llm=llm_at(server))
    twin = world.person("Ann").twin()
    await twin.act()
    assert "invites you" not in twin.memory.text
    assert world.person("Bob").events() == []


async def test_real_world_that_is_taken_back_is_noted(model_server, tmp_path):
    server = model_server(play())
    world_at(server, "Ann", record=tmp_path / "run.sqlite", real_world=True).close()
    world = await World.resume(tmp_path / "run.sqlite", llm=llm_at(server)).run(1, live=False)
    assert [e.content for e in world.events() if e.type == "CHANGED"] == [
        "real_world: True until here, False from here on"
    ]
