"""What kind of question each is, and the options that an answer to it can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from workbench.errors import InvalidSettings
from workbench.evaluation.human.codes import Answer, Codes, listed, number, order, plain

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]

Kind = Literal["nominal", "ordinal", "ranking", "number"]
KINDS = get_args(Kind)
MOST_POINTS = 11
"""Of a scale that is found and not told: from 0 to 10."""
MOST_OPTIONS = 50
"""Different texts up to which they are taken for options, and not for answers in words of one's own."""
_GRID = 101
"""Even places between the humans' ends among which uniform random numbers are drawn."""


@dataclass(frozen=True)
class Question:
    """A question that both sides answered."""

    name: str
    kind: Kind
    options: tuple[Answer, ...]
    """In order, where they have one; of a number, all that were given and even places between."""
    note: str = ""
    """How kind and options were found, where they were not told."""
    positions: Numbers | None = field(default=None, compare=False)
    """Where the options stand on their scale."""
    uniform: Numbers | None = field(default=None, compare=False)
    """The chance of each option when one answers at random."""

    @property
    def span(self) -> float:
        """From one end of the scale to the other."""
        return 0.0 if self.positions is None else float(self.positions[-1] - self.positions[0])


def describe(
    name: str,
    simulated: Sequence[Answer],
    human: Sequence[Answer],
    *,
    kind: str | None = None,
    levels: Sequence[Any] | None = None,
    codes: Codes | None = None,
) -> Question:
    """Return what a question is: as told, or else as the answers look.

    Args:
        name: of it.
        simulated: answers that are there.
        human: the same of the humans.
        kind: nominal, ordinal, ranking or number.
        levels: all options, in their order.
        codes: of the human answers.

    Raises:
        InvalidSettings: both sides do not speak of the same options, or the kind does not fit; says what to tell.
    """
    if kind is not None and kind not in KINDS:
        raise InvalidSettings(f"kind {kind!r} of question {name!r}: the kinds are {', '.join(KINDS)}")
    told = [plain(level) for level in levels] if levels is not None else []
    if len(set(told)) < len(told):
        raise InvalidSettings(f"levels of question {name!r} have one twice: {listed(told)}; name each once")
    answers = [*simulated, *human]
    found: Kind = KINDS[KINDS.index(kind)] if kind else _kind(name, answers, told, codes)
    told = told or (list(codes.labels) if codes is not None and found != "number" else [])
    how = "" if kind else f"taken for {found}"
    if found == "number":
        return _number(name, answers, told or human, bool(told), how)
    if found == "ranking":
        _check_rankings(name, answers)
        simulated, human = (
            [item for one in side if isinstance(one, tuple) for item in one] for side in (simulated, human)
        )
    elif stray := [one for one in answers if isinstance(one, tuple)]:
        raise InvalidSettings(f"answers to {name!r} are lists, such as {stray[0]!r}: say kind={{{name!r}: 'ranking'}}")
    options, more = _options(name, found, simulated, human, told)
    note = "; ".join(part for part in (how, more) if part)
    return _on_scale(name, found, options, note)


def _kind(name: str, answers: Sequence[Answer], told: Sequence[Answer], codes: Codes | None) -> Kind:
    if lists := [answer for answer in answers if isinstance(answer, tuple)]:
        if len({frozenset(one) for one in lists}) > 1:
            raise InvalidSettings(
                f"answers to {name!r} are lists of different options: if they are in order, say kind={{{name!r}: "
                "'ranking'}; if several could be chosen, make a question of each option, answered yes or no"
            )
        return "ranking"
    if told:
        return "ordinal"
    numbers = [number(answer) for answer in answers]
    if codes is None and answers and all(one is not None for one in numbers):
        different = {one for one in numbers if one is not None}
        if different <= {0.0, 1.0}:
            return "nominal"
        whole = all(one.is_integer() for one in different)
        return "ordinal" if whole and max(different) - min(different) < MOST_POINTS else "number"
    if codes is None and len(set(answers)) > MOST_OPTIONS:
        raise InvalidSettings(
            f"question {name!r} has {len(set(answers))} different answers and looks like free text: leave it out with "
            "questions=[...], or say kind='nominal'"
        )
    return "nominal"


