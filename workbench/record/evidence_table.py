"""`EvidenceTable`: a DataFrame whose rows rest on events, shown as links to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.html import Links
from workbench.record.table_views import is_true, only, rests_on, short, top, view


class EvidenceTable(pd.DataFrame):
    """A DataFrame with a column `evidence`, lists of event ids, and perhaps `quotes`, what these events say.

    It is one like any other. In a notebook the ids say on hover what the event says. Those of one run are links, which
    lead to the event where the page shows its conversation, too: a table is of one run where `attrs["runs"]`, the ids
    of runs by the values of its column `run`, is `{"": id}`. Rows that are `unsupported` are marked, with `note`.
    """

    @property
    def _constructor(self) -> type[EvidenceTable]:
        return EvidenceTable

    def combine_first(self, other: pd.DataFrame) -> EvidenceTable:
        """Return what pandas does; that of two runs is of neither."""
        return _of_both(super().combine_first(other), self, other)  # type: ignore[return-value]

    def update(self, other: Any, *args: Any, **options: Any) -> None:
        """Do what pandas does; what has rows of two runs is of neither."""
        super().update(other, *args, **options)
        _of_both(self, self, other)

    def _repr_html_(self) -> str:
        if not rests_on(only(self, "evidence"), _is_id):
            return view(self, {})
        behind = {"quotes", "spans"} | ({"unsupported", "note"} if "unsupported" in self.columns else set())
        behind |= {"variants"} if not any(map(_some, only(self, "variants") or [True])) else set()
        return view(self, {"evidence": self._links()}, behind)

    def _links(self) -> list[Links | None]:
        rows = top(self)
        told = {name: only(rows, name) or [None] * len(rows) for name in ("evidence", "quotes", "unsupported", "note")}
        lead = of_one_run(self)
        each = (dict(zip(told, cells, strict=True)) for cells in zip(*told.values(), strict=True))
        return [_links(row, lead=lead) if isinstance(row["evidence"], list | tuple) else None for row in each]


def of_one_run(frame: pd.DataFrame) -> bool:
    """Return whether all rows of a table are of one run that is known, so that an id names one event."""
    runs = frame.attrs.get("runs")
    return isinstance(runs, Mapping) and list(runs) == [""] and bool(runs[""]) and "run" not in frame.columns


def _of_both(made: pd.DataFrame, one: pd.DataFrame, other: Any) -> pd.DataFrame:
    if getattr(other, "attrs", {}) != one.attrs:
        made.attrs = {}
    return made


def _some(value: Any) -> bool:
    return not isinstance(value, list | tuple) or bool(value)


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _links(row: Mapping[str, Any], *, lead: bool) -> Links:
    numbers, quotes = list(row["evidence"]), row["quotes"]
    if not isinstance(quotes, list | tuple) or len(quotes) != len(numbers):
        quotes = [""] * len(numbers)
    note = row["note"] if isinstance(row["note"], str) else ""
    problem = f"unsupported: {note}".rstrip(": ") if is_true(row["unsupported"]) else ""
    return Links(
        tuple((str(number), short(str(said))) for number, said in zip(numbers, quotes, strict=True)), problem, lead
    )
