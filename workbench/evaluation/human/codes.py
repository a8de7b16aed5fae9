"""Values of a table as plain answers, and codes as what they stand for."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from workbench.errors import InvalidSettings

Answer = Hashable
"""A string, a number, a tuple of them (a ranking), or None where the answer is missing."""
_MOST = 12
"""Values that a message lists."""


def plain(value: Any) -> Answer:
    """Return a value as a plain answer: whole numbers as integers, lists as tuples, what is missing as None.

    >>> [plain(value) for value in (3.0, " yes ", "", float("nan"), ["a", "b"], True)]
    [3, 'yes', None, None, ('a', 'b'), 'True']
    """
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, list | tuple):
        return tuple(plain(item) for item in value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if value is None or str(value) in ("NaT", "<NA>", "nan"):
        return None
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value == int(value) else value
    return value if isinstance(value, int) else str(value)


def number(value: Answer) -> float | None:
    """Return the finite number that an answer is, or that its text is; None where it is none."""
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str):
        try:
            found = float(value)
        except ValueError:
            return None
        return found if math.isfinite(found) else None
    return None


def order(value: Answer) -> Answer:
    """Return a ranking that is written as text as its options: a JSON list, or `first > second > third`."""
    if not isinstance(value, str):
        return value
    if value.startswith("["):
        try:
            return plain(json.loads(value))
        except ValueError:
            return value
    return tuple(part.strip() for part in value.split(">")) if ">" in value else value


class Codes:
    """What the codes of one question stand for.

    Args:
        question: its name, for messages.
        meaning: answer by code; None as an answer says that the code stands for a missing one.
    """

    def __init__(self, question: str, meaning: Mapping[Any, Any]) -> None:
        self.question = question
        self.labels = tuple(dict.fromkeys(plain(label) for label in meaning.values() if plain(label) is not None))
        self._label_of: dict[Answer, Answer] = {}
        for code, label in meaning.items():
            # A CSV file may have 1, 1.0 or "1" for the same code.
            self._label_of[plain(code)] = self._label_of[str(plain(code))] = plain(label)
        self._codes = list(dict.fromkeys(plain(code) for code in meaning))

    def decoded(self, values: list[Answer], side: str) -> list[Answer]:
        """Return values as answers; one that is an answer already stays.

        Args:
            values: codes, rankings of codes, or answers.
            side: whose they are, for the message.

        Raises:
            InvalidSettings: values that no code stands for; lists both sides.
        """
        unknown: list[Answer] = []
        answers = [self._one(value, unknown) for value in values]
        if unknown:
            raise InvalidSettings(
                f"codes of question {self.question!r} do not match. {side.capitalize()} answers without a code: "
                f"{listed(unknown)}. Codes: {listed(self._codes)}; they stand for: {listed(self.labels)}. "
                f"Add the missing ones to codes[{self.question!r}] (None stands for a missing answer)"
            )
        return answers

    def _one(self, value: Answer, unknown: list[Answer]) -> Answer:
        if value is None:
            return None
        if isinstance(value, tuple):
            return tuple(item for item in (self._one(part, unknown) for part in value) if item is not None)
        if value in self._label_of:
            return self._label_of[value]
        if value not in self.labels:
            unknown.append(value)
        return value


def listed(values: Iterable[Any]) -> str:
    """Return different values as a list for a message, the first of many."""
    different = list(dict.fromkeys(values))
    more = f" and {len(different) - _MOST} more" if len(different) > _MOST else ""
    return (", ".join(repr(value) for value in different[:_MOST]) or "none") + more
