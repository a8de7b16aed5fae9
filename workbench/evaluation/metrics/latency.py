"""How long people take to answer, in steps and in simulated time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.evaluation.metrics.rows import Row, mean_row, median_row
from workbench.evaluation.metrics.sources import MeasuredRun
from workbench.evaluation.metrics.turns import is_talk
from workbench.record.events import Event


@dataclass(frozen=True)
class Address:
    """Somebody was addressed, and perhaps answered."""

    person: str
    """Who was addressed."""
    question: Event
    answer: Event | None = None

    @property
    def steps(self) -> int:
        """How many steps the answer took."""
        return self.answer.step - self.question.step if self.answer else 0

    @property
    def minutes(self) -> float:
        """How many simulated minutes the answer took."""
        return (self.answer.time - self.question.time).total_seconds() / 60 if self.answer else 0.0


def addresses_of(run: MeasuredRun) -> list[Address]:
    """Return who was addressed, by whom, and when they answered.

    Somebody is addressed by talk, or by somebody who reaches out, that names them as its target; and by what is said to
    all from outside, by the researcher or a moderator. They answer with their first talk thereafter to the one who
    addressed them, or to all; whoever spoke from outside is answered by any talk. To be addressed again before that is
    not counted again. Whether the address was heard is not looked at: nobody out of reach answers.
    """
    known = set(run.people)
    waiting: dict[tuple[str, str], Event] = {}
    answered: list[Address] = []
    for event in run.events:
        if is_talk(event) and event.source in known:
            for person, asker in [pair for pair in waiting if pair[0] == event.source]:
                heard = run.heard_before(waiting[person, asker], event)
                if heard and (event.target in ("", asker) or asker not in known):
                    answered.append(Address(person, waiting.pop((person, asker)), event))
        for person in _addressed(event, run.people, known):
            waiting.setdefault((person, event.source), event)
    return [*answered, *(Address(person, question) for (person, _), question in waiting.items())]


def _addressed(event: Event, people: Sequence[str], known: set[str]) -> Sequence[str]:
    said = is_talk(event) or (event.kind, event.type) == ("action", "REACH_OUT")
    told = (event.kind, event.type) == ("stimulus", "CONVERSATION")
    if not (said or told) or event.target == event.source != "":
        return ()
    if event.target:
        return (event.target,) if event.target in known else ()
    return people if told and event.source not in known else ()


def latency_rows(run: MeasuredRun) -> Iterator[Row]:
    """Yield mean and median steps and simulated minutes from being addressed to answering, and the share unanswered."""
    every = addresses_of(run)
    own: dict[str, list[Address]] = {name: [] for name in run.people}
    for address in every:
        own[address.person].append(address)
    for name, addresses in {"": every, **own}.items():
        answers = [address for address in addresses if address.answer]
        missing = "was never addressed" if name else "nobody was addressed"
        late = "never answered" if name else "nobody answered"
        for unit, values in (("steps", [one.steps for one in answers]), ("minutes", [one.minutes for one in answers])):
            yield mean_row(f"answer_{unit}_mean", name, values, late if addresses else missing)
            yield median_row(f"answer_{unit}_median", name, values, late if addresses else missing)
        share = 1 - len(answers) / len(addresses) if addresses else math.nan
        yield Row("unanswered", name, share, len(addresses), "" if addresses else missing)
