"""How values stand in the cells of tables that are read, and in material where nothing may be rounded."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_WHOLE = 1e16
"""Below it a float holds each whole number exactly."""


def cell(value: Any) -> str:
    """Return a value as it is read: what is missing is empty, numbers are short, and none that is not 0 reads as 0.

    Whole numbers are whole, without marks between thousands. Others have three decimals, three significant digits below
    0.1, and an exponent below 0.0001.

    >>> cell(0.50000001), cell(0.0003), cell(0.0000321), cell(2024.0), cell(float("nan")), cell([1, 2])
    ('0.5', '0.0003', '3.21e-05', '2024', '', '1, 2')
    """
    return _said(value, _short)


def exact(value: Any) -> str:
    """Return a value as `cell` does, with all digits of its numbers.

    >>> exact(0.1234567), exact(0.000032), exact(1234567.0)
    ('0.1234567', '0.000032', '1234567')
    """
    return _said(value, _whole_digits)


def missing(value: Any) -> bool:
    """Return whether a value is none: None, NaN, NaT or NA."""
    if isinstance(value, numbers.Real):
        return math.isnan(value)
    return value is None or type(value).__name__ in ("NaTType", "NAType")


def _said(value: Any, number: Any) -> str:
    if isinstance(value, list | tuple | set | frozenset) or _is_array(value):
        each = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        return ", ".join(_said(one, number) for one in each)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_said(one, number)}" for name, one in value.items())
    if missing(value):
        return ""
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
        said: str = number(_double(value))
        return said
    return str(value)


def _is_array(value: Any) -> bool:
    return bool(getattr(value, "ndim", 0)) and hasattr(value, "tolist")


def _double(value: Any) -> float:
    """Return a float; of one of fewer bits that of its own shortest digits, so that 0.1 stays 0.1."""
    return float(str(value)) if hasattr(value, "dtype") else float(value)


def _short(value: float) -> str:
    if value.is_integer() or math.isinf(value):
        return _whole_digits(value)
    if abs(value) < 1e-4:
        return f"{value:.2e}".replace("0e", "e").replace("0e", "e").replace(".e", "e")
    digits = f"{value:.3f}" if abs(value) >= 0.1 else f"{Decimal(f'{value:.3g}'):f}"
    return digits.rstrip("0").rstrip(".")


def _whole_digits(value: float) -> str:
    if math.isinf(value) or abs(value) >= _WHOLE:
        return repr(value)
    return str(int(value)) if value.is_integer() else f"{Decimal(repr(value)):f}"
