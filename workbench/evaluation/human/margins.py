"""How far apart two sides may be and still be as good as equal. Researchers choose; these are the defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.errors import InvalidSettings
from workbench.evaluation.human.kinds import Question

MOVED = 0.15
"""Of people who would have to answer otherwise: a similarity of 0.85, which the best elicitation is reported to reach
(arXiv 2510.08338, of the cumulated shares)."""
TENTH = 0.1
"""Of a scale's range, or of the ranks between first and last: a choice, 0.4 points of a scale from 1 to 5."""
HALF_SD = 0.5
"""Of the humans: the smallest difference that people notice (Norman, Sloan and Wyrwich 2003,
doi:10.1097/01.MLR.0000062554.74615.4C). The margin of a scale is never above it, or a narrow scale would hide all."""
QUARTER_SD = 0.25
"""Of the humans, for numbers, which have no range: the largest difference at which two groups count as alike (What
Works Clearinghouse, Procedures and Standards Handbook 5.0, baseline equivalence)."""
SPREAD = (0.8, 1.25)
"""Within which a ratio counts as one of equals: the 80/125 rule of bioequivalence (Schuirmann 1987)."""


@dataclass(frozen=True)
class Margins:
    """The largest differences that do not matter."""

    told: float | Mapping[str, float] | None = None
    """By question or for all: a share of people (nominal, ranking), of the scale's range (ordinal), of human SDs
    (number)."""
    spread: tuple[float, float] = SPREAD
    """Within which the ratio of SDs has to be."""

    def check(self, questions: list[str]) -> None:
        """Refuse margins that cannot be.

        Raises:
            InvalidSettings: a margin that is not above 0, of a question that is not there, or a spread without 1.
        """
        told = self.told if isinstance(self.told, Mapping) else {} if self.told is None else {"all": self.told}
        for name, margin in told.items():
            if not (margin > 0 and math.isfinite(margin)):
                raise InvalidSettings(
                    f"margin {margin!r} of {name!r}: give the largest difference that does not matter"
                )
        if isinstance(self.told, Mapping) and (unknown := set(told) - set(questions)):
            raise InvalidSettings(f"margins of questions that are not compared: {', '.join(sorted(unknown))}")
        if not 0 < self.spread[0] < 1 < self.spread[1]:
            raise InvalidSettings(f"spread {self.spread!r}: give a ratio below 1 and one above, such as {SPREAD}")

    def of(self, question: Question, human_sd: float, statistic: str = "") -> float:
        """Return the margin of a distance that a verdict rests on, in its unit.

        Args:
            question: what it is.
            human_sd: the spread of the humans' answers, in points; NaN where there is none.
            statistic: which distance, where a question has two.
        """
        told = self.told.get(question.name) if isinstance(self.told, Mapping) else self.told
        if told is not None:
            return told
        if question.kind == "number":
            return QUARTER_SD
        if question.kind == "nominal" or statistic == "first_choice_variation":
            return MOVED
        if question.kind == "ordinal" and human_sd > 0 and question.span > 0:
            return min(TENTH, HALF_SD * human_sd / question.span)
        return TENTH

    def in_points(self, question: Question, human_sd: float) -> float:
        """Return the margin of the mean difference, in points of the scale."""
        return self.of(question, human_sd) * (human_sd if question.kind == "number" else question.span)
