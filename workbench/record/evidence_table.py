"""`EvidenceTable`: a DataFrame whose rows rest on events, shown as links to them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.html import Links, paragraph, table
from workbench.record.cells import cell


class EvidenceTable(pd.DataFrame):
    """A DataFrame with a column `evidence`, lists of event ids, and perhaps `quotes`, what these events say.

    It is one like any other. In a notebook the ids say on hover what the event says; those of one run are links, which
    lead to the event where the page shows its conversation, too. Rows that are `unsupported` are marked, with `note`.
    """

    @property
    def _constructor(self) -> type[EvidenceTable]:
        return EvidenceTable

    def _repr_html_(self) -> str:
        most = pd.get_option("display.max_rows") or len(self)
        rows = [self._cells(place) for place in range(min(len(self), most))]
        left_out = f"; the first {most:,} are shown" if len(self) > most else ""
        return table(list(map(str, self._shown)), rows) + paragraph(f"{self._counted()}{left_out}", quiet=True)

    @property
    def _shown(self) -> list[Any]:
        """The columns that a page shows; the others are told by the links."""
        behind = {"quotes", "spans"} if "evidence" in self.columns else set()
        behind |= {"unsupported", "note"} if behind and "unsupported" in self.columns else set()
        return [name for name in self.columns if name not in behind]

    def _counted(self) -> str:
        said = f"{len(self):,} row{'' if len(self) == 1 else 's'}"
        unsupported = int(self["unsupported"].astype(bool).sum()) if "unsupported" in self else 0
        return f"{said}, {unsupported:,} unsupported" if unsupported else said

    def _cells(self, place: int) -> list[Any]:
        row = self.iloc[place].to_dict()
        lead = self.attrs.get("one_run", "run" not in self.columns)
        return [_links(row, lead=lead) if name == "evidence" else cell(row[name]) for name in self._shown]


def _links(row: dict[Any, Any], *, lead: bool) -> Links:
    numbers, quotes = list(row["evidence"]), list(row.get("quotes", ()))
    quotes = quotes if len(quotes) == len(numbers) else [""] * len(numbers)
    problem = f"unsupported: {row.get('note', '')}".rstrip(": ") if row.get("unsupported") else ""
    return Links(tuple(zip(map(str, numbers), quotes, strict=True)), problem, lead)
