"""What a table is besides its columns: one with evidence, and what its `attrs` say of how it was made."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.llm.structured import HALF_PAIR

if TYPE_CHECKING:
    import pandas as pd

KEY = "urn:workbench:table"
"""The property of a file's metadata that has it; a URI, as the standard wants of properties that it does not know."""

_TOLD_BY = {"merging": "merged", "runs": "evidence"}
"""Which kind of table has which of its `attrs`."""


def facts_of(frame: pd.DataFrame) -> str:
    """Return, as JSON, the kind of a table and those of its `attrs` that JSON holds; empty where there is nothing."""
    kind = next((name for name, made in _kinds().items() if isinstance(frame, made)), "")
    attrs = {name: value for name, value in frame.attrs.items() if _is_json({name: value})}
    return json.dumps({"kind": kind, "attrs": attrs}, ensure_ascii=False) if kind or attrs else ""


def with_facts(frame: pd.DataFrame, facts: str) -> pd.DataFrame:
    """Return a table as what `facts_of` says that it was.

    Raises:
        ValueError, TypeError, LookupError: it says nothing that can be read.
    """
    if not facts:
        return frame
    said = json.loads(facts)
    if not isinstance(said["attrs"], Mapping):
        raise TypeError(f"its attrs are {said['attrs']!r}")
    made: pd.DataFrame = _kinds()[said["kind"]](frame) if said["kind"] else frame
    made.attrs = dict(said["attrs"])
    return made


def of_its_kind(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table that pandas wrote and read, with its `attrs` but as a plain one, as what it was."""
    kind = next((kind for name, kind in _TOLD_BY.items() if name in frame.attrs), "")
    made: pd.DataFrame = _kinds()[kind](frame) if kind and "evidence" in frame else frame
    made.attrs = dict(frame.attrs)
    return made


def _kinds() -> dict[str, Any]:
    from workbench.extraction.merging.merged_table import MergedTable
    from workbench.record.evidence_table import EvidenceTable

    return {"evidence": EvidenceTable, "merged": MergedTable}


def _is_json(value: Any) -> bool:
    """Return whether JSON holds a value: it comes back equal."""
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_json(name) and _is_json(one) for name, one in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, str):
        return not HALF_PAIR.search(value)
    return value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
