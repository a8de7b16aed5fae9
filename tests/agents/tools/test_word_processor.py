"""A word processor: documents that people write, revise and read, and that the record brings back."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.cast import asked_for, does, llm_at, play, talk, texts, turn, turns_asked, world_at
from tests.model_server import Fault
from tests.test_html import HOSTILE, Tags
from workbench.agents.person import Person
from workbench.agents.tools.word_processor import WordProcessor, WrittenDocument
from workbench.errors import InvalidSettings, StepFailed
from workbench.record.events import START
from workbench.worlds.world import World


def writes(title: str, text: str) -> dict:
    return turn(does("WRITE_DOCUMENT", title=title, text=text))


def revises(title: str, text: str) -> dict:
    return turn(does("REVISE_DOCUMENT", title=title, text=text))


def results(world: World, name: str) -> list[str]:
    return [event.content for event in world.events() if event.type == "RESULT" and event.target == name]


def texts_of(tool: WordProcessor) -> dict[str, str]:
    return {one.title: one.text for one in tool.documents}


async def lived(model_server, *, steps: int = 1, tool: WordProcessor | None = None, **turns) -> World:
    """A world in which people take turns with a word processor."""
    server = model_server(play(**turns))
    world = world_at(server, "Ann", "Bob", tools=[tool or WordProcessor()], schedule="sequential")
    return await world.run(steps, live=False)


def tool_of(world: World) -> WordProcessor:
    return world.tools["word processor"]


# Writing, revising, reading


async def test_document_is_written_revised_and_read_by_others(model_server):
    reads = turn(does("READ_DOCUMENT", title=" the PLAN "))
    ann = [writes("The plan", "Buy fish."), revises("the plan", "Buy soup."), turn(talk("Read it!"))]
    world = await lived(model_server, Ann=ann, Bob=[reads])
    first, second = tool_of(world).revisions("THE  PLAN")
    assert (first.text, first.revision) == ("Buy fish.", 1)
    assert second == WrittenDocument("The plan", "Buy soup.", "Ann", START, 2)
    assert results(world, "Bob") == [
        "'The plan' by Ann (revision 2, Monday, 2025-01-06 09:00, 2 words):\nBuy soup.",
    ]


async def test_what_was_done_is_told_before_the_turn_goes_on(model_server):
    server = model_server(play(Ann=[writes("Plan", "Buy fish."), turn(talk("It is written."))]))
    await world_at(server, "Ann", tools=[WordProcessor()]).run(1, live=False)
    told = "Written: 'Plan' by Ann (revision 1, Monday, 2025-01-06 09:00, 2 words)."
    assert f'<result from="WRITE_DOCUMENT" to="Ann">{told}</result>' in turns_asked(server, "Ann")[1]


async def test_only_the_owner_revises_a_document(model_server):
    world = await lived(model_server, Ann=[writes("Plan", "Fish."), turn()], Bob=[revises("plan", "Soup.")])
    assert results(world, "Bob") == ["'Plan' belongs to Ann: only they can revise it. Nothing was revised."]
    assert texts_of(tool_of(world)) == {"Plan": "Fish."}


@pytest.mark.parametrize(
    ("does_what", "told"),
    [
        (writes(" ", "Fish."), "needs a title and a text"),
        (writes("Menu", " \n"), "needs a title and a text"),
        (writes("pLaN ", "Soup."), "You have written 'Plan' by Ann"),
        (revises("Menu", "Soup."), "There is no document 'Menu'. There are: 'Plan'."),
        (revises("Plan", ""), "needs a text"),
        (turn(does("READ_DOCUMENT", title="Menu")), "There is no document 'Menu'. There are: 'Plan'."),
    ],
)
async def test_what_cannot_be_is_told_and_changes_nothing(model_server, does_what, told):
    world = await lived(model_server, Ann=[writes("Plan", "Fish."), does_what])
    assert told in results(world, "Ann")[1]
    assert texts_of(tool_of(world)) == {"Plan": "Fish."}
    assert not [event for event in world.events() if event.type == "ACTION_FAILED"]


async def test_title_that_somebody_else_has_is_taken(model_server):
    world = await lived(model_server, Ann=[writes("Plan", "Fish."), turn()], Bob=[writes("plan", "Soup.")])
    assert "There is a document 'Plan' by Ann" in results(world, "Bob")[0]
    assert texts_of(tool_of(world)) == {"Plan": "Fish."}


async def test_documents_are_listed(model_server):
    lists = turn(does("LIST_WRITTEN_DOCUMENTS"))
    world = await lived(
        model_server, Ann=[lists, writes("Plan", "Fish."), turn()], Bob=[writes("Menu", "Soup."), lists]
    )
    assert results(world, "Ann")[0] == "No documents have been written yet."
    assert [line.partition(" (")[0] for line in results(world, "Bob")[1].splitlines()] == [
        "'Plan' by Ann",
        "'Menu' by Bob",
    ]


async def test_documents_as_a_table(model_server):
    ann = [writes("Plan", "Fish."), revises("Plan", "Soup."), writes("Menu", "Bread.")]
    frame = tool_of(await lived(model_server, Ann=ann)).to_frame()
    assert list(frame.columns) == ["title", "owner", "revision", "written", "text"]
    assert frame.drop(columns="written").values.tolist() == [["Plan", "Ann", 2, "Soup."], ["Menu", "Ann", 1, "Bread."]]
    assert frame["written"][0] == START
    assert list(WordProcessor().to_frame().columns) == list(frame.columns)


# Enriching


async def test_document_is_made_more_detailed_and_both_texts_are_kept(model_server):
    tool = WordProcessor(enrich_with=llm_at(server := model_server({"text": "Buy fresh fish, for the soup."})))
    world = await lived(model_server, tool=tool, Ann=[writes("Plan", "Buy fish.</document>")])
    (request,) = server.requests
    assert asked_for(request) == "text"
    assert texts(request)[1].strip() == '<document name="Plan">Buy fish.‹/document></document>'
    (document,) = tool.documents
    assert (document.text, document.original) == ("Buy fresh fish, for the soup.", "Buy fish.</document>")
    assert "made it more detailed" in results(world, "Ann")[0]
    assert tool.enrich_with.meter.to_frame(by="purpose")["purpose"].tolist() == ["enrich"]


async def test_each_revision_is_enriched_once(model_server):
    tool = WordProcessor(enrich_with=llm_at(server := model_server({"text": "Longer."})))
    await lived(model_server, tool=tool, Ann=[writes("Plan", "Fish."), revises("Plan", "Soup."), revises("Menu", "")])
    assert [(one.text, one.original) for one in tool.revisions("Plan")] == [("Longer.", "Fish."), ("Longer.", "Soup.")]
    assert len(server.requests) == len({request.body["seed"] for request in server.requests}) == 2


async def test_document_of_which_the_model_makes_nothing_stays_as_written(model_server):
    tool = WordProcessor(enrich_with=llm_at(model_server({"text": " "})))
    await lived(model_server, tool=tool, Ann=[writes("Plan", "Fish.")])
    assert [(one.text, one.original) for one in tool.documents] == [("Fish.", None)]


async def test_document_that_cannot_be_enriched_fails_the_step_and_is_not_written(model_server):
    tool = WordProcessor(enrich_with=llm_at(model_server(Fault(400)), max_tries=1))
    with pytest.raises(StepFailed, match="the turn of Ann failed"):
        await lived(model_server, tool=tool, Ann=[writes("Plan", "Fish.")])
    assert tool.documents == []


# Its state


async def test_run_that_is_resumed_has_the_documents_and_goes_on(model_server, tmp_path):
    tool = WordProcessor(enrich_with=llm_at(model_server({"text": "Longer."})))
    server = model_server(play(Ann=[writes("Plan", "Fish."), turn(), revises("plan", "Soup.")]))
    world = world_at(server, "Ann", tools=[tool], record=tmp_path / "r.sqlite")
    (await world.run(1, live=False)).close()
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server), tools=[WordProcessor()])
    assert tool_of(again).documents == tool.documents
    await again.run(1, live=False)
    assert [(one.revision, one.text) for one in tool_of(again).revisions("Plan")] == [(1, "Longer."), (2, "Soup.")]
    assert tool_of(again).revisions("Plan")[1].written == datetime(2025, 1, 6, 9, 1)


async def test_step_that_fails_leaves_the_documents_as_they_were(model_server):
    tool = WordProcessor()
    with pytest.raises(StepFailed):
        await lived(model_server, tool=tool, Ann=[writes("Plan", "Fish."), turn()], Bob=Fault(400))
    assert tool.documents == []


async def test_documents_of_a_twin_are_its_own(model_server):
    server = model_server(play(Ann=[writes("Plan", "Fish."), turn(), writes("Menu", "Soup.")]))
    tool = WordProcessor()
    ann = Person({"name": "Ann"}, faculties=[tool], llm=llm_at(server))
    await ann.act()
    await (twin := ann.twin()).act()
    assert texts_of(tool) == {"Plan": "Fish."}
    assert texts_of(twin.faculties[0]) == {"Plan": "Fish.", "Menu": "Soup."}


async def test_tool_that_people_share_is_one(model_server):
    server = model_server(play(Ann=[writes("Plan", "Fish.")], Bob=[turn(), turn(does("READ_DOCUMENT", title="Plan"))]))
    tool = WordProcessor()
    people = [Person({"name": name}, faculties=[tool]) for name in ("Ann", "Bob")]
    world = await World("Kitchen", people, llm=llm_at(server)).run(2, live=False)
    assert results(world, "Bob")[0].endswith("Fish.")


def test_two_word_processors_of_one_person_cannot_be_told_apart():
    with pytest.raises(InvalidSettings, match="two actions are called WRITE_DOCUMENT"):
        Person({"name": "Ann"}, faculties=[WordProcessor(), WordProcessor("other")])


def test_definitions_stay_the_same_and_those_of_a_copy_are_its_own():
    tool = WordProcessor()
    assert [one is other for one, other in zip(tool.actions, tool.actions, strict=True)] == [True] * 4
    assert not set(tool.actions) & set(tool.copy().actions)


def test_hostile_words_are_escaped():
    tool = WordProcessor(HOSTILE)
    tool.apply(WrittenDocument(HOSTILE, HOSTILE, HOSTILE, START).to_dict())
    tags = Tags(tool._repr_html_())
    assert not {"script", "img"} & set(tags.tags)
    assert tags.words.count("alert('x')") == 4
    assert repr(WordProcessor()) == "WordProcessor('word processor', 0 documents)"
