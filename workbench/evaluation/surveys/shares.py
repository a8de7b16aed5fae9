"""What people answered, as shares: a table, and what the chart is drawn from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings

if TYPE_CHECKING:
    import pandas as pd

COUNTED = ("Likert", "Choice", "MultiChoice", "Ranking", "Matrix")
COLUMNS = ("question", "option", "share", "n", "missing")


def shares(answers: pd.DataFrame) -> pd.DataFrame:
    """Return how many give each answer to each question that has options or a scale.

    Of a `MultiChoice` an option's share is of those who chose it, and shares do not add up to 1; of a `Ranking` it is
    of those who put it first.

    Args:
        answers: as `ask` returns them; weights count.

    Returns:
        a DataFrame, a row a question and option, in the order of scales and else by how many: question, option, share
        (of those who answered), n (answers), missing (of the question: those without an answer).

    Raises:
        InvalidSettings: this is no table of answers.
    """
    import pandas as pd

    if missing := {"question", "kind", "answer", "order", "weight"} - set(answers.columns):
        raise InvalidSettings(f"answers: {', '.join(sorted(missing))} is missing: give a table as wb.ask returns it")
    rows: list[tuple[Any, ...]] = []
    for question, given in answers[answers["kind"].isin(COUNTED)].groupby("question", sort=False):
        rows += _of_question(str(question), given)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _of_question(question: str, given: pd.DataFrame) -> list[tuple[Any, ...]]:
    there = given[given["answer"].notna()]
    if not len(there):
        return []
    chosen = [_chosen(kind, answer) for kind, answer in zip(there["kind"], there["answer"], strict=True)]
    weights = there["weight"].tolist()
    counts: dict[Any, int] = {}
    sums: dict[Any, float] = {}
    for option in _known(given, chosen):
        mine = [weight for weight, options in zip(weights, chosen, strict=True) if option in options]
        counts[option], sums[option] = len(mine), math.fsum(mine)
    ordered = (
        sorted(counts) if given["kind"].iloc[0] in ("Likert", "Matrix") else sorted(counts, key=lambda o: -sums[o])
    )
    total, without = math.fsum(weights), len(given) - len(there)
    return [(question, str(option), sums[option] / total, counts[option], without) for option in ordered]


def _chosen(kind: str, answer: Any) -> list[Any]:
    if kind == "MultiChoice":
        return list(answer)
    return [answer[0]] if kind == "Ranking" else [answer]


def _known(given: pd.DataFrame, chosen: list[list[Any]]) -> list[Any]:
    """Return all options: those that were shown, but for a matrix, where these are its statements."""
    shown = [] if given["kind"].iloc[0] == "Matrix" else [code for order in given["order"] for code in order]
    if given["kind"].iloc[0] == "Matrix":
        points = [point for options in chosen for point in options]
        return list(range(min(points), max(points) + 1))
    return list(dict.fromkeys([*shown, *(option for options in chosen for option in options)]))
