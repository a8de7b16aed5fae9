"""The answers to one question as numbers that can be averaged: a row a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.evaluation.human.codes import Answer, number
from workbench.evaluation.human.kinds import Question
from workbench.evaluation.human.rankings import ranks_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Sample:
    """What people said, so that every statistic is one of the weighted means over people.

    A person who answered more than once is the mean of their answers, so that they count once.
    """

    people: tuple[str, ...]
    rows: Any
    """A sparse array, a row a person: the share of each option; of a ranking, the ranks and then the first choices."""
    weights: Numbers

    @property
    def n(self) -> int:
        """The number of people."""
        return len(self.people)

    @property
    def effective_n(self) -> float:
        """The number of people who would tell as much if all weighed the same (Kish 1965)."""
        return float(self.weights.sum() ** 2 / (self.weights**2).sum()) if self.n else 0.0

    @property
    def weighted(self) -> bool:
        """Whether some weigh more than others."""
        return self.n > 1 and float(self.weights.max()) > float(self.weights.min())

    @property
    def means(self) -> Numbers:
        """The weighted mean of each column."""
        import numpy as np

        return np.asarray((self.weights @ self.rows) / self.weights.sum())

    def of(self, people: Sequence[str]) -> Sample:
        """Return the sample of those who are in a list, in its order."""
        place_of = {person: place for place, person in enumerate(self.people)}
        places = [place_of[person] for person in people if person in place_of]
        return Sample(tuple(self.people[place] for place in places), self.rows[places], self.weights[places])


def sample_of(question: Question, answers: pd.DataFrame, weights: pd.Series[float]) -> Sample:
    """Return the sample of the answers to a question.

    Args:
        question: what it is.
        answers: a row an answer: person, answer.
        weights: by person; those who weigh nothing are left out.
    """
    import numpy as np
    from scipy.sparse import csr_array

    weight_of = weights.to_dict()
    there = [weight_of[person] > 0 for person in answers["person"]]
    persons = answers["person"][there].tolist()
    people = tuple(dict.fromkeys(persons))
    place_of = {person: place for place, person in enumerate(people)}
    owners = np.array([place_of[person] for person in persons], dtype=np.intp)
    share = 1 / np.maximum(np.bincount(owners, minlength=len(people)), 1)[owners]
    of_answers = _rows(question, answers["answer"][there].tolist())
    whose = csr_array((share, (owners, np.arange(len(owners)))), shape=(len(people), len(owners)))
    return Sample(people, csr_array(whose @ of_answers), np.array([weight_of[one] for one in people], dtype=float))


def _rows(question: Question, answers: Sequence[Answer]) -> Any:
    """Return a row an answer."""
    import numpy as np
    from scipy.sparse import csr_array

    k = len(question.options)
    if question.kind == "ranking":
        rows = np.zeros((len(answers), 2 * k))
        for row, answer in zip(rows, answers, strict=True):
            ranked = answer if isinstance(answer, tuple) else ()
            row[:k] = ranks_of(ranked, question.options)
            if ranked:
                row[k + question.options.index(ranked[0])] = 1
        return csr_array(rows)
    if question.kind == "number":
        place_of: dict[Any, int] = {option: place for place, option in enumerate(question.options)}
        places = np.array([place_of[number(answer)] for answer in answers], dtype=np.intp)
    else:
        place_of = {option: place for place, option in enumerate(question.options)}
        places = np.array([place_of[answer] for answer in answers], dtype=np.intp)
    return csr_array((np.ones(len(places)), (np.arange(len(places)), places)), shape=(len(places), k))
