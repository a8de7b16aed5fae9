"""Manuscripts: what is to be a document, cleaned and ready to be set in any format."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.extraction.documents import Document
from workbench.extraction.exporting.blocks import heading, printable, with_widths
from workbench.extraction.exporting.cleaning import cleaned, every, mapped, text_of
from workbench.extraction.exporting.directions import Setting, directed, document_lang
from workbench.extraction.exporting.markdown_files import picture_files
from workbench.extraction.exporting.pandoc import Node, blocks_of, written
from workbench.extraction.exporting.pdf_files import pdf
from workbench.extraction.exporting.word_files import data_url, docx
from workbench.html import page

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = ("md", "txt", "html", "docx", "pdf")
_COLUMNS = 100
"""Letters in a line of plain text."""


@dataclass(frozen=True)
class Manuscript:
    """A document before it has a format."""

    blocks: Sequence[Node]
    """Cleaned: see `cleaning`."""
    title: str = ""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    lang: str | None = None
    """Of the text, as a BCP 47 tag; by its letters where it is not given."""

    @property
    def cjk(self) -> str:
        """The language in whose way Chinese characters are drawn."""
        return document_lang(text_of(list(self.blocks)), self.lang)

    @cached_property
    def directed(self) -> list[Node]:
        """The blocks, with their directions and languages."""
        return directed(self.blocks, Setting("ltr", self.lang or ""), self.cjk)


def manuscript_of(document: Document, lang: str | None = None, name: str = "") -> Manuscript:
    """Return a document, cleaned.

    Args:
        document: as it was written.
        lang: of its text, where it is given.
        name: of the window and the file's facts, where the document has no title.

    Raises:
        WorkbenchError: lists or quotations in it are nested too deeply.
    """
    try:
        blocks = cleaned(blocks_of(printable(document.markdown)), document.pictures)
    except RecursionError as error:
        raise WorkbenchError("the text nests lists or quotations too deeply to be a document: flatten it") from error
    titled = [heading(document.heading, 1), *blocks] if document.heading else blocks
    used = {name: data for name, data in document.pictures.items() if _names(blocks, name)}
    return Manuscript(titled, printable(document.title or name), used, lang)


def _names(blocks: Sequence[Node], name: str) -> bool:
    return any(node["t"] == "Image" and node["c"][2][0] == name for node in every(blocks))


def document_files(path: Path, manuscript: Manuscript) -> dict[Path, bytes]:
    """Return what is to be written of a manuscript, by the ending of the path: the file, and perhaps its pictures."""
    ending = path.suffix.removeprefix(".")
    if ending == "md":
        return _markdown_files(path, manuscript)
    make: dict[str, Callable[[Manuscript], bytes]] = {"txt": _txt, "html": _html, "docx": _docx, "pdf": _pdf}
    return {path: make[ending](manuscript)}


def shown(document: Document) -> str | None:
    """Return a document as a notebook shows it, beside others; None where the extra `docs` is not installed."""
    try:
        made = manuscript_of(document)
    except WorkbenchError:
        return None
    prefix = f"d{zlib.crc32(document.markdown.encode(errors='replace')):08x}-"
    return (
        f'<div style="max-width:56em">{_body(replace(made, blocks=mapped(made.blocks, partial(_apart, prefix))))}</div>'
    )


def _apart(prefix: str, node: Node) -> list[Node]:
    """Return a heading, or a link to one, whose identifier is that of no heading of another document on the page."""
    if node["t"] == "Header":
        level, (name, *rest), words = node["c"]
        return [{"t": "Header", "c": [level, [f"{prefix}{name}" if name else "", *rest], words]}]
    if node["t"] == "Link" and node["c"][2][0].startswith("#"):
        attributes, words, (address, title) = node["c"]
        return [{"t": "Link", "c": [attributes, words, [f"#{prefix}{address[1:]}", title]]}]
    return [node]


def _docx(manuscript: Manuscript) -> bytes:
    return docx(manuscript.directed, manuscript.pictures, manuscript.title, manuscript.cjk)


def _pdf(manuscript: Manuscript) -> bytes:
    lang = manuscript.lang or "en"
    return pdf(manuscript.directed, manuscript.pictures, manuscript.title, lang, manuscript.cjk)


def _html(manuscript: Manuscript) -> bytes:
    return page(manuscript.title or "Document", _body(manuscript)).encode()


def _body(manuscript: Manuscript) -> str:
    pictures = manuscript.pictures

    def embedded(node: Node) -> list[Node]:
        if node["t"] != "Image":
            return [node]
        attributes, words, (name, _) = node["c"]
        return [{"t": "Image", "c": [attributes, words, [data_url(pictures[name]), ""]]}]

    blocks = mapped(manuscript.directed, embedded)
    made = written(blocks, "html5", "--wrap=none").decode()
    lang = re.sub(r"[^A-Za-z0-9-]", "", manuscript.lang or "")
    return f'<div lang="{lang}">\n{made}</div>' if lang else made


def _txt(manuscript: Manuscript) -> bytes:
    def fitted(node: Node) -> list[Node]:
        return [{"t": "Table", "c": with_widths(node["c"], text_of, line=_COLUMNS)}] if node["t"] == "Table" else [node]

    return written(mapped(manuscript.blocks, fitted), "plain", f"--columns={_COLUMNS}")


def _markdown_files(path: Path, manuscript: Manuscript) -> dict[Path, bytes]:
    files = picture_files(path, manuscript.pictures)
    places = {name: f"{file.parent.name}/{file.name}" for name, file in files.items()}
    blocks = mapped(manuscript.blocks, lambda node: [_moved(node, places)])
    made = written(blocks, "commonmark+pipe_tables+strikeout+footnotes", "--wrap=none")
    return {path: made, **{file: manuscript.pictures[name] for name, file in files.items()}}


def _moved(node: Node, places: Mapping[str, str]) -> Node:
    if node["t"] != "Image":
        return node
    attributes, words, (name, _) = node["c"]
    return {"t": "Image", "c": [attributes, words, [places[name], ""]]}
