"""Labels that people wrote in their own words: read, counted, and told apart."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.llm.structured import HALF_PAIR

if TYPE_CHECKING:
    import pandas as pd

    Labels = pd.Series[Any] | Iterable[Any]


@dataclass(frozen=True)
class Label:
    """A label, and how often it is there."""

    text: str
    n: int


def label_key(text: str) -> str:
    r"""Return what tells a label from others: labels that differ in case and spaces alone are one.

    >>> label_key("  Shop\tassistant ") == label_key("shop assistant")
    True
    """
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def read_labels(values: Labels) -> list[str | None]:
    """Read labels, with single spaces; None where they are missing or blank.

    Raises:
        InvalidSettings: something that is no text.
    """
    import pandas as pd

    if isinstance(values, str | bytes | pd.DataFrame) or not isinstance(values, Iterable):
        raise InvalidSettings(f"labels are a list or a Series of texts; this is a {type(values).__name__}")
    return [_read(value) for value in values]


def _read(value: Any) -> str | None:
    import pandas as pd

    if not isinstance(value, str):
        if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
            return None
        raise InvalidSettings(f"labels are texts; {value!r} is none: labels.astype('string') makes texts of numbers")
    if HALF_PAIR.search(value):
        raise InvalidSettings(f"a label has half of a surrogate pair: {value[:60]!a}")
    return " ".join(value.split()) or None


def counted(values: Iterable[str | None]) -> list[Label]:
    """Return the labels that there are, most frequent first, then by alphabet, each as it is written most often.

    >>> counted(["Cook", "cook", "cook", None, "IT"])
    [Label(text='cook', n=3), Label(text='IT', n=1)]
    """
    written: dict[str, Counter[str]] = {}
    for text in values:
        if text is not None:
            written.setdefault(label_key(text), Counter())[text] += 1
    labels = [Label(min(texts, key=lambda one: (-texts[one], one)), texts.total()) for texts in written.values()]
    return sorted(labels, key=lambda label: (-label.n, label_key(label.text)))
