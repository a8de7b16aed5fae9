"""Semantic similarity rating: which point of a scale somebody's words are nearest to.

Maier et al. 2025, https://arxiv.org/abs/2510.08338: a text is embedded and compared with one anchor sentence a point;
the similarities, less the lowest, are the probabilities of the points. Several sets of anchors are averaged.

What is added here: an answer is taken apart into its clauses, and those that are nearest to some anchor count most.
People say what they would do in a few words and then give reasons, which say more of the product than of the answer.
On 250 answers to a concept test that were written for it, the rank correlation with the point is, with the encoder in
the process: 0.64 with one set of anchors on whole answers, 0.65 with thirteen sets, 0.73 with thirteen sets on clauses
(half of the answers served to choose; 0.72 on the other half). On answers about many different products, which seldom
say it outright, it is 0.47: a larger embedding model is needed for these. `python -m benchmarks.similarity` prints it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from workbench.errors import InvalidSettings
from workbench.llm.client import LLM

if TYPE_CHECKING:
    from workbench.evaluation.surveys.questions import Code
    from workbench.evaluation.surveys.scales import Likert

AnchorSets = Sequence[Sequence[str]]
SHARPNESS = 2.0
"""The power that similarities are raised to (1 / the temperature of the paper): embeddings of short texts lie close
together, and without it every answer would be spread over the whole scale."""
TELLING = 3.0
"""The power of a clause's best similarity by which it counts."""
_CLAUSES = re.compile(
    r"(?<=[.!?;:。！？])\s*|,\s+|\s[-–—]\s|\s+(?=(?:but|though|unless|because|since|so|if|and)\b)", re.IGNORECASE
)


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
    anchors = await _embedded(llm, anchors_of(question))
    said = await llm.embed(clauses_of(text), purpose="survey")
    return dict(zip(question.points, point_probabilities(said, anchors, len(question.points)), strict=True))


@dataclass
class _Kept:
    """The embeddings of anchors, for as long as the model is used that they were made with."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    vectors: dict[Any, Any] = field(default_factory=dict)


_KEPT: WeakKeyDictionary[LLM, _Kept] = WeakKeyDictionary()


async def _embedded(llm: LLM, sets: AnchorSets) -> Any:
    """Return the embeddings of anchors, shape (sets, points, dimensions); they are asked for once a model."""
    kept, key = _KEPT.setdefault(llm, _Kept()), tuple(map(tuple, sets))
    async with kept.lock:
        if key not in kept.vectors:
            vectors = await llm.embed([anchor for one in key for anchor in one], purpose="survey")
            kept.vectors[key] = vectors.reshape(len(key), len(key[0]), -1)
    return kept.vectors[key]


def clauses_of(text: str) -> list[str]:
    """Return the clauses of a text.

    >>> clauses_of("Not for me, but my wife would buy it. Why not?")
    ['Not for me', 'but my wife would buy it.', 'Why not?']
    """
    return [part.strip() for part in _CLAUSES.split(text) if part.strip()] or [text]


def point_probabilities(said: Any, anchors: Any, n: int) -> list[float]:
    """Return the probability of each of n points: the mean over the sets of anchors, and over clauses as they tell.

    Args:
        said: embeddings of the clauses, shape (clauses, dimensions).
        anchors: of the anchors, shape (sets, points, dimensions).
        n: points of the scale; anchors of another number are interpolated.
    """
    import numpy as np

    near = np.einsum("spd,cd->csp", anchors, said)
    at, wanted = np.linspace(0, 1, near.shape[2]), np.linspace(0, 1, n)
    near = np.apply_along_axis(lambda one: np.interp(wanted, at, one), 2, near)
    above = (near - near.min(axis=2, keepdims=True)) ** SHARPNESS
    sums = above.sum(axis=2, keepdims=True)
    of_sets = np.divide(above, sums, out=np.full_like(above, 1 / n), where=sums > 0)
    telling = np.clip(near.max(axis=(1, 2)), 1e-6, None) ** TELLING
    return [float(one) for one in np.average(of_sets.mean(axis=1), axis=0, weights=telling)]


_WORDS = {
    "likelihood": r"\b(how likely|likelihood|would you (buy|try|use|get)|buy|purchase)\b",
    "agreement": r"\bagree",
    "satisfaction": r"\bsatisf",
    "liking": r"\b(how much do you (like|enjoy|love)|how do you like)\b",
}
"""What a question says that the built-in anchors are for."""


def chosen_by(text: str) -> str | None:
    """Return the built-in anchors that the words of a question choose; None where they choose none, or several.

    >>> chosen_by("How likely are you to buy it?"), chosen_by("I am often sad.")
    ('likelihood', None)
    """
    found = [name for name, words in _WORDS.items() if re.search(words, text, re.IGNORECASE)]
    return found[0] if len(found) == 1 else None


def anchors_of(question: Likert) -> AnchorSets:
    """Return the sets of anchors of a scale; those that are built in have five sentences, between which others lie.

    Raises:
        InvalidSettings: an unknown name, or sets that do not have a sentence a point.
    """
    given = question.anchors
    if given is None:
        raise InvalidSettings(
            f"{question.heading}: method='similarity' compares words with anchors, and none are chosen: give anchors=, "
            f"one of {', '.join(BUILT_IN)}, or sets of sentences"
        )
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
        ("No.", "Probably not.", "Maybe.", "Probably.", "Yes."),
        ("Absolutely not.", "I doubt it.", "I am not sure.", "I think so.", "Absolutely."),
        ("Never.", "Unlikely.", "It depends.", "Likely.", "Definitely."),
        ("I hate it.", "I don't really need it.", "I could go either way.", "I like it.", "I love it."),
        ("No chance.", "Not for me, I think.", "Undecided.", "Sounds good.", "I want it now."),
        ("Not interested at all.", "Not really my thing.", "Fifty-fifty.", "I am tempted.", "Sign me up."),
        (
            "A waste of money.",
            "Too expensive for what it is.",
            "The price is okay, I suppose.",
            "Good value.",
            "Worth every penny.",
        ),
        (
            "I would never use it.",
            "I would hardly use it.",
            "I might use it sometimes.",
            "I would use it often.",
            "I would use it every day.",
        ),
        (
            "Forget it.",
            "I would rather not.",
            "I would have to think about it.",
            "I will give it a try.",
            "I have already ordered one.",
        ),
    ),
    "agreement": (
        ("No.", "Not really.", "Partly.", "Mostly.", "Yes."),
        ("Totally wrong.", "I doubt that.", "I am not sure.", "I think so.", "Absolutely right."),
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
        ("Terrible.", "Disappointing.", "Okay.", "Good.", "Excellent."),
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
        ("Awful.", "Not for me.", "So-so.", "Nice.", "Wonderful."),
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
