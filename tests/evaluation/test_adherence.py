"""People in the order of how likely their personas make what they said."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.llm.doubles import llm_at
from tests.llm.echo_server import echoing
from workbench.agents.person import Person
from workbench.errors import InvalidSettings
from workbench.evaluation.adherence import NO_TALK, UNKNOWN, adherence_ranks
from workbench.record.events import Happening


def talked(name: str, job: str, *said: str) -> Person:
    person = Person({"name": name, "occupation": job})
    for text in said:
        person.happens(Happening("action", "TALK", text, name, "", "call", (name,)))
    return person


async def test_who_speaks_as_their_persona_makes_likely_comes_first() -> None:
    people = [
        talked("Odd", "baker of bread", "Concrete cranes concrete", "Cranes"),
        talked("Fit", "baker of bread", "Bread bread baker", "I baker bread"),
        talked("Mute", "baker of bread"),
    ]
    async with echoing() as server:
        table = await adherence_ranks(people, llm=llm_at(server))
    assert table["person"].tolist() == ["Fit", "Odd", "Mute"]
    assert table["rank"].fillna(-1).tolist() == [1, 2, -1]
    assert table["likelihood_ratio"][0] > table["likelihood_ratio"][1]
    assert table["n_lines"].tolist() == [2, 2, 0]
    assert table["note"].tolist() == ["", "", NO_TALK]


async def test_where_there_are_no_probabilities_nobody_has_a_rank(server: Any) -> None:
    table = await adherence_ranks([talked("Ann", "baker", "Bread.")], llm=llm_at(server))
    assert math.isnan(table["rank"][0])
    assert table["note"].tolist() == [UNKNOWN]


@pytest.mark.parametrize("people", [[], ["Ann"]])
async def test_people_are_ranked_and_nobody_else(server: Any, people: Any) -> None:
    with pytest.raises(InvalidSettings, match="give people"):
        await adherence_ranks(people, llm=llm_at(server))
