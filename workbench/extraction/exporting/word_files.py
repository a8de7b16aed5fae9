"""Documents for word processors (.docx): fonts for every script, tables with borders, right-to-left paragraphs."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from workbench.extraction.documents import picture_type
from workbench.extraction.exporting.blocks import printable, with_widths
from workbench.extraction.exporting.cleaning import mapped, tables_in, text_of
from workbench.extraction.exporting.pandoc import Node, pandoc, written
from workbench.extraction.exporting.workbooks import same_each_time

_EAST_ASIAN = {
    "ja": ("Yu Gothic", "ja-JP"),
    "ko": ("Malgun Gothic", "ko-KR"),
    "zh-hans": ("Microsoft YaHei", "zh-CN"),
    "zh-hant": ("Microsoft JhengHei", "zh-TW"),
}
_BORDER = '<w:{side} w:val="single" w:sz="4" w:space="0" w:color="B4B4B4"/>'
_SIDES = ("top", "left", "bottom", "right", "insideH", "insideV")
_TABLE_STYLE = """<w:style w:type="table" w:default="1" w:styleId="Table"><w:name w:val="Table"/><w:qFormat/>
<w:tblPr><w:tblInd w:w="0" w:type="dxa"/><w:tblBorders>{borders}</w:tblBorders><w:tblCellMar>
<w:top w:w="40" w:type="dxa"/><w:left w:w="90" w:type="dxa"/><w:bottom w:w="40" w:type="dxa"/>
<w:right w:w="90" w:type="dxa"/></w:tblCellMar></w:tblPr><w:tblStylePr w:type="firstRow"><w:rPr><w:b/><w:bCs/></w:rPr>
<w:tcPr><w:shd w:val="clear" w:color="auto" w:fill="EEF0F2"/></w:tcPr></w:tblStylePr></w:style>"""
_LINE = 80
"""Letters of a table that fit beside each other on a page."""
_WIDE_TABLE = 6
"""Columns from which on pages lie on their side."""
_UPRIGHT = '<w:pgSz w:w="11906" w:h="16838"/>'
_ON_ITS_SIDE = '<w:pgSz w:w="16838" w:h="11906" w:orient="landscape"/>'
_MARGINS = (
    '<w:pgMar w:top="1304" w:right="1247" w:bottom="1304" w:left="1247" w:header="709" w:footer="709" w:gutter="0"/>'
)


def docx(blocks: Sequence[Node], pictures: Mapping[str, bytes], title: str, cjk: str) -> bytes:
    """Return a document for word processors.

    Args:
        blocks: of it, cleaned and with their directions.
        pictures: by the names that the blocks have.
        title: of the file.
        cjk: the language of its Chinese characters.
    """
    shown = mapped(blocks, lambda node: [_for_word(node, pictures)])
    with TemporaryDirectory() as folder:
        reference = Path(folder, "reference.docx")
        wide = any(n > _WIDE_TABLE for n, _ in tables_in(blocks))
        reference.write_bytes(_reference(cjk, _ON_ITS_SIDE if wide else _UPRIGHT))
        made = written(shown, "docx", f"--reference-doc={reference}", "--output=-")
    return same_each_time(_changed(made, {"word/document.xml": _finished, "docProps/core.xml": _titled(title)}))


def data_url(data: bytes) -> str:
    """Return a picture as the address of itself."""
    return f"data:image/{picture_type(data)};base64,{base64.b64encode(data).decode('ascii')}"


def _for_word(node: Node, pictures: Mapping[str, bytes]) -> Node:
    if node["t"] == "Table":
        return {"t": "Table", "c": with_widths(node["c"], text_of, line=_LINE, always=True)}
    if node["t"] != "Image":
        return node
    attributes, words, (name, _) = node["c"]
    return {"t": "Image", "c": [attributes, words, [data_url(pictures[name]), ""]]}


def _reference(cjk: str, size: str) -> bytes:
    """Return the document that pandoc takes the styles from: its own, with fonts, table borders and A4 pages."""
    default = pandoc("", "--print-default-data-file", "reference.docx")
    return _changed(
        default,
        {"word/styles.xml": lambda xml: _styles(xml, cjk), "word/document.xml": partial(_paged, size + _MARGINS)},
    )


def _changed(zipped: bytes, changes: Mapping[str, object]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(zipped)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            change = changes.get(name)
            new.writestr(name, change(data.decode()).encode() if callable(change) else data)
    return stream.getvalue()


def _styles(xml: str, cjk: str) -> str:
    font, lang = _EAST_ASIAN.get(cjk.lower(), _EAST_ASIAN.get(cjk.lower().partition("-")[0], _EAST_ASIAN["zh-hans"]))
    fonts = f'<w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:eastAsia="{font}" w:cs="Arial"/>'
    xml = re.sub(r"<w:rFonts[^>]*Theme[^>]*/>", fonts, xml)
    xml = re.sub(r'w:eastAsia="zh-CN"', f'w:eastAsia="{lang}"', xml)
    xml = re.sub(r'<w:sz w:val="24" />\s*<w:szCs w:val="24" />', '<w:sz w:val="21"/><w:szCs w:val="21"/>', xml, count=1)
    xml = _bold_in_every_script(xml)
    borders = "".join(_BORDER.format(side=side) for side in _SIDES)
    style = _TABLE_STYLE.format(borders=borders)
    return re.sub(r'<w:style\s[^>]*w:styleId="Table"[^>]*>.*?</w:style>', style, xml, count=1, flags=re.DOTALL)


def _bold_in_every_script(xml: str) -> str:
    return re.sub(r"<w:b\s*/>(?!\s*<w:bCs)", "<w:b/><w:bCs/>", xml)


def _paged(page: str, xml: str) -> str:
    def section(found: re.Match[str]) -> str:
        return f"<w:sectPr>{page}</w:sectPr>" if found[0].endswith("/>") else f"{found[0]}{page}"

    return re.sub(r"<w:sectPr\b[^>]*?(?:/>|>)", section, xml, count=1)


def _finished(xml: str) -> str:
    """Return the text with bold in every script, East Asian languages in their place, and tables set right to left."""
    xml = re.sub(r"<w:b\s*/>(?!\s*<w:bCs)", "<w:b /><w:bCs />", xml)
    xml = re.sub(r"<w:i\s*/>(?!\s*<w:iCs)", "<w:i /><w:iCs />", xml)
    xml = re.sub(r'<w:lang w:val="((?:ja|ko|zh|yue)[^"]*)" ?/>', r'<w:lang w:eastAsia="\1" />', xml)
    xml = xml.replace("<w:pPr><w:bidi />", '<w:pPr><w:pStyle w:val="BodyText" /><w:bidi />')
    xml = re.sub(r"</w:tbl>(?=\s*(?:<w:bookmark\w+ [^>]*/>\s*)*<w:tbl>)", "</w:tbl><w:p />", xml)  # else they are one
    return re.sub(r"<w:tbl>.*?</w:tbl>", lambda found: _table_direction(found[0]), xml, flags=re.DOTALL)


def _table_direction(table: str) -> str:
    first = re.search(r"<w:p>.*?</w:p>", table, re.DOTALL)
    if first is None or "<w:bidi />" not in first[0]:
        return table
    return re.sub(r"(<w:tblStyle [^>]*/>)", r"\1<w:bidiVisual />", table, count=1)


def _titled(title: str) -> object:
    from html import escape

    def change(xml: str) -> str:
        words = f"<dc:title>{escape(printable(' '.join(title.split())))}</dc:title>"
        return re.sub(r"<dc:title>.*?</dc:title>|<dc:title\s*/>", lambda _: words, xml, flags=re.DOTALL)

    return change
