"""Runs of these tests, written as who says what in which step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import numpy as np

from workbench.evaluation.metrics.measuring import measure
from workbench.evaluation.metrics.report import RunMetrics
from workbench.evaluation.metrics.sources import read_run
from workbench.evaluation.metrics.turns import turns_of
from workbench.record.events import START, Event

Said = list[tuple[Any, ...]]


def said(step: int, /, **words: str) -> Said:
    """What each says to all in a step; `Ann_to_Bob` says it to one."""
    rows = [(step, *name.partition("_to_")[::2], text) for name, text in words.items()]
    return [(step, source, target, text, "action", "TALK") for step, source, target, text in rows]


def told(step: int, text: str, *, to: str = "", by: str = "") -> Said:
    """What is said from outside."""
    return [(step, by, to, text, "stimulus", "CONVERSATION")]


def events_of(*steps: Iterable[tuple[Any, ...]]) -> list[Event]:
    """The events, numbered from 1; a step is ten simulated minutes."""
    rows = [row for step in steps for row in step]
    return [
        Event(number, step, START + timedelta(minutes=10 * step), kind, type_, source, target, text)
        for number, (step, source, target, text, kind, type_) in enumerate(rows, start=1)
    ]


async def measured(*steps: Iterable[tuple[Any, ...]], meaning: bool = False, **options: Any) -> RunMetrics:
    """What is measured of a run; by words alone unless the options say otherwise."""
    return await measure(events_of(*steps), meaning=meaning, **options)


def by_step(run: RunMetrics, metric: str) -> Mapping[int, float]:
    """The figures of a metric by step."""
    rows = run.by_step[run.by_step["metric"] == metric]
    return dict(zip(rows["step"].tolist(), rows["value"].tolist(), strict=True))


def talk_of(*steps: Iterable[tuple[Any, ...]]) -> list[str]:
    """The texts of the turns of a run."""
    return [turn.text for turn in turns_of(read_run(events_of(*steps)))]


class Meanings:
    """What `measure` wants of an `LLM`: the meaning of each text, as an angle by its first word."""

    def __init__(self, **degrees: float) -> None:
        self.degrees = degrees
        self.asked: list[list[str]] = []

    async def embed(self, texts: list[str], *, purpose: str) -> np.ndarray:
        self.asked.append(list(texts))
        angles = np.radians([self.degrees.get(text.split()[0].strip("."), 0.0) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)
