"""`MergedTable`: a DataFrame whose rows rest on events of several runs."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import pandas as pd

from workbench.record.table_views import is_true, only, rests_on, top, view

_BEHIND = ("unsupported", "note")


class MergedTable(pd.DataFrame):
    """A DataFrame with a column `evidence`, lists of `{"run": ..., "event": ...}`. It is one like any other."""

    @property
    def _constructor(self) -> type[MergedTable]:
        return MergedTable

    def _repr_html_(self) -> str:
        if not rests_on(only(self, "evidence"), _is_event):
            return view(self, {})
        rows = top(self)
        told = [only(rows, name) or [None] * len(rows) for name in ("evidence", "unsupported", "note")]
        return view(self, {"evidence": [_said(*cells) for cells in zip(*told, strict=True)]}, _BEHIND)


def _is_event(value: Any) -> bool:
    return isinstance(value, Mapping) and {"run", "event"} <= value.keys()


def _said(evidence: Any, unsupported: Any, note: Any) -> str | None:
    """Return the events by what they are of, a line each, and why they are not to be relied on."""
    if not isinstance(evidence, list | tuple):
        return None
    by_run = groupby(evidence, key=lambda one: ", ".join(str(one[name]) for name in ("run", "person") if name in one))
    lines = [f"{run}: {', '.join(str(one['event']) for one in some)}" for run, some in by_run]
    why = f"unsupported: {note if isinstance(note, str) else ''}".rstrip(": ")
    return "\n".join([*lines, why] if is_true(unsupported) else lines)
