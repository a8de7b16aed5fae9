"""`MergedTable`: a DataFrame whose rows rest on events of several runs."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pandas as pd

from workbench.html import paragraph, table

_OF_ANOTHER = ("unsupported", "note")


class MergedTable(pd.DataFrame):
    """A DataFrame with a column `evidence`, lists of `{"run": ..., "event": ...}`. It is one like any other."""

    @property
    def _constructor(self) -> type[MergedTable]:
        return MergedTable

    def _repr_html_(self) -> str:
        shown = [name for name in self.columns if name not in _OF_ANOTHER]
        most = pd.get_option("display.max_rows") or len(self)
        rows = [[_said(name, row[name]) for name in shown] for row in self.head(most).to_dict("records")]
        left_out = f"; the first {most:,} are shown" if len(self) > most else ""
        unsupported = int(self["unsupported"].astype(bool).sum()) if "unsupported" in self else 0
        marked = f", {unsupported:,} unsupported" if unsupported else ""
        counted = f"{len(self):,} row{'' if len(self) == 1 else 's'}{marked}{left_out}"
        return table([str(name) for name in shown], rows) + paragraph(counted, quiet=True)


def _said(name: Any, value: Any) -> Any:
    if name == "evidence":
        by_run = groupby(value, key=lambda one: one["run"])
        return "\n".join(f"{run}: {', '.join(str(one['event']) for one in some)}" for run, some in by_run)
    return ", ".join(map(str, value)) if isinstance(value, list) else value