def _options(
    name: str, kind: str, simulated: Sequence[Answer], human: Sequence[Answer], told: Sequence[Answer]
) -> tuple[list[Answer], str]:
    """Return the options in order, and how they were found."""
    sides = {"simulated": set(simulated), "human": set(human)}
    if told:
        for side, there in sides.items():
            if unknown := there - set(told):
                raise InvalidSettings(
                    f"{side} answers to {name!r} that are none of its options: {listed(sorted(unknown, key=str))}. "
                    f"Options: {listed(told)}. Correct levels or codes, or the answers"
                )
        return list(told), ""
    _check_same_words(name, sides["simulated"], sides["human"])
    numbers = {option: number(option) for option in sides["simulated"] | sides["human"]}
    if all(one is not None for one in numbers.values()):
        places = [one for one in numbers.values() if one is not None]
        if (
            kind == "ordinal"
            and places
            and all(one.is_integer() for one in places)
            and max(places) - min(places) < 1000
        ):
            ends = int(min(places)), int(max(places))
            return list(range(ends[0], ends[1] + 1)), f"scale taken to be {ends[0]} to {ends[1]}, as far as answers go"
        return sorted(numbers, key=lambda option: numbers[option] or 0.0), ""
    if kind == "ordinal":
        raise InvalidSettings(f"the order of the answers to {name!r} is not known: give levels={{{name!r}: [...]}}")
    often = Counter(human)
    options = sorted(numbers, key=lambda option: (-often[option], str(option)))
    only = [f"only {side}: {listed(sorted(sides[side] - sides[other], key=str))}" for side, other in _BOTH]
    return options, "; ".join(
        part for part, (side, other) in zip(only, _BOTH, strict=True) if sides[side] - sides[other]
    )


_BOTH = (("simulated", "human"), ("human", "simulated"))


def _check_same_words(name: str, simulated: set[Answer], human: set[Answer]) -> None:
    """Refuse options of which no two, or two that differ only in writing, are the same."""
    folded = [{" ".join(str(option).casefold().split()): option for option in side} for side in (simulated, human)]
    alike = [word for word in folded[0] if word in folded[1] and str(folded[0][word]) != str(folded[1][word])]
    apart = simulated and human and not {str(option) for option in simulated} & {str(option) for option in human}
    if alike or (apart and any(number(option) is None for option in simulated | human)):
        raise InvalidSettings(
            f"answers to {name!r} do not match. Simulated: {listed(sorted(simulated, key=str))}. "
            f"Human: {listed(sorted(human, key=str))}. Give codes={{{name!r}: {{human answer: simulated answer}}}}"
        )


def _check_rankings(name: str, answers: Sequence[Answer]) -> None:
    for answer in answers:
        if not isinstance(answer, tuple):
            raise InvalidSettings(
                f"answer {answer!r} to {name!r} is no ranking: give lists of options, the first the best"
            )
        if len(set(answer)) < len(answer):
            raise InvalidSettings(f"ranking {answer!r} of {name!r} has an option twice: each can have one rank")


def _number(name: str, answers: Sequence[Answer], ends: Sequence[Answer], told: bool, how: str) -> Question:
    """Return a question after a number; its range is told, or that of the humans' answers."""
    import numpy as np

    if strange := [answer for answer in (*answers, *ends) if number(answer) is None]:
        raise InvalidSettings(f"answers to {name!r} that are no numbers: {listed(strange)}; correct them or its kind")
    values = np.array([number(answer) for answer in answers], dtype=float)
    edges = np.array([number(end) for end in ends] or [0.0], dtype=float)
    low, high = float(edges.min()), float(edges.max())
    if told and ((values < low) | (values > high)).any():
        stray = sorted({float(value) for value in values if not low <= value <= high})
        raise InvalidSettings(f"answers to {name!r} outside of its levels, {low:g} to {high:g}: {listed(stray)}")
    grid = np.unique(np.linspace(low, high, _GRID))
    positions = np.unique(np.concatenate([values, grid]))
    uniform = np.isin(positions, grid) / len(grid)
    return Question(name, "number", tuple(positions.tolist()), how, positions, uniform)


def _on_scale(name: str, kind: Kind, options: Sequence[Answer], note: str) -> Question:
    import numpy as np

    uniform = np.full(len(options), 1 / max(len(options), 1))
    if kind != "ordinal":
        return Question(name, kind, tuple(options), note, None, uniform)
    numbers = [number(option) for option in options]
    rising = all(one is not None for one in numbers) and numbers == sorted(numbers, key=lambda one: one or 0.0)
    positions = np.array(numbers if rising else range(1, len(options) + 1), dtype=float)
    return Question(name, kind, tuple(options), note, positions, uniform)


def in_numbers(answers: Sequence[Answer]) -> list[Answer] | None:
    """Return answers as numbers where all of them are: a file may have `"4"` or 4.0 for 4. None where some are not."""
    found = [None if answer is None else number(answer) for answer in answers]
    if any(value is None and answer is not None for value, answer in zip(found, answers, strict=True)):
        return None
    return [plain(value) for value in found]


def as_rankings(answers: Sequence[Answer]) -> list[Answer]:
    """Return answers with those that are rankings in text read as rankings."""
    return [order(answer) for answer in answers]
