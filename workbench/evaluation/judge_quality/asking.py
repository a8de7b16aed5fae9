"""`judge_quality`: a judge is given what people have judged, and held against them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.evaluation.judge_quality.quality import quality_of
from workbench.evaluation.judge_quality.report import JudgeQuality
from workbench.evaluation.judges import Judge
from workbench.judging.judge import Score, Subject
from workbench.judging.propositions import Proposition
from workbench.llm.client import LLM, default_llm
from workbench.llm.meter import Budget
from workbench.llm.running import together
from workbench.populations.column_values import is_missing
from workbench.record.events import START, Event

if TYPE_CHECKING:
    import pandas as pd

AT_ONCE = 256


async def judge_quality(
    judge: Judge,
    labelled: pd.DataFrame,
    proposition: Proposition | str | None = None,
    *,
    swap: bool = True,
    threshold: float | None = None,
    budget: Budget | None = None,
    **settings: Any,
) -> JudgeQuality:
    """Have a judge score what people have judged, and report how far it is to be trusted.

    Args:
        judge: the model and the method.
        labelled: a row an item and rater: `said` (a text, or a list of texts in their order), `label` (what people
            found), and where there are such `about` (the persona, as text), `name` (who says it), `claim` (in place of
            the proposition), `item`, `rater`, `cluster`.
        proposition: what is judged of each item.
        swap: whether each is judged a second time, with the claim before what it is judged on: how many verdicts
            change is the sensitivity to order. It doubles the requests.
        threshold: the score from which on a claim counts as true; the middle of the scale when not given and labels are
            of two levels.
        budget: what may be spent.
        **settings: as `quality_of` takes them: levels, level, tolerance, bins, n_resamples, confidence, seed.

    Returns:
        accuracy, kappa, Krippendorff's alpha, AUC, calibration, sensitivity to order and to length, with intervals.

    Raises:
        InvalidSettings: columns that are missing, or no claim.
        ModelError: the judge could not be asked, or gave no readable answer.
    """
    import pandas as pd

    claims = _claims(labelled, proposition)
    items = labelled.assign(
        item=labelled["item"] if "item" in labelled else range(len(labelled)), claim=pd.Series(claims, labelled.index)
    )
    once = items.drop_duplicates("item")
    llm = (judge.llm or default_llm()).metered(budget)
    rows = once.to_dict("records")
    asked = [(row, first) for first in ([False, True] if swap else [False]) for row in rows]
    scores = await together((_score(judge, llm, row, first) for row, first in asked), at_once=AT_ONCE)
    verdicts = pd.DataFrame(
        {
            "item": once["item"].to_numpy(),
            "score": _values(scores[: len(rows)]),
            "confidence": [score.confidence for score in scores[: len(rows)]],
            "length": [sum(map(len, _texts(row["said"]))) for row in rows],
        }
    )
    if swap:
        verdicts["swapped"] = _values(scores[len(rows) :])
    if threshold is None and labelled["label"].nunique() == 2 and "levels" not in settings:
        scale = proposition.scale if isinstance(proposition, Proposition) else Proposition("-").scale
        threshold = (scale.low + scale.high) / 2
    kept = [name for name in ("item", "label", "rater", "cluster") if name in items]
    return quality_of(verdicts, items[kept], threshold=threshold, caveat=llm.caveat, **settings)


async def _score(judge: Judge, llm: LLM, row: dict[Any, Any], claim_first: bool) -> Score:
    name, proposition = _given(row.get("name")) or "the person", row["claim"]
    said = [
        Event(number, 1, START, "action", "TALK", name, "", text) for number, text in enumerate(_texts(row["said"]), 1)
    ]
    subject = Subject(name, _given(row.get("about")), said)
    return await judge.score(llm, subject, proposition, proposition.about(name=name), claim_first=claim_first)


def _given(value: Any) -> str:
    """Return a text of a table; nothing where it is missing."""
    return "" if is_missing(value) else str(value)


def _texts(said: Any) -> list[str]:
    texts = [said] if isinstance(said, str) else said
    if not isinstance(texts, list | tuple) or not texts or not all(isinstance(text, str) for text in texts):
        raise InvalidSettings(f"labelled: said={said!r}: a text or a list of texts is needed in every row")
    return list(texts)


def _values(scores: Sequence[Score]) -> list[float | None]:
    return [score.value for score in scores]


def _claims(labelled: pd.DataFrame, proposition: Proposition | str | None) -> list[Proposition]:
    if missing := [name for name in ("said", "label") if name not in labelled]:
        raise InvalidSettings(
            f"labelled: there is no column {', '.join(missing)}; there are {', '.join(map(str, labelled))}"
        )
    if "claim" in labelled:
        return [claim if isinstance(claim, Proposition) else Proposition(str(claim)) for claim in labelled["claim"]]
    if proposition is None:
        raise InvalidSettings("which claim is judged? Give a proposition, or a column `claim`")
    one = proposition if isinstance(proposition, Proposition) else Proposition(proposition)
    return [one] * len(labelled)
