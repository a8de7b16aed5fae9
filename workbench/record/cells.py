"""How values stand in the cells of tables that are read."""

from __future__ import annotations

import math
from typing import Any


def cell(value: Any) -> str:
    """Return a value as it is read: what is missing is empty, numbers have three decimals at most.

    >>> cell(0.50000001), cell(float("nan")), cell([1, 2]), cell(1234567.0)
    ('0.5', '', '1, 2', '1.235e+06')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) in ("NaT", "<NA>"):
        return ""
    if isinstance(value, float):
        number = f"{value:,.3f}".rstrip("0").rstrip(".") if abs(value) < 1e6 else f"{value:.4g}"
        return "0" if number == "-0" else number
    if isinstance(value, list | tuple):
        return ", ".join(map(cell, value))
    return str(value)
