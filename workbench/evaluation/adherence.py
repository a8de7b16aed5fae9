"""How far people speak as their personas make likely: an order of people or lines, and no score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.agents.person import Person
from workbench.errors import InvalidSettings
from workbench.judging.spread import spread_of_votes
from workbench.llm.client import LLM
from workbench.llm.running import together
from workbench.llm.text_likelihood import LikelihoodRatio, likelihood

if TYPE_CHECKING:
    import pandas as pd

NEUTRAL = (
    "name: Alex\nage: 40\nresidence: a town",
    "name: Sam\nage: 35\noccupation: works in an office",
    "name: Chris\nage: 50\nnationality: unknown",
)
"""People of whom nothing is known that would show in what they say; several, since each has its own quirks."""
COLUMNS = ("person", "rank", "likelihood_ratio", "sd", "n_lines", "n_tokens", "note")
NO_TALK = "nothing was said"
UNKNOWN = "the endpoint gives no log-probabilities of prompts: the embedded model and vLLM do"


async def adherence_ranks(
    people: Sequence[Person], *, llm: LLM | None = None, neutral: Sequence[str] = NEUTRAL
) -> pd.DataFrame:
    """Rank people by how much likelier their personas make what they said than neutral ones do.

    log P(talk | persona) - log P(talk | neutral), by the token, averaged over neutral contexts and lines. It puts
    people in an order, and says nothing of how good the best of them is. Asked for a digit, small models are at chance;
    this is what they can do (in `tests/llm/test_text_likelihood.py` are figures of the embedded one).

    Args:
        people: who have talked.
        llm: whose probabilities serve; the people's own when not given.
        neutral: personas that tell nothing, as text.

    Returns:
        a DataFrame, the most fitting first: person, rank (from 1; NaN where it is not known), likelihood_ratio (nats a
        token), sd (over lines), n_lines, n_tokens, note.

    Raises:
        InvalidSettings: nobody, or no neutral persona.
        ModelError: the model could not be asked.
    """
    import pandas as pd

    asked = [people] if isinstance(people, Person) else list(people)
    if not asked or not all(isinstance(person, Person) for person in asked):
        raise InvalidSettings("give people: they are ranked by what they said")
    rows = await together(_measured(person, llm or person.llm, neutral) for person in asked)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["rank"] = table["likelihood_ratio"].rank(ascending=False, method="min")
    return table.sort_values("likelihood_ratio", ascending=False, kind="stable", ignore_index=True)


async def _measured(person: Person, llm: LLM, neutral: Sequence[str]) -> tuple[object, ...]:
    said = [event.content for event in person.events() if event.type == "TALK" and event.source == person.name]
    said = [text for text in said if text.strip()]
    if not said:
        return person.name, math.nan, math.nan, math.nan, 0, 0, NO_TALK
    found = await likelihood(llm, person.persona.markdown, said, neutral, purpose="adherence", person=person.name)
    if found is None:
        return person.name, math.nan, math.nan, math.nan, len(said), 0, UNKNOWN
    return person.name, math.nan, *_mean(found), len(said), sum(one.n_tokens for one in found), ""


def _mean(ratios: Sequence[LikelihoodRatio]) -> tuple[float, float]:
    """Return the mean over lines, each by its tokens, and the SD of the lines; NaN of one."""
    tokens = sum(one.n_tokens for one in ratios)
    mean = math.fsum(one.value * one.n_tokens for one in ratios) / tokens
    return mean, spread_of_votes([one.value for one in ratios]).sd if len(ratios) > 1 else math.nan
