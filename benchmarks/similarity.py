"""How well words are rated on a scale by the encoder in the process: `make bench`.

250 answers to a concept test and 250 about many products (`tests/evaluation/surveys`), each written for a point of the
scale. The table has the rank correlation of the mean rating with that point: whole answers against one set of anchors
and against all, and clauses against all, which is what `method="similarity"` does. Of the concept test, every second
answer served to choose anchors and powers; the other half did not.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

import workbench as wb
from workbench.evaluation.surveys.anchors import BUILT_IN, clauses_of, point_probabilities

ANSWERS = Path(__file__).parents[1] / "tests" / "evaluation" / "surveys"
POINTS = np.arange(1, 6)
ROWS = (
    ("concept test", "concept_answers.json", 0, 1, ">= 0.7"),
    ("    the half that served to choose", "concept_answers.json", 0, 2, ""),
    ("    the other half", "concept_answers.json", 1, 2, ""),
    ("many products", "purchase_answers.json", 0, 1, ""),
)


def main() -> None:
    """Print the table."""
    asyncio.run(_measure(wb.LLM(provider="embedded", cache="off")))


async def _measure(llm: wb.LLM) -> None:
    sets = BUILT_IN["likelihood"]
    anchors = (await llm.embed([anchor for one in sets for anchor in one])).reshape(len(sets), len(POINTS), -1)
    print(f"{'rank correlation with the point':<34}{'one set':>9}{'all sets':>10}{'clauses':>9}  wanted")
    for name, file, start, step, wanted in ROWS:
        said = json.loads((ANSWERS / file).read_text(encoding="utf-8"))
        texts = {int(point): answers[start::step] for point, answers in said.items()}
        whole = {point: [[text] for text in answers] for point, answers in texts.items()}
        cut = {point: [clauses_of(text) for text in answers] for point, answers in texts.items()}
        ways = ((whole, anchors[:1]), (whole, anchors), (cut, anchors))
        one, every, clauses = [await _correlation(llm, parts, given) for parts, given in ways]
        print(f"{name:<34}{one:>9.2f}{every:>10.2f}{clauses:>9.2f}  {wanted}")


async def _correlation(llm: wb.LLM, said: dict[int, list[list[str]]], anchors: Any) -> float:
    """Return Spearman's correlation of the points with the means of the ratings."""
    points = [point for point, answers in said.items() for _ in answers]
    parts: Sequence[list[str]] = [answer for answers in said.values() for answer in answers]
    vectors = await llm.embed([part for answer in parts for part in answer])
    of_answers = np.split(vectors, np.cumsum([len(answer) for answer in parts])[:-1])
    means = [np.dot(point_probabilities(said_so, anchors, len(POINTS)), POINTS) for said_so in of_answers]
    return float(spearmanr(points, means).statistic)


if __name__ == "__main__":
    main()
