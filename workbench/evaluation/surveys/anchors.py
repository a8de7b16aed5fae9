"""Semantic similarity rating: which point of a scale somebody's words are nearest to.

Maier et al. 2025, https://arxiv.org/abs/2510.08338: a text is embedded and compared with one anchor sentence a point;
the similarities, less the lowest, are the probabilities of the points. Several sets of anchors are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings

if TYPE_CHECKING:
    from workbench.evaluation.surveys.questions import Code
    from workbench.evaluation.surveys.scales import Likert
    from workbench.llm.client import LLM

AnchorSets = Sequence[Sequence[str]]
SHARPNESS = 3.0
"""The power that similarities are raised to (1 / the temperature of the paper): embeddings of short texts lie close
together, and without it every answer would be spread over the whole scale."""


async def likert_probabilities(llm: LLM, text: str, question: Likert) -> dict[Code, float]:
    """Return the probability of each point of a scale, given what somebody says.

    Args:
        llm: whose embeddings serve.
        text: what they say.
        question: the scale, with its anchors.

    Raises:
        EmbeddedModelMissing: no embedding model is set, and the extra `local` is not installed.
        ModelError: the endpoint's embedding model failed.
    """
    sets = anchors_of(question)
    vectors = await llm.embed([text, *(anchor for one in sets for anchor in one)], purpose="survey")
    return dict(zip(question.points, _probabilities(vectors[0], vectors[1:], sets, len(question.points)), strict=True))


def _probabilities(said: Any, anchors: Any, sets: AnchorSets, n: int) -> list[float]:
    """Return the mean over the sets of anchors."""
    import numpy as np

    start, found = 0, []
    for one in sets:
        near = anchors[start : start + len(one)] @ said
        near = np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(one)), near)
        above = (near - near.min()) ** SHARPNESS
        found.append(above / above.sum() if above.sum() else np.full(n, 1 / n))
        start += len(one)
    return [float(one) for one in np.mean(found, axis=0)]


def anchors_of(question: Likert) -> AnchorSets:
    """Return the sets of anchors of a scale; those that are built in have five sentences, between which others lie.

    Raises:
        InvalidSettings: an unknown name, or sets that do not have a sentence a point.
    """
    given = question.anchors
    if isinstance(given, str):
        if given not in BUILT_IN:
            raise InvalidSettings(f"{question.heading}: anchors={given!r}: it is one of {', '.join(BUILT_IN)}")
        return BUILT_IN[given]
    sets = [list(one) for one in given]
    if not sets or any(len(one) != len(question.points) or not all(isinstance(a, str) for a in one) for one in sets):
        raise InvalidSettings(
            f"{question.heading}: anchors are sets of {len(question.points)} sentences, one a point from the lowest"
        )
    return sets


BUILT_IN: dict[str, AnchorSets] = {
    "likelihood": (
        (
            "I would definitely not buy it. I am not interested at all.",
            "I probably would not buy it. It does not appeal to me much.",
            "I might or might not buy it. I am undecided.",
            "I would probably buy it. It appeals to me.",
            "I would definitely buy it. I want it very much.",
        ),
        (
            "No way, this is not for me and I would never spend money on it.",
            "I doubt that I would get it, there are better things to spend money on.",
            "Maybe, it depends, I would have to think about it.",
            "I think I would get it, it sounds good to me.",
            "Yes, absolutely, I would get it right away.",
        ),
        (
            "I dislike it and would refuse it.",
            "I am rather sceptical and would most likely leave it on the shelf.",
            "I am not sure either way; I have no strong feelings about it.",
            "I like the idea and would likely give it a try.",
            "I love it and cannot wait to have it.",
        ),
        (
            "It is useless to me, a waste of money, forget it.",
            "Unlikely. I do not really need it.",
            "It is okay, fifty-fifty, I could go either way.",
            "Likely. It would be useful and I am inclined to buy it.",
            "Certain. It is exactly what I need, I am buying it.",
        ),
    ),
    "agreement": (
        (
            "I completely disagree with that. It is plainly wrong.",
            "I rather disagree. I do not think that it is so.",
            "I neither agree nor disagree. I am undecided.",
            "I rather agree. There is something to it.",
            "I completely agree. That is exactly right.",
        ),
        (
            "No, not at all, that is false.",
            "Not really, I see it differently.",
            "Partly yes and partly no, I have no clear opinion.",
            "Mostly yes, I think so too.",
            "Yes, absolutely, that is true.",
        ),
    ),
    "satisfaction": (
        (
            "I am very dissatisfied. It was terrible.",
            "I am rather dissatisfied. It was disappointing.",
            "I am neither satisfied nor dissatisfied. It was average.",
            "I am rather satisfied. It was good.",
            "I am very satisfied. It was excellent.",
        ),
        (
            "Awful, I regret it, never again.",
            "Not good, several things went wrong.",
            "It was okay, nothing special.",
            "Good, I was happy with most of it.",
            "Wonderful, everything was perfect.",
        ),
    ),
    "liking": (
        (
            "I hate it.",
            "I do not like it much.",
            "I am indifferent to it.",
            "I like it.",
            "I love it.",
        ),
        (
            "I find it horrible and want nothing to do with it.",
            "It does not appeal to me.",
            "It is neither good nor bad.",
            "I find it pleasant.",
            "It is my favourite, I am crazy about it.",
        ),
    ),
}
"""Sets of five sentences, for what scales are most often of."""
