"""`compare_to_human`: simulated answers held against human ones, as validity.md asks for."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.evaluation.human.codes import Codes, listed
from workbench.evaluation.human.margins import SPREAD, Margins
from workbench.evaluation.human.persons import compare_persons
from workbench.evaluation.human.questions import compare_question
from workbench.evaluation.human.reading import Answers, answers_of, frame_of, names_in
from workbench.evaluation.human.report import HumanComparison, report_of
from workbench.evaluation.human.resampling import Resampling
from workbench.evaluation.human.rows import Row
from workbench.evaluation.human.samples import Sample, sample_of
from workbench.evaluation.human.scales import Scales, check_scales, compare_scales
from workbench.evaluation.human.subgroups import Subgroup, attributes_of, same_people, subgroups_of, weights_of
from workbench.evaluation.human.surveyed import check_single, in_words, kinds_in, levels_in
from workbench.evaluation.human.told import Asked, Told, asked, with_codes
from workbench.evaluation.human.verdicts import Verdict, verdict_of, verdict_on_scale, with_persons

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def compare_to_human(
    simulated: pd.DataFrame | str | Path,
    human: pd.DataFrame | str | Path,
    *,
    statistic: str | Sequence[str] = "all",
    questions: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    codes: Mapping[str, Mapping[Any, Any]] | None = None,
    kind: str | Mapping[str, str] | None = None,
    levels: Mapping[str, Sequence[Any]] | None = None,
    scales: Scales | None = None,
    retest: Mapping[str, str] | None = None,
    weights: str | None = None,
    by: str | Sequence[str] = (),
    attributes: Sequence[str] = (),
    matched: bool | None = None,
    margin: float | Mapping[str, float] | None = None,
    spread: tuple[float, float] = SPREAD,
    n_resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> HumanComparison:
    """Hold simulated answers against human ones: distances between floors and a ceiling, and a verdict in words.

    Tables are tidy (a row an answer: person, question, answer, perhaps replicate) or wide (a row a person, a column a
    question, perhaps a column person). People are what is resampled: who answered more than once counts once.

    Args:
        simulated: a DataFrame, as `wb.ask` returns it, or the path of a CSV, TSV, Excel or Parquet file.
        human: the same of the humans.
        statistic: which statistics the table has; verdicts rest on all that they need.
        questions: which to compare; those that both tables have when not given.
        columns: column of the human table by the name that it is to have: `{"q1": "How likely ...", "person": "ID"}`.
        codes: what the codes of the human table stand for, by question or attribute: `{"q1": {1: "very unlikely"}}`.
        kind: nominal, ordinal, ranking or number, for all or by question; found and told in the report when not given.
        levels: all options in order, by question; of a number, the ends of its range.
        scales: items by scale, one that is reversed with a minus before it: `{"agreeableness": ["-A1", "A2"]}`.
        retest: the question or column of the human table where the same people answered again, by question.
        weights: the column, in either table or both, that says how much a person counts.
        by: attributes by whose levels people are compared again, as subgroups.
        attributes: of the humans, from which a logistic regression predicts their answers.
        matched: whether a person of the same name is the same person; when not given, where both tables have a column
            person and some are in both.
        margin: the largest difference that does not matter, for all or by question: a share of people (nominal,
            ranking; 0.1), a share of the scale's range (ordinal; 0.1, and at most half a human SD), or human SDs
            (number; 0.25). Their sources are in `margins.py`.
        spread: within which the ratio of standard deviations has to be.
        n_resamples: of the bootstrap.
        confidence: of the intervals.
        seed: of all that is drawn.

    Returns:
        the report: `table`, `verdict`, `verdicts`, `distributions`, `questions`, `plot()`, `to_markdown()`.

    Raises:
        InvalidSettings: tables that cannot be held against each other; says what does not match, and what to do.
    """
    how, margins = _resampling(n_resamples, confidence, seed), Margins(margin, spread)
    by = [by] if isinstance(by, str) else list(by)
    about = [*by, *attributes, *([weights] if weights else [])]
    decoding = {name: Codes(name, one) for name, one in (codes or {}).items()}
    told = Told(kind, levels or {}, decoding, retest or {})
    frames = frame_of(simulated, None, "simulated"), frame_of(human, columns, "human")
    names = _names(frames[0], frames[1], questions, [*about, *told.retest.values(), *in_words(frames[0])])
    told.check(names, about)
    margins.check(names)
    check_single(frames[0], names)
    told = told.beside(kinds_in(frames[0]), levels_in(frames[0]))
    sides = _sides(frames[0], frames[1], names, told, about)
    same = same_people(sides[0], sides[1], matched)
    weighing = weights_of(sides[0], sides[1], weights)
    study = _Study(how, margins, same, attributes_of(sides[1], attributes))
    groups = subgroups_of(sides[0], sides[1], by, same)
    read = {name: asked(name, sides[0], sides[1], told) for name in names}
    check_scales(scales or {}, {name: one.question for name, one in read.items()})
    sampled = {name: _Sampled.of(one, weighing) for name, one in read.items()}
    rows: list[Row] = []
    verdicts: list[Verdict] = []
    for group in groups:
        parts = {name: one.part(group) for name, one in sampled.items()}
        for found, verdict in [
            *(study.question(one, group) for one in parts.values()),
            *study.scales(scales or {}, parts, group),
        ]:
            rows.extend(replace(row, subgroup=group.name) for row in found)
            verdicts.append(replace(verdict, subgroup=group.name))
    return report_of(rows, verdicts, list(read.values()), how, statistic)


@dataclass(frozen=True, eq=False)
class _Sampled:
    """A question with the people who answered it."""

    asked: Asked
    simulated: Sample
    human: Sample
    retest: Sample | None

    @classmethod
    def of(cls, one: Asked, weighing: Sequence[pd.Series[float]]) -> _Sampled:
        again = sample_of(one.question, one.retest, weighing[1]) if one.retest is not None else None
        first, second = (
            sample_of(one.question, one.simulated, weighing[0]),
            sample_of(one.question, one.human, weighing[1]),
        )
        return cls(one, first, second, again)

    def part(self, group: Subgroup) -> _Sampled:
        return replace(self, simulated=group.of(self.simulated, 0), human=group.of(self.human, 1))


@dataclass(frozen=True, eq=False)
class _Study:
    """How all questions are compared."""

    how: Resampling
    margins: Margins
    same: bool
    attributes: pd.DataFrame | None

    def question(self, one: _Sampled, group: Subgroup) -> tuple[list[Row], Verdict]:
        question, sides = one.asked.question, (one.simulated, one.human)
        rng = self._rng(question.name, group)
        rows = compare_question(question, *sides, self.how, rng, self.margins)
        verdict = verdict_of(question, rows, self.margins, self.how.confidence)
        if not self.same:
            return rows, verdict
        met = compare_persons(question, *sides, self.how, rng, retest=one.retest, attributes=self.attributes)
        return [*rows, *met], with_persons(verdict, met) if met else verdict

    def scales(self, scales: Scales, parts: Mapping[str, _Sampled], group: Subgroup) -> list[tuple[list[Row], Verdict]]:
        questions = {name: one.asked.question for name, one in parts.items()}
        samples = {name: (one.simulated, one.human) for name, one in parts.items()}
        rows = compare_scales(scales, questions, samples, self.how, self._rng("scales", group))
        return [([row], verdict_on_scale(row)) for row in rows]

    def _rng(self, name: str, group: Subgroup) -> np.random.Generator:
        import numpy as np

        # Of names and not of places, so that one more question changes nothing of the others.
        return np.random.default_rng([self.how.seed, zlib.crc32(f"{name}\0{group.name}".encode())])


def _resampling(n_resamples: int, confidence: float, seed: int) -> Resampling:
    if n_resamples < 1:
        raise InvalidSettings(f"n_resamples {n_resamples!r}: give at least 1, better 1000 or more")
    if not 0.5 < confidence < 1:
        raise InvalidSettings(f"confidence {confidence!r}: give a share above 0.5 and below 1, such as 0.95")
    if seed < 0:
        raise InvalidSettings(f"seed {seed!r}: give 0 or more")
    return Resampling(n_resamples, confidence, seed)


def _names(
    simulated: pd.DataFrame, human: pd.DataFrame, questions: Sequence[str] | None, others: Sequence[str]
) -> list[str]:
    """Return the questions to compare: those named, or those that both tables have."""
    there = [names_in(simulated), names_in(human)]
    if questions is None:
        both = [name for name in there[0] if name in there[1] and name not in others]
        if not both:
            raise InvalidSettings(
                f"both tables have no question in common. Simulated: {listed(there[0])}. Human: {listed(there[1])}. "
                "Name the columns of the human table: columns={question: column}"
            )
        return both
    questions = [questions] if isinstance(questions, str) else list(dict.fromkeys(questions))
    if not questions:
        raise InvalidSettings("questions=[]: name at least one, or leave it out")
    for side, names in zip(("simulated", "human"), there, strict=True):
        if missing := [name for name in questions if name not in names]:
            raise InvalidSettings(f"the {side} table has no question {listed(missing)}; it has {listed(names)}")
    return questions


def _sides(
    simulated: pd.DataFrame, human: pd.DataFrame, names: Sequence[str], told: Told, about: Sequence[str]
) -> tuple[Answers, Answers]:
    again = list(told.retest.values())
    if missing := [name for name in again if name not in names_in(human)]:
        raise InvalidSettings(
            f"retest {listed(missing)}: the human table has no such question; it has {listed(names_in(human))}"
        )
    sides = answers_of(simulated, "simulated", names, about), answers_of(human, "human", [*names, *again], about)
    return with_codes(sides[0], about, told.codes), with_codes(sides[1], about, told.codes)
