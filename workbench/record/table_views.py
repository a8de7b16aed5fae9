"""How a DataFrame of ours stands in a notebook, whatever pandas made of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.html import paragraph, table
from workbench.record.cells import cell, missing

LONGEST = 300
"""Characters of a cell, or of what an event says, that are shown, where `display.max_colwidth` is not more."""
_GAP = "…"
_FACTS = ("extraction", "merging")


def view(frame: pd.DataFrame, cells: Mapping[str, Sequence[Any]], behind: Collection[str] = ()) -> str:
    """Return a table as HTML, with how many rows it has, and what has to be said of the model that made it.

    Row labels are shown where they have a name, or do not just count from 0. `display.max_rows` and
    `display.max_columns` of pandas count; of more columns the first and the last are shown.

    Args:
        frame: perhaps with two columns of one name, or with names that are no texts.
        cells: of the rows that are shown, by the name of a column, where it is not shown as it is; None where it is.
        behind: names of columns that are not shown.
    """
    head = top(frame)
    shown = [place for place, name in enumerate(frame.columns) if name not in behind]
    kept = _first_and_last(shown, pd.get_option("display.max_columns") or len(shown))
    columns = _labels(head) + [_column(head, place, cells) for place in kept]
    words = [_counted(frame)]
    words += [f"the first {len(head):,} are shown"] if len(frame) > len(head) else []
    words += [f"{len(kept) - 1} of {len(shown)} columns are shown"] if None in kept else []
    rows = list(zip(*(values for _, values in columns), strict=True)) if columns else []
    under = paragraph("; ".join(words), quiet=True)
    return table([heading for heading, _ in columns], rows) + under + "".join(map(paragraph, _caveats(frame)))


def top(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are shown."""
    return frame.iloc[: pd.get_option("display.max_rows") or len(frame)]


def only(frame: pd.DataFrame, name: str) -> list[Any] | None:
    """Return the cells of a column, arrays as lists; None where there is no such column, or two."""
    places = [place for place, other in enumerate(frame.columns) if isinstance(other, str) and other == name]
    if len(places) != 1:
        return None
    return [one.tolist() if getattr(one, "ndim", 0) else one for one in frame.iloc[:, places[0]].tolist()]


def rests_on(cells: Sequence[Any] | None, is_event: Any) -> bool:
    """Return whether cells are lists of events, or missing; a column of none at all is one of events, too."""
    if cells is None:
        return False
    lists = [one for one in cells if isinstance(one, list | tuple)]
    others = any(not missing(one) for one in cells if not isinstance(one, list | tuple))
    return not others and (bool(lists) or not cells) and all(is_event(one) for some in lists for one in some)


def is_true(value: Any) -> bool:
    """Return whether a cell says yes; what is missing, or a number, does not."""
    return isinstance(value, bool) and value


def short(text: str) -> str:
    """Return a text as long as a cell may be."""
    width = pd.get_option("display.max_colwidth")
    most = len(text) if width is None else max(width, LONGEST)
    return text if len(text) <= most else f"{text[:most]}{_GAP}"


def _first_and_last(places: Sequence[int], most: int) -> list[int | None]:
    """Return which columns are shown; None stands for those between."""
    if len(places) <= most:
        return list(places)
    last = most // 2
    return [*places[: most - last], None, *places[len(places) - last :]]


_Column = tuple[str, list[Any]]


def _labels(head: pd.DataFrame) -> list[_Column]:
    index = head.index
    counted = isinstance(index, pd.RangeIndex) and (index.start, index.step) == (0, 1)
    if counted and index.name is None:
        return []
    levels = [index.get_level_values(place) for place in range(index.nlevels)]
    return [(cell(level.name), [short(cell(value)) for value in level.tolist()]) for level in levels]


def _column(head: pd.DataFrame, place: int | None, cells: Mapping[str, Sequence[Any]]) -> _Column:
    if place is None:
        return _GAP, [_GAP] * len(head)
    name = head.columns[place]
    values = [short(cell(value)) for value in head.iloc[:, place].tolist()]
    own = cells.get(name, [None] * len(head)) if isinstance(name, str) else [None] * len(head)
    return cell(name), [said if one is None else one for one, said in zip(own, values, strict=True)]


def _counted(frame: pd.DataFrame) -> str:
    said = f"{len(frame):,} row{'' if len(frame) == 1 else 's'}"
    unsupported = sum(map(is_true, only(frame, "unsupported") or ()))
    return f"{said}, {unsupported:,} unsupported" if unsupported else said


def _caveats(frame: pd.DataFrame) -> list[str]:
    facts = [frame.attrs.get(name) for name in _FACTS]
    said = [str(one["caveat"]) for one in facts if isinstance(one, Mapping) and one.get("caveat")]
    return list(dict.fromkeys(said))
