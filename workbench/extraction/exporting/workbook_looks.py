"""How a workbook looks: long texts are wrapped and seen, no row is taller than a screen, and heads stand out."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.extraction.exporting.table_metadata import Column

_NARROWEST, _WIDEST, _WIDEST_HEAD = 8, 60, 24
"""Letters in a column; a longer name of one is wrapped, too."""
_MOST_LINES, _LINE = 12, 15
"""Lines of a row that are shown, and how high each is, in points."""
_FILLED = 1.1
"""Room that a letter needs where lines break between words."""
_SEEN = 100
"""Rows by which the width of a column is chosen."""
_RIGHT = ("integer", "number")


class Looks:
    """Gives the cells of a sheet their form. Styles are made once: each that is set anew is slow."""

    def __init__(self, sheet: Any) -> None:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Alignment, Font

        def style(across: str, font: Any = None, number_format: str = "General", *, wrap: bool = False) -> Any:
            cell = WriteOnlyCell(sheet)
            cell.alignment = Alignment(across, "top", wrap_text=wrap, indent=1 if across == "right" else 0)
            if font:
                cell.font = font
            cell.number_format = number_format
            return cell

        bold = Font(name="Calibri", family=2, size=11, bold=True)
        self._sheet = sheet
        self._heads = {True: style("right", bold, wrap=True), False: style("left", bold, wrap=True)}
        self._text = style("general", wrap=True)
        self._number = style("right")
        self._time = style("left", number_format="yyyy-mm-dd hh:mm:ss")
        self._bool = style("left", number_format='"TRUE";"TRUE";"FALSE"')  # LibreOffice shows 1 and 0 without

    def head(self, cell: Any, column: Column) -> Any:
        """Return the cell of a column's name: bold, over its numbers where it has numbers."""
        return self._like(self._heads[column.type.kind in _RIGHT], cell)

    def cell(self, value: Any) -> Any:
        """Return a cell of what a sheet can hold."""
        if value is None:
            return None
        if isinstance(value, bool):
            return self._like(self._bool, value)
        if isinstance(value, datetime):
            return self._like(self._time, value)
        number = isinstance(value, int) or value.data_type == "n"
        return self._like(self._number if number else self._text, value)

    def _like(self, model: Any, value: Any) -> Any:
        from openpyxl.cell import WriteOnlyCell

        cell = value if hasattr(value, "data_type") else WriteOnlyCell(self._sheet, value)
        cell._style = model._style
        return cell

    def size(self, columns: Sequence[Column]) -> None:
        """Choose how wide columns are, and how high the rows; none is taller than a screen."""
        from openpyxl.utils import get_column_letter

        widths = [_width(column) for column in columns]
        lines = {1: max(_n_lines(column.name, width) for column, width in zip(columns, widths, strict=True))}
        for place, (column, width) in enumerate(zip(columns, widths, strict=True), start=1):
            self._sheet.column_dimensions[get_column_letter(place)].width = width
            for row, cell in enumerate(column.cells, start=2):
                if isinstance(cell, str | list | dict):
                    lines[row] = max(lines.get(row, 1), _n_lines(str(cell), width))
        for row, n in lines.items():
            if n > 1:  # LibreOffice does not see for itself
                self._sheet.row_dimensions[row].height = min(n, _MOST_LINES) * _LINE


def _width(column: Column) -> int:
    longest = max((_letters(str(cell)) for cell in column.cells[:_SEEN] if cell is not None), default=0)
    return min(max(longest + 2, min(_letters(column.name) + 3, _WIDEST_HEAD), _NARROWEST), _WIDEST)


def _letters(text: str) -> int:
    """Return how many letters wide the longest line of a text is; those of Chinese and Japanese count as two."""
    return max(
        (len(line) + sum(map(_is_wide, "" if line.isascii() else line)) for line in text.splitlines()), default=0
    )


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"


def _n_lines(text: str, width: int) -> int:
    """Return about how many lines a text needs: words that do not fit go to the next line whole."""
    if len(text) * 2 < width and "\n" not in text:
        return 1
    if len(text) > width * _MOST_LINES:
        return _MOST_LINES
    return sum(_n_wrapped(_letters(line), width) for line in text.splitlines())


def _n_wrapped(letters: int, width: int) -> int:
    return 1 if letters <= width else -(-round(letters * _FILLED) // width)
