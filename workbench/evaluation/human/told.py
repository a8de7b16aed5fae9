"""What a researcher tells of the questions, and each question read by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.evaluation.human.codes import Codes, listed, plain
from workbench.evaluation.human.kinds import Question, as_rankings, describe, in_numbers
from workbench.evaluation.human.reading import Answers, objects

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Told:
    """What is told of questions, by name; the rest is found."""

    kinds: str | Mapping[str, str] | None
    levels: Mapping[str, Sequence[Any]]
    codes: Mapping[str, Codes]
    retest: Mapping[str, str]

    def check(self, questions: Sequence[str], attributes: Sequence[str]) -> None:
        """Refuse what is told of questions that are not compared.

        Raises:
            InvalidSettings: names all of them.
        """
        kinds = self.kinds if isinstance(self.kinds, Mapping) else {}
        told = {"kind": kinds, "levels": self.levels, "codes": self.codes, "retest": self.retest}
        for what, by_name in told.items():
            there = [*questions, *attributes] if what == "codes" else questions
            if unknown := [name for name in by_name if name not in there]:
                raise InvalidSettings(
                    f"{what} of {listed(unknown)}: no such question is compared; there are {listed(there)}"
                )

    def beside(self, kinds: Mapping[str, str], levels: Mapping[str, Sequence[Any]]) -> Told:
        """Return what is told beside what the survey says; what is told counts more."""
        found = self.kinds if isinstance(self.kinds, str) else {**kinds, **(self.kinds or {})}
        of_others = {name: one for name, one in levels.items() if name not in self.codes}
        return replace(self, kinds=found, levels={**of_others, **self.levels})

    def kind_of(self, question: str) -> str | None:
        """Return the kind that is told of a question."""
        return self.kinds.get(question) if isinstance(self.kinds, Mapping) else self.kinds


@dataclass(frozen=True, eq=False)
class Asked:
    """A question with the answers of both sides that are there: a row an answer, person and answer."""

    question: Question
    simulated: pd.DataFrame
    human: pd.DataFrame
    retest: pd.DataFrame | None
    missing: tuple[int, int]
    """Answers that are not there, of each side."""


def asked(name: str, simulated: Answers, human: Answers, told: Told) -> Asked:
    """Return a question as both sides answered it, in the same words.

    Args:
        name: of the question.
        simulated: all answers of that side.
        human: all answers of the other.
        told: of the questions.

    Raises:
        InvalidSettings: codes or options do not match; lists both sides.
    """
    import pandas as pd

    again = told.retest.get(name)
    tables = [simulated.to(name), human.to(name), human.to(again) if again else human.to(name).head(0)]
    answers = [list(table["answer"]) for table in tables]
    sides = ("simulated", "human", "human")
    codes, kind = told.codes.get(name), told.kind_of(name)
    if kind == "ranking" or any(isinstance(one, tuple) for side in answers for one in side):
        answers = [as_rankings(side) for side in answers]
    if codes is not None:
        answers = [codes.decoded(values, side) for values, side in zip(answers, sides, strict=True)]
    levels = told.levels.get(name)
    answers, levels = _in_numbers(answers, levels)
    both = [[one for one in side if one is not None] for side in (answers[0], [*answers[1], *answers[2]])]
    question = describe(name, both[0], both[1], kind=kind, levels=levels, codes=codes)
    found = [
        pd.DataFrame({"person": table["person"].to_numpy(), "answer": objects(values, None)})
        for table, values in zip(tables, answers, strict=True)
    ]
    found = [table.loc[[one is not None for one in table["answer"]]] for table in found]
    missing = tuple(one.asked(name) - len(table) for one, table in zip((simulated, human), found, strict=False))
    return Asked(question, found[0], found[1], found[2] if again else None, (missing[0], missing[1]))


def _in_numbers(answers: list[list[Any]], levels: Sequence[Any] | None) -> tuple[list[list[Any]], Sequence[Any] | None]:
    """Return answers and levels as numbers, where all are."""
    everything = [in_numbers(values) for values in (*answers, [plain(level) for level in levels or ()])]
    if any(values is None for values in everything):
        return answers, levels
    *values, ends = [one for one in everything if one is not None]
    return values, ends if levels is not None else None


def decoded_attribute(people: pd.DataFrame, name: str, codes: Codes | None, side: str) -> list[Any]:
    """Return what people have of an attribute, as plain values: decoded, where it has codes."""
    values = [plain(value) for value in people[name].astype(object)]
    return codes.decoded(values, side) if codes is not None else values


def with_codes(answers: Answers, names: Sequence[str], codes: Mapping[str, Codes]) -> Answers:
    """Return answers with attributes of people decoded, where they have codes."""
    people = answers.people.copy()
    for name in names:
        if name in people.columns and name in codes:
            people[name] = decoded_attribute(people, name, codes[name], answers.side)
    return replace(answers, people=people)
