"""The kinds of questions: what they all have, and those with options."""

from __future__ import annotations

import string
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from typing_extensions import override

from workbench.errors import InvalidSettings

Code = str | int
Condition = Callable[[Mapping[str, Any]], Any]
"""Whether a question is asked, given the answers so far by the names of their questions."""

MOST_OPTIONS = 200
Item = TypeVar("Item")


class NoAnswer(ValueError):
    """Something that is no answer to the question; the message says what is, to whoever gave it."""


@dataclass(frozen=True)
class Question(ABC):
    """A question.

    Args:
        text: as it is asked. `{{ name }}` and `{{ answers.q1 }}` stand for the person and for an earlier answer.
        name: what tables call it; q1, q2 ... by its place when not given.
        ask_if: a function of the answers so far, by name; where it returns what is not true the question is skipped.
    """

    text: str
    name: str = field(default="", kw_only=True)
    ask_if: Condition | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not self.text.strip():
            raise InvalidSettings(f"a question needs a text, this is {self.text!r}")
        if self.ask_if is not None and not callable(self.ask_if):
            raise InvalidSettings(f"{self.heading}: ask_if={self.ask_if!r}: a function of the answers so far is needed")
        if self.name and (not self.name.isidentifier() or self.name.startswith("_")):
            raise InvalidSettings(f"name={self.name!r}: a word of letters, digits and underscores, such as 'q1'")

    @property
    def kind(self) -> str:
        """What kind of question it is, as tables say it."""
        return type(self).__name__

    @property
    def heading(self) -> str:
        """What messages call it."""
        return self.name or repr(self.text[:60])

    def order(self, random: Random) -> tuple[Code, ...]:
        """Return the codes of its options in the order in which somebody is shown them; nothing where it has none."""
        return ()

    def shown(self, order: Sequence[Code]) -> list[tuple[str, str]]:
        """Return what somebody is shown of its options: a label and a text of each, in their order."""
        return []

    @property
    @abstractmethod
    def how(self) -> str:
        """What an answer is, as a phrase to the person."""

    @property
    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The JSON schema of an answer."""

    @abstractmethod
    def checked(self, given: Any) -> Any:
        """Return an answer as its schema has it.

        Raises:
            NoAnswer: it is none.
        """

    def value(self, checked: Any, order: Sequence[Code]) -> Any:
        """Return a checked answer as tables have it: with codes in the place of labels."""
        return checked

    def say(self, value: Any) -> str:
        """Return an answer in words, as later questions and piped texts have it."""
        return str(value)


@dataclass(frozen=True)
class Choice(Question):
    """One of some options.

    Args:
        text: the question.
        options: a list, or `{code: text}`: tables have the codes.
        shuffle: whether everybody is shown them in an order of their own, by the seed.
        keep_last: how many at the end stay there, such as "none of these".

    Raises:
        InvalidSettings: fewer than two options, or two that are the same.
    """

    options: Any
    shuffle: bool = field(default=True, kw_only=True)
    keep_last: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "options", coded(self.options, self.heading))

    @property
    def labels(self) -> list[str]:
        """The labels of its options, whatever their order."""
        return labels_of(len(self.options))

    @override
    def order(self, random: Random) -> tuple[Code, ...]:
        codes = tuple(self.options)
        return shuffled(codes, random, last=self.keep_last) if self.shuffle else codes

    @override
    def shown(self, order: Sequence[Code]) -> list[tuple[str, str]]:
        return [(label, self.options[code]) for label, code in zip(self.labels, order, strict=True)]

    @property
    @override
    def how(self) -> str:
        return "the letter of one option"

    @property
    @override
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": self.labels}

    @override
    def checked(self, given: Any) -> Any:
        label = str(given).strip(" .:()[]\"'").upper()
        if label not in self.labels:
            raise NoAnswer(f"{str(given)[:80]!r} is none of the options {', '.join(self.labels)}")
        return label

    @override
    def value(self, checked: Any, order: Sequence[Code]) -> Any:
        return order[self.labels.index(checked)]

    @override
    def say(self, value: Any) -> str:
        return str(self.options[value])


@dataclass(frozen=True)
class _ListOfOptions(Choice):
    """What several options are an answer to."""

    @property
    @abstractmethod
    def ends(self) -> tuple[int, int]:
        """The fewest and the most options of an answer."""

    @property
    @override
    def schema(self) -> dict[str, Any]:
        least, most = self.ends
        one = {"type": "string", "enum": self.labels}
        return {"type": "array", "items": one, "minItems": least, "maxItems": most}

    @override
    def checked(self, given: Any) -> Any:
        return [Choice.checked(self, one) for one in listed(given)]

    @override
    def value(self, checked: Any, order: Sequence[Code]) -> Any:
        return [order[self.labels.index(label)] for label in checked]


@dataclass(frozen=True)
class MultiChoice(_ListOfOptions):
    """Any number of some options.

    Args:
        text: the question.
        options: as for a `Choice`.
        least: how many have to be chosen.
        most: how many may be; all when not given.

    Raises:
        InvalidSettings: options that cannot be, or more to be chosen than there are.
    """

    least: int = field(default=0, kw_only=True)
    most: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        least, most = self.ends
        if not 0 <= least <= most <= len(self.options):
            raise InvalidSettings(f"{self.heading}: least={least}, most={most} of {len(self.options)} options")

    @property
    @override
    def ends(self) -> tuple[int, int]:
        return self.least, len(self.options) if self.most is None else self.most

    @property
    @override
    def how(self) -> str:
        least, most = self.ends
        return f"a list of the letters of all options that hold for you, from {least} to {most} of them"

    @override
    def checked(self, given: Any) -> Any:
        chosen = list(dict.fromkeys(super().checked(given)))
        least, most = self.ends
        if not least <= len(chosen) <= most:
            raise NoAnswer(f"{len(chosen)} options are chosen: it has to be from {least} to {most}")
        return chosen

    @override
    def say(self, value: Any) -> str:
        return "; ".join(self.options[code] for code in value) or "none of them"


@dataclass(frozen=True)
class Ranking(_ListOfOptions):
    """Options in an order, the best first.

    Args:
        text: the question.
        options: as for a `Choice`.
        most: how many are ranked, from the best; all when not given.

    Raises:
        InvalidSettings: options that cannot be, or more to be ranked than there are.
    """

    most: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.n <= len(self.options):
            raise InvalidSettings(f"{self.heading}: most={self.most} of {len(self.options)} options")

    @property
    def n(self) -> int:
        """How many options are ranked."""
        return len(self.options) if self.most is None else self.most

    @property
    @override
    def ends(self) -> tuple[int, int]:
        return self.n, self.n

    @property
    @override
    def how(self) -> str:
        which = "all options" if self.n == len(self.options) else f"the {self.n} best options"
        return f"a list of the letters of {which}, the best first, each once"

    @override
    def checked(self, given: Any) -> Any:
        ranked = super().checked(given)
        if len(ranked) != self.n or len(set(ranked)) != self.n:
            raise NoAnswer(f"{len(set(ranked))} different options are ranked: it has to be {self.n}, each once")
        return ranked

    @override
    def say(self, value: Any) -> str:
        return "; ".join(f"{place}. {self.options[code]}" for place, code in enumerate(value, 1))


LETTERS = string.ascii_uppercase


def labels_of(n: int) -> list[str]:
    """Return short labels for n options: letters, or numbers where there are too many."""
    return list(LETTERS[:n]) if n <= len(LETTERS) else [str(number) for number in range(1, n + 1)]


def coded(options: Any, what: str) -> dict[Code, str]:
    """Return the text of each option by its code; those of a plain list are their own codes.

    Raises:
        InvalidSettings: fewer than two, or two that are the same.
    """
    if isinstance(options, str) or not isinstance(options, Sequence | Mapping):
        raise InvalidSettings(f"{what}: {options!r}: give a list of options, or {{code: text}}")
    pairs = list(options.items()) if isinstance(options, Mapping) else [(one, one) for one in options]
    for code, text in pairs:
        if isinstance(code, bool) or not isinstance(code, str | int) or not isinstance(text, str) or not text.strip():
            raise InvalidSettings(f"{what}: {code!r}: {text!r}: an option is a text, its code a text or a whole number")
    texts = [text.strip().casefold() for _, text in pairs]
    if twice := sorted({text for text in texts if texts.count(text) > 1}):
        raise InvalidSettings(f"{what}: {twice[0]!r} is there twice")
    if not 2 <= len(pairs) <= MOST_OPTIONS:
        raise InvalidSettings(f"{what}: {len(pairs)} options: from 2 to {MOST_OPTIONS} are needed")
    return dict(pairs)


def shuffled(items: Sequence[Item], random: Random, *, last: int = 0) -> tuple[Item, ...]:
    """Return items in an order by chance, of which the `last` ones stay where they are."""
    moved = list(items[: len(items) - last])
    random.shuffle(moved)
    return (*moved, *items[len(items) - last :])


def listed(given: Any) -> list[Any]:
    """Return an answer of several parts.

    Raises:
        NoAnswer: it has none.
    """
    if isinstance(given, str):
        return [part for part in given.replace(";", ",").replace(">", ",").split(",") if part.strip()]
    if not isinstance(given, list):
        raise NoAnswer(f"{given!r}: a list is needed")
    return given
