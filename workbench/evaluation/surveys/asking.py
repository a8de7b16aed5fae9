"""`ask`: people answer a survey, and all answers are a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, get_args

from workbench.agents.person import Person
from workbench.errors import InvalidSettings
from workbench.evaluation.surveys.anchors import anchors_of
from workbench.evaluation.surveys.elicitation import Elicited, Method, elicit
from workbench.evaluation.surveys.putting import Put, known_to
from workbench.evaluation.surveys.questions import Code, Question
from workbench.evaluation.surveys.scales import Likert, Matrix
from workbench.evaluation.surveys.survey import Section, Survey, piped
from workbench.llm.client import LLM
from workbench.llm.meter import Budget
from workbench.llm.running import together
from workbench.llm.seeds import derive_seed
from workbench.populations.drawing import whole_number

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("person", "replicate", "question", "kind", "answer", "reason", "probabilities", "order", "events"),
    *("method", "missing", "note", "weight", "call"),
)
AT_ONCE = 256
"""People who are under way at once."""
SKIPPED = "skipped"
"""Why there is no answer where `ask_if` did not hold."""
UNANSWERED = "(no answer)"
"""What is piped where there is none."""


async def ask(
    people: Person | Sequence[Person],
    survey: Survey | Question | Sequence[Question | Section],
    *,
    method: Method = "answer",
    context: str = "",
    replicates: int = 1,
    seed: int = 0,
    llm: LLM | None = None,
    budget: Budget | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Ask people a survey. A twin of each answers, so that nobody knows of it; all answer at once.

    Args:
        people: who are asked, such as a `Population`.
        survey: a `Survey`, a question, or several.
        method: how an answer is got:

            - `answer`: it is asked for, with the reason. One request a question.
            - `follow_up`: first words, then the answer. Two requests.
            - `probability`: how likely each option is, from the probabilities of the model's tokens, or as stated in
              per cent where an endpoint gives none; then a draw by the seed. For `Likert` and `Choice`.
            - `similarity`: words, which are compared with anchor sentences for each point of the scale; then a draw
              by the seed (semantic similarity rating, https://arxiv.org/abs/2510.08338). For `Likert`.

            Questions that a method is not for are asked plainly; the column `method` says so.
        context: what everybody is told before the first question, such as a product's description.
        replicates: how often each person answers; each is another draw.
        seed: of the orders in which options are shown, the requests, and the draws.
        llm: the model; that which each person thinks with when not given.
        budget: what may be spent.
        progress: whether a bar is shown.

    Returns:
        a DataFrame, one row a person, replicate and question (of a `Matrix` one a statement, `question.row`): person,
        replicate, question, kind, answer (a code, a number, a text, or a list of codes; None where it is missing),
        reason, probabilities (by code), order (of the codes as they were shown), events (that the answer rests on),
        method, missing (why there is no answer: `skipped`, or what could not be read), note, weight, call.

    Raises:
        InvalidSettings: people or questions that are none, two people of one name, an unknown method, no anchors where
            the method needs them, or an `ask_if` that fails.
        ModelError: the model could not be asked.
        BudgetSpent: the next request could break the budget; what was answered is in the call cache.
    """
    import pandas as pd
    from tqdm.auto import tqdm

    asked, seed = _people(people), whole_number(seed, "seed", least=-(2**63))
    questions, replicates = Survey.of(survey), whole_number(replicates, "replicates", least=1)
    _check(method, questions)
    views: dict[int, LLM] = {}
    weights = dict(getattr(people, "weights", {}))
    with tqdm(total=len(asked) * replicates, desc="survey", unit="person", disable=not progress) as bar:

        async def sit(person: Person, replicate: int) -> list[dict[str, Any]]:
            model = llm or person.llm
            view = views.setdefault(id(model), model.metered(budget))
            sitting = _Sitting(person.twin(), questions, view, method, context, replicate, seed)
            rows = await sitting.rows()
            bar.set_postfix_str(view.meter.brief, refresh=False)
            bar.update(1)
            mine = {"person": person.name, "replicate": replicate, "weight": weights.get(person.name, 1.0)}
            return [mine | row for row in rows]

        sittings = (sit(person, replicate) for person in asked for replicate in range(replicates))
        rows = await together(sittings, at_once=AT_ONCE)
    together_rows = [row for of_one in rows for row in of_one]
    answers = pd.Series([row["answer"] for row in together_rows], dtype=object)
    return pd.DataFrame(together_rows, columns=list(COLUMNS)).assign(answer=answers)


