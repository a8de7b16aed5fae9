"""Cells: numbers are short, and say nothing that is not so."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.record.cells import cell, exact


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0003, "0.0003"),
        (-0.0004, "-0.0004"),
        (0.000032, "3.2e-05"),
        (-0.00001, "-1e-05"),
        (1234567.0, "1234567"),
        (2024.0, "2024"),
        (10001.0, "10001"),
        (34600123456.0, "34600123456"),
        (-0.0, "0"),
        (0.333333, "0.333"),
        (0.0123456, "0.0123"),
        (1234567.891, "1234567.891"),
        (12, "12"),
        (np.float32(0.1), "0.1"),
        (np.float64(0.25), "0.25"),
        (np.array([1, 2]), "1, 2"),
        (float("inf"), "inf"),
        (True, "True"),
        (None, ""),
        (pd.NA, ""),
        (pd.NaT, ""),
        ({"a": 1.0}, "a: 1"),
        (Decimal("3.10"), "3.10"),
        ("NaT", "NaT"),
    ],
)
def test_values_as_they_are_read(value, said):
    assert cell(value) == said


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_number_but_zero_reads_as_zero(number):
    assert (float(cell(number)) == 0) == (number == 0)
    assert math.isclose(float(cell(number)), number, rel_tol=0.01)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_exact_values_have_all_digits(number):
    assert float(exact(number)) == number
