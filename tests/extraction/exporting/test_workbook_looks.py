"""Workbooks: what is in a cell is seen, and its form changes nothing of what is read back."""

from __future__ import annotations

from datetime import datetime

import openpyxl
import pandas as pd
import pytest

from workbench.extraction.exporting.exporter import export
from workbench.extraction.exporting.table_reading import read_table

TABLE = pd.DataFrame(
    {
        "words": ["one\ntwo\nthree", "word " * 6_000, "short"],
        "日本語": ["とても便利だと思います", "", "x"],
        "a question that somebody has asked at length?": [1, 2, 3],
        "score": [0.5, 1 / 3, None],
        "ok": [True, False, True],
        "when": [datetime(2025, 1, 6, 9), datetime(2025, 1, 6, 10), datetime(2025, 1, 7)],
    }
)


@pytest.fixture
def path(tmp_path):
    return export("t", TABLE, to="xlsx", folder=tmp_path)[0]


@pytest.fixture
def sheet(path):
    return openpyxl.load_workbook(path).worksheets[0]


def test_form_changes_nothing_of_what_is_read_back(path):
    pd.testing.assert_frame_equal(read_table(path), TABLE)


def test_head_is_bold_in_the_font_of_the_rest_and_stays_in_sight(sheet):
    assert {(cell.font.b, cell.font.name) for cell in sheet[1]} == {(True, "Calibri")}
    assert {cell.font.name for row in sheet.iter_rows(min_row=2) for cell in row} == {"Calibri"}
    assert sheet.freeze_panes == "A2"


def test_texts_are_wrapped_and_rows_are_as_high_as_they_need_but_no_screen(sheet):
    assert all(sheet.cell(row, 1).alignment.wrap_text for row in (1, 2, 3, 4))
    assert [sheet.row_dimensions[row].height for row in (1, 2, 3, 4)] == [45, 45, 180, None]
    assert {cell.alignment.vertical for row in sheet.iter_rows() for cell in row if cell.value is not None} == {"top"}


def test_columns_are_wide_enough_for_letters_of_every_script_and_not_for_long_names(sheet):
    widths = {sheet.cell(1, n).value: sheet.column_dimensions[chr(64 + n)].width for n in range(1, 7)}
    assert widths["words"] == 60
    assert widths["日本語"] >= 2 * len("とても便利だと思います")
    assert widths["a question that somebody has asked at length?"] == 24


def test_numbers_stand_to_the_right_under_their_names_and_truth_is_words(sheet):
    assert [cell.alignment.horizontal for cell in sheet[1]] == ["left", "left", "right", "right", "left", "left"]
    assert [cell.alignment.horizontal for cell in sheet[2]][2:] == ["right", "right", "left", "left"]
    assert "TRUE" in sheet.cell(2, 5).number_format
    assert sheet.cell(2, 5).value is True
