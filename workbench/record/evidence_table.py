"""`EvidenceTable`: a DataFrame whose rows rest on events, shown as links to them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.html import Links, paragraph, table

_BEHIND_LINKS = ("quotes", "spans", "unsupported", "note")
"""Columns that a page shows as part of another."""


class EvidenceTable(pd.DataFrame):
    """A DataFrame with a column `evidence`, lists of event ids, and perhaps `quotes`, what these events say.

    It is one like any other. In a notebook the ids say on hover what the event says; those of one run are links, which
    lead to the event where the page shows its conversation, too. Rows that are `unsupported` are marked, with `note`.
    """

    @property
    def _constructor(self) -> type[EvidenceTable]:
        return EvidenceTable

    def _repr_html_(self) -> str:
        shown = [str(name) for name in self.columns if name not in _BEHIND_LINKS]
        most = pd.get_option("display.max_rows") or len(self)
        rows = [self._cells(place) for place in range(min(len(self), most))]
        left_out = f"; the first {most:,} are shown" if len(self) > most else ""
        return table(shown, rows) + paragraph(f"{self._counted()}{left_out}", quiet=True)

    def _counted(self) -> str:
        said = f"{len(self):,} row{'' if len(self) == 1 else 's'}"
        unsupported = int(self["unsupported"].astype(bool).sum()) if "unsupported" in self else 0
        return f"{said}, {unsupported:,} unsupported" if unsupported else said

    def _cells(self, place: int) -> list[Any]:
        row = self.iloc[place].to_dict()
        cells = [row[name] for name in self.columns if name not in _BEHIND_LINKS]
        if "evidence" in self.columns:
            at = [name for name in self.columns if name not in _BEHIND_LINKS].index("evidence")
            cells[at] = _links(row, lead=self.attrs.get("one_run", "run" not in self.columns))
        return cells


def _links(row: dict[Any, Any], *, lead: bool) -> Links:
    numbers, quotes = list(row["evidence"]), list(row.get("quotes", ()))
    quotes = quotes if len(quotes) == len(numbers) else [""] * len(numbers)
    problem = f"unsupported: {row.get('note', '')}".rstrip(": ") if row.get("unsupported") else ""
    return Links(tuple(zip(map(str, numbers), quotes, strict=True)), problem, lead)
