"""What checks did to a run, read from its record: statistics, and pairs for preference training."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from workbench.errors import replaced_when_whole
from workbench.html import table
from workbench.llm.client import LLM
from workbench.record.events import Event

if TYPE_CHECKING:
    import pandas as pd

ATTEMPT = "ATTEMPT"
"""The type of the note that keeps an attempt."""
CORRECTION = "correction"
"""The purpose of the requests that make a turn again."""
_PURPOSES = ("check", CORRECTION)


class Run(Protocol):
    """A world or a person, as far as they are needed here."""

    @property
    def llm(self) -> LLM:
        """The model, whose meter has the cost."""

    def events(self) -> Iterable[Event]:
        """Return what has happened."""


@dataclass(frozen=True)
class CheckStatistics:
    """What checks did: figures over the turns that were checked."""

    turns: int
    attempts: float
    """A turn; the mean. NaN where no turn was checked, as all that follow."""
    passed_at_once: float
    """The share of turns whose first attempt passed."""
    passed: float
    """The share of turns of which an attempt passed."""
    score_before: float
    """The mean score, 0-9, of first attempts."""
    score_after: float
    """The mean score of the attempts that were taken; turns in which the person then did nothing are left out."""
    calls: int
    """That judging and correcting took."""
    tokens: int
    usd: float
    """NaN where the model's price is not known."""
    by_criterion: pd.DataFrame
    """One row a criterion: passed_at_once, passed_after, score_before, score_after."""

    def __str__(self) -> str:
        usd = "price not known" if math.isnan(self.usd) else f"${self.usd:.4f}"
        cost = f"{self.calls} calls, {self.tokens:,} tokens, {usd}"
        if not self.turns:
            return f"no turn checked; {cost}"
        return (
            f"{self.turns} turns checked, {self.attempts:.2f} attempts each; {self.passed_at_once:.0%} passed at once, "
            f"{self.passed:.0%} in the end; score {self.score_before:.2f} before, {_shown(self.score_after)} after; "
            f"{cost}"
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = [(name, *map(_shown, row)) for name, *row in self.by_criterion.itertuples(index=False)]
        return f"<p>{self}</p>" + table(list(self.by_criterion.columns), rows)


def statistics(run: Run) -> CheckStatistics:
    """Return what checks did to a run: pass rates, attempts, scores before and after, cost.

    Args:
        run: a world that was run with `checks=`, or a person with checks of their own.
    """
    import pandas as pd

    turns = list(_turns(run.events()))
    firsts, kept = [turn[0] for turn in turns], [a for turn in turns for a in turn if a["kept"]]
    rows = []
    for name in dict.fromkeys(name for turn in turns for attempt in turn for name in attempt["scores"]):
        before, after = _scores(firsts, name), _scores(kept, name)
        passing = [_threshold_met(attempts, name) for attempts in (firsts, kept)]
        rows.append((name, *passing, _mean(before), _mean(after)))
    columns = ["criterion", "passed_at_once", "passed_after", "score_before", "score_after"]
    cost = run.llm.meter.to_frame(by=["purpose", "person"])
    of_one = cost["person"] == getattr(run, "name", "") if hasattr(run, "persona") else True
    cost = cost[cost["purpose"].isin(_PURPOSES) & of_one]
    return CheckStatistics(
        turns=len(turns),
        attempts=_mean([len(turn) for turn in turns]),
        passed_at_once=_mean([attempt["passed"] for attempt in firsts]),
        passed=_mean([any(attempt["passed"] for attempt in turn) for turn in turns]),
        score_before=_mean([attempt["score"] for attempt in firsts]),
        score_after=_mean([attempt["score"] for attempt in kept]),
        calls=int(cost["calls"].sum()),
        tokens=int(cost["prompt_tokens"].sum() + cost["completion_tokens"].sum()),
        usd=float(cost["usd"].sum(skipna=False)),
        by_criterion=pd.DataFrame(rows, columns=columns),
    )


def write_preferences(run: Run, path: str | Path) -> int:
    """Write pairs for preference training (DPO; Rafailov et al. 2023, arXiv 2305.18290) as JSONL.

    Each line has `prompt` (messages), `chosen` and `rejected` (each one assistant message): the turn that passed, and
    one that did not. Turns of which no attempt passed, and those that passed at once, give none.

    Args:
        run: a world that was run with `checks=`, or a person with checks of their own.
        path: the file, replaced only when all is written.

    Returns:
        how many pairs were written.
    """
    lines = [json.dumps(pair, ensure_ascii=False) for turn in _turns(run.events()) for pair in _pairs(turn)]
    target = Path(path)
    with replaced_when_whole(target, "the preferences") as temporary:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return len(lines)


def _pairs(turn: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    chosen = next((attempt for attempt in turn if attempt["passed"] and _says_something(attempt)), None)
    if chosen is None:
        return
    for attempt in turn:
        if not attempt["passed"]:
            yield {
                "prompt": turn[0]["prompt"],
                "chosen": [_message(chosen)],
                "rejected": [_message(attempt)],
            }


def _says_something(attempt: dict[str, Any]) -> bool:
    return any(action.get("content", "").strip() for action in attempt["answer"]["actions"])


def _message(attempt: dict[str, Any]) -> dict[str, str]:
    return {"role": "assistant", "content": json.dumps(attempt["answer"], ensure_ascii=False)}


def _turns(events: Iterable[Event]) -> Iterator[list[dict[str, Any]]]:
    """Yield the attempts of each turn, in order; those of one turn follow each other.

    In a world, those of a life before it are left out.
    """
    turn: list[dict[str, Any]] = []
    events = list(events)
    in_world = any(event.step for event in events)
    for event in (event for event in events if event.step or not in_world):
        if event.kind == "note" and event.type == ATTEMPT:
            turn.append(json.loads(event.content))
            if len(turn) == turn[-1]["of"]:
                yield turn
                turn = []


def _scores(attempts: Iterable[dict[str, Any]], name: str) -> list[float]:
    return [attempt["scores"][name]["score"] for attempt in attempts if name in attempt["scores"]]


def _threshold_met(attempts: Iterable[dict[str, Any]], name: str) -> float:
    given = [attempt["scores"][name] for attempt in attempts if name in attempt["scores"]]
    return _mean([score["passed"] for score in given])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def _shown(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"
