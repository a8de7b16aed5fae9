"""What tables say of their questions themselves: the kinds and options of a survey, the order of categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.evaluation.human.codes import Answer, number, plain

if TYPE_CHECKING:
    import pandas as pd

_KINDS = {"Likert": "ordinal", "Choice": "nominal", "Ranking": "ranking", "Number": "number"}
_IN_WORDS = "FreeText"
_MANY = "MultiChoice"


def kinds_in(frame: pd.DataFrame) -> dict[str, str]:
    """Return the kind of each question that was asked as one of the survey's kinds."""
    return {name: _KINDS[kind] for name, kind in _asked(frame).items() if kind in _KINDS}


def levels_in(frame: pd.DataFrame) -> dict[str, Sequence[Any]]:
    """Return all options that people were shown, by question: also those that nobody chose."""
    if "order" not in frame.columns or "question" not in frame.columns:
        return {}
    kinds = _asked(frame)
    shown: dict[str, set[Answer]] = {}
    for name, order in zip(frame["question"], frame["order"], strict=True):
        if kinds.get(str(name)) in ("Likert", "Choice", "Ranking") and isinstance(order, list | tuple):
            shown.setdefault(str(name), set()).update(plain(option) for option in order)
    return {name: sorted(options, key=_place) for name, options in shown.items() if options}


def ordered_in(frame: pd.DataFrame) -> dict[str, Sequence[Any]]:
    """Return the categories of columns that pandas knows to have an order."""
    import pandas as pd

    types = {str(name): frame[name].dtype for name in frame.columns}
    return {
        name: list(one.categories)
        for name, one in types.items()
        if isinstance(one, pd.CategoricalDtype) and one.ordered
    }


def in_words(frame: pd.DataFrame) -> list[str]:
    """Return the questions that were answered in words of one's own."""
    return [name for name, kind in _asked(frame).items() if kind == _IN_WORDS]


def check_single(frame: pd.DataFrame, questions: Sequence[str]) -> None:
    """Refuse questions to which people chose several options.

    Raises:
        InvalidSettings: names them.
    """
    kinds = _asked(frame)
    if several := [name for name in questions if kinds.get(name) == _MANY]:
        raise InvalidSettings(
            f"several options could be chosen in {', '.join(several)}: make a question of each option, answered yes or "
            "no"
        )


def _asked(frame: pd.DataFrame) -> dict[str, str]:
    if not {"question", "kind"} <= set(frame.columns):
        return {}
    return {str(name): str(kind) for name, kind in zip(frame["question"], frame["kind"], strict=True)}


def _place(option: Answer) -> tuple[bool, float, str]:
    value = number(option)
    return value is None, value or 0.0, str(option)