@dataclass(eq=False)
class _Sitting:
    """One person, who answers a survey once."""

    person: Person
    survey: Survey
    llm: LLM
    method: Method
    context: str
    replicate: int
    seed: int
    answers: dict[str, Any] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    """Answers in words."""
    earlier: list[tuple[str, str]] = field(default_factory=list)

    async def rows(self) -> list[dict[str, Any]]:
        """Ask all questions, and return a row for each."""
        rows: list[dict[str, Any]] = []
        for section, question in self.survey.asked:
            if reason := self._skipping(question):
                rows += self._skipped(question, reason)
                continue
            put = await self._put(section, question)
            seed = derive_seed(self.seed, "survey", self.person.name, question.name)
            found = await elicit(put, self.llm, self.method, seed=seed, sample=self.replicate)
            self._remember(put, found)
            rows += _rows(question, put.order, found)
        return rows

    async def _put(self, section: Section | None, question: Question) -> Put:
        text = piped(question.text, question.name, self.person.name, self.told)
        chance = Random(derive_seed(self.seed, "order", self.person.name, question.name, self.replicate))  # noqa: S311
        order = question.order(chance)
        parts = [self.context, self.survey.introduction]
        parts += [section.title, section.introduction] if section else []
        told = "\n\n".join(piped(part, "introduction", self.person.name, self.told) for part in parts if part)
        scene = await known_to(self.person, self.llm, text)
        return Put(scene, question, text, order, told, tuple(self.earlier) if self.survey.remember else ())

    def _skipping(self, question: Question) -> str:
        """Return why a question is skipped; nothing where it is asked.

        Raises:
            InvalidSettings: its condition fails, and no answer is missing that it may fail for.
        """
        if question.ask_if is None:
            return ""
        try:
            return "" if question.ask_if(dict(self.answers)) else SKIPPED
        except Exception as error:
            if missing := [name for name, answer in self.answers.items() if answer is None]:
                return f"{SKIPPED}: {', '.join(missing)} has no answer"
            raise InvalidSettings(
                f"{question.name}: its ask_if failed on the answers of {self.person.name}: {error!r}; there are "
                f"{', '.join(self.answers) or 'none'}"
            ) from error

    def _skipped(self, question: Question, reason: str) -> list[dict[str, Any]]:
        self.answers[question.name], self.told[question.name] = None, UNANSWERED
        return _rows(question, (), Elicited(missing=reason))

    def _remember(self, put: Put, found: Elicited) -> None:
        name, question = put.question.name, put.question
        self.answers[name] = found.value
        self.told[name] = UNANSWERED if found.missing else question.say(found.value)
        if not found.missing:
            self.earlier.append((put.text, self.told[name]))


def _rows(question: Question, order: Sequence[Code], found: Elicited) -> list[dict[str, Any]]:
    """Return the rows of an answer: one, or of a matrix one a statement."""
    row = {name: value for name, value in vars(found).items() if name in COLUMNS}
    row |= {"question": question.name, "kind": question.kind, "order": list(order), "events": list(found.events)}
    if not isinstance(question, Matrix):
        return [row | {"answer": found.value}]
    values: Mapping[Code, Any] = found.value or dict.fromkeys(question.rows)
    return [row | {"question": f"{question.name}.{code}", "answer": values[code]} for code in question.rows]


def _people(given: Any) -> list[Person]:
    people = [given] if isinstance(given, Person) else list(given)
    if odd := [one for one in people if not isinstance(one, Person)]:
        raise InvalidSettings(f"{odd[0]!r} is nobody who can be asked: give people")
    names = [person.name for person in people]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidSettings(f"two people are called {twice!r}: answers are kept by names: give each one of their own")
    if not people:
        raise InvalidSettings("nobody is asked: give people")
    return people


def _check(method: Any, survey: Survey) -> None:
    if method not in get_args(Method):
        raise InvalidSettings(f"method={method!r}: it is one of {', '.join(get_args(Method))}")
    for question in survey if method == "similarity" else ():
        if isinstance(question, Likert):
            anchors_of(question)
