"""`compare_to_human`: simulated answers held against human ones, as validity.md asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.evaluation.human.codes import Codes, listed
from workbench.evaluation.human.margins import SPREAD, Margins
from workbench.evaluation.human.reading import Answers, answers_of, frame_of, names_in
from workbench.evaluation.human.report import HumanComparison, report_of
from workbench.evaluation.human.resampling import Resampling
from workbench.evaluation.human.scales import Scales
from workbench.evaluation.human.study import Study
from workbench.evaluation.human.subgroups import attributes_of, same_people, subgroups_of, weights_of
from workbench.evaluation.human.surveyed import check_single, in_words, kinds_in, levels_in, ordered_in
from workbench.evaluation.human.told import Told, asked, with_codes

if TYPE_CHECKING:
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
    told = Told(kind, levels or {}, {name: Codes(name, one) for name, one in (codes or {}).items()}, retest or {})
    frames = frame_of(simulated, None, "simulated"), frame_of(human, columns, "human")
    names = _names(frames[0], frames[1], questions, [*about, *told.retest.values(), *in_words(frames[0])])
    told.check(names, about)
    margins.check(names)
    check_single(frames[0], names)
    found = ordered_in(frames[0]) | ordered_in(frames[1]) | levels_in(frames[0])
    told = told.beside(kinds_in(frames[0]), {name: found[name] for name in names if name in found})
    sides = _sides(frames[0], frames[1], names, told, about)
    same = same_people(sides[0], sides[1], matched)
    groups = subgroups_of(sides[0], sides[1], by, same)
    read = [asked(name, sides[0], sides[1], told) for name in names]
    study = Study(how, margins, same, attributes_of(sides[1], attributes), scales or {})
    rows, verdicts = study.compare(read, groups, weights_of(sides[0], sides[1], weights))
    return report_of(rows, verdicts, read, how, statistic)


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
