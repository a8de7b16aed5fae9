"""All questions and scales, in all subgroups."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.evaluation.human.margins import Margins
from workbench.evaluation.human.persons import compare_persons
from workbench.evaluation.human.questions import compare_question
from workbench.evaluation.human.resampling import Resampling
from workbench.evaluation.human.rows import Row
from workbench.evaluation.human.samples import Sample, sample_of
from workbench.evaluation.human.scales import Scales, check_scales, compare_scales
from workbench.evaluation.human.subgroups import Subgroup
from workbench.evaluation.human.told import Asked
from workbench.evaluation.human.verdicts import Verdict, verdict_of, verdict_on_scale, with_persons

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True, eq=False)
class _Sampled:
    """A question with the people who answered it."""

    asked: Asked
    simulated: Sample
    human: Sample
    retest: Sample | None

    @classmethod
    def of(cls, one: Asked, weighing: Sequence[pd.Series[float]]) -> _Sampled:
        first = sample_of(one.question, one.simulated, weighing[0])
        second = sample_of(one.question, one.human, weighing[1])
        again = sample_of(one.question, one.retest, weighing[1]) if one.retest is not None else None
        return cls(one, first, second, again)

    def part(self, group: Subgroup) -> _Sampled:
        return replace(self, simulated=group.of(self.simulated, 0), human=group.of(self.human, 1))


@dataclass(frozen=True, eq=False)
class Study:
    """How all questions are compared."""

    how: Resampling
    margins: Margins
    same: bool
    """Whether a person of the same name is the same person."""
    attributes: pd.DataFrame | None
    """Of the humans, from which a logistic regression predicts answers."""
    scales: Scales

    def compare(
        self, asked: Sequence[Asked], groups: Sequence[Subgroup], weighing: Sequence[pd.Series[float]]
    ) -> tuple[list[Row], list[Verdict]]:
        """Return all statistics and verdicts.

        Args:
            asked: questions as both sides answered them.
            groups: of people.
            weighing: what simulated and human people weigh.

        Raises:
            InvalidSettings: a scale that cannot be added up.
        """
        check_scales(self.scales, {one.question.name: one.question for one in asked})
        sampled = {one.question.name: _Sampled.of(one, weighing) for one in asked}
        rows: list[Row] = []
        verdicts: list[Verdict] = []
        for group in groups:
            for found, verdict in self._in_group({name: one.part(group) for name, one in sampled.items()}, group):
                rows.extend(replace(row, subgroup=group.name) for row in found)
                verdicts.append(replace(verdict, subgroup=group.name))
        return rows, verdicts

    def _in_group(self, parts: Mapping[str, _Sampled], group: Subgroup) -> Iterator[tuple[list[Row], Verdict]]:
        for one in parts.values():
            yield self._question(one, group)
        questions = {name: one.asked.question for name, one in parts.items()}
        samples = {name: (one.simulated, one.human) for name, one in parts.items()}
        for row in compare_scales(self.scales, questions, samples, self.how, self._rng("scales", group)):
            yield [row], verdict_on_scale(row)

    def _question(self, one: _Sampled, group: Subgroup) -> tuple[list[Row], Verdict]:
        question, sides = one.asked.question, (one.simulated, one.human)
        rng = self._rng(question.name, group)
        rows = compare_question(question, *sides, self.how, rng, self.margins)
        verdict = verdict_of(question, rows, self.margins, self.how.confidence)
        if not self.same:
            return rows, verdict
        met = compare_persons(question, *sides, self.how, rng, retest=one.retest, attributes=self.attributes)
        return [*rows, *met], with_persons(verdict, met) if met else verdict

    def _rng(self, name: str, group: Subgroup) -> np.random.Generator:
        import numpy as np

        # Of names and not of places, so that one more question changes nothing of the others.
        return np.random.default_rng([self.how.seed, zlib.crc32(f"{name}\0{group.name}".encode())])
