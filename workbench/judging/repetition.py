"""How much what somebody is about to say repeats what was said before: measured, without asking a model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.llm.client import LLM

UNLIKE = 0.5
"""The similarity up to which nothing is repeated."""
AGAIN = 90
"""The share of the same words, in per cent, from which a text is another one again."""
FEWEST_WORDS = 4
"""Shorter talk ("Yes.", "I agree.") is in many a longer one; it is only repeated where it is equal."""

_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)"
)
"""Runs of scripts that put no space between words: Thai and Lao, Burmese, Khmer, kana, Han."""


@dataclass(frozen=True)
class Repetition:
    """How much a new talk repeats an earlier one."""

    similarity: float
    """0 to 1, of the two that are most alike."""
    score: int
    """0 (says the same again) to 9 (says something new)."""
    repeats: str
    """The earlier talk that is most like it; empty where there is none to compare with."""


async def repetition(llm: LLM, texts: Sequence[str], recent: Sequence[str]) -> Repetition:
    """Measure how much new talk repeats earlier talk; the two that are most alike count.

    Two texts are as similar as the mean of how many words they share (rapidfuzz's `token_set_ratio`) and of how near
    they are in meaning (the cosine of their embeddings). The score is 9 up to a similarity of 0.5 and falls to 0 at
    1.0. Measured with the encoder in the process (`tests/judging/test_repetition.py` has the texts, in 8 languages):

    - talk of other things 0.21-0.27, score 9; 0.61, score 7, in Hindi, which the encoder does not know
    - talk of the same topic that says something else 0.24-0.64, scores 9-7
    - an old sentence with other things put in ("ask my mother about the soup": "ask my brother about the train")
      0.65-0.71, scores 6-5
    - the same said in other words 0.71-0.98, scores 5-0
    - the same words 1.0, score 0

    A "not" changes little (0.92-0.97, scores 1-0): a change of mind in the same words passes for a repetition.

    Args:
        llm: whose embeddings serve.
        texts: what somebody is about to say. They are not compared with each other.
        recent: what was said before.

    Raises:
        EmbeddedModelMissing: no embedding model is set, and the extra `local` is not installed.
        ModelError: the endpoint's embedding model failed.
    """
    pairs = [(text, earlier) for text in texts for earlier in recent if text.strip() and earlier.strip()]
    for text, earlier in pairs:
        if _plain(text) == _plain(earlier):
            return Repetition(1.0, 0, earlier)
    pairs = [pair for pair in pairs if all(n_words(text) >= FEWEST_WORDS for text in pair)]
    if not pairs:
        return Repetition(0.0, 9, "")
    similarities = await _similarities(llm, pairs)
    most = max(similarities)
    return Repetition(most, _score(most), pairs[similarities.index(most)][1])


def same_words(text: str, earlier: str) -> float:
    """Return how many words two texts share, from 0 to 1, whatever their order: found without a model.

    >>> same_words("I would buy it.", "i would BUY it")
    1.0
    """
    from rapidfuzz import fuzz

    return float(fuzz.token_set_ratio(_plain(text), _plain(earlier))) / 100


def says_again(text: str, earlier: str) -> bool:
    """Return whether a text is an earlier one again, with nine tenths of its words, whatever their order.

    >>> says_again("Well, I would buy a bottle of it!", "I would buy a bottle of it.")
    True
    >>> says_again("Soup.", "Shall we have bread, cheese, soup or salad?")
    False
    """
    from rapidfuzz import fuzz

    return float(fuzz.token_sort_ratio(_plain(text), _plain(earlier))) >= AGAIN


async def _similarities(llm: LLM, pairs: Sequence[tuple[str, str]]) -> list[float]:
    places = {text: place for place, text in enumerate(dict.fromkeys(text for pair in pairs for text in pair))}
    vectors = await llm.embed(list(places), purpose="check")
    similarities: list[float] = []
    for text, earlier in pairs:
        words = same_words(text, earlier)
        meaning = float(vectors[places[text]] @ vectors[places[earlier]])
        similarities.append(round((words + min(max(meaning, 0.0), 1.0)) / 2, 3))
    return similarities


def _score(similarity: float) -> int:
    return min(9, round(9 * (1 - similarity) / (1 - UNLIKE)))


def _plain(text: str) -> str:
    """Return the words of a text with single spaces between them; a text without words (👍) as it is."""
    return " ".join(words_in(text)) or text.strip()


def words_in(text: str) -> list[str]:
    """Return the words in lower case; pairs of neighbouring characters where a script does not space its words.

    Marks belong to words: the `w` class of regular expressions leaves them out, and cuts up Hindi and Thai.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    letters = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in folded)
    return [word for run in _UNSPACED.sub(r" \1 ", letters).split() for word in _split(run)]


def _split(run: str) -> list[str]:
    if not _UNSPACED.match(run):
        return [run]
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


def n_words(text: str) -> float:
    """Return how many words a text has, two characters of an unspaced script as one."""
    return sum(0.5 if _UNSPACED.match(word) else 1 for word in words_in(text))
