"""Documents as PDF, set by typst. It sees one folder, with the document, its pictures and the fonts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from workbench.errors import WorkbenchError
from workbench.extraction.documents import picture_type
from workbench.extraction.exporting.blocks import with_widths
from workbench.extraction.exporting.cleaning import every, mapped, tables_in, text_of
from workbench.extraction.exporting.extras import needed
from workbench.extraction.exporting.fonts import code_families, families, put_fonts, warn_of_missing
from workbench.extraction.exporting.pandoc import Node, written

_EPOCH = 946684800  # 2000-01-01: no wall clock, the same document is the same file
_LONG_WORD = re.compile(r"\S{26,}")
_BREAK_EVERY = 12
_WIDE_TABLE = 6
"""Columns from which on pages lie on their side."""
_LINE = 88
"""Letters of a table that fit beside each other on a page."""

_PREAMBLE = """
#set document(title: sys.inputs.title, date: none)
#set page(
  paper: "a4", margin: (x: 2.2cm, y: 2.3cm), flipped: {flipped},
  footer: context align(center, text(size: 8.5pt, fill: luma(40%), counter(page).display("1 / 1", both: true))),
)
#set text(font: {fonts}, size: 10.5pt, lang: "{lang}", dir: ltr, hyphenate: false)
#set par(leading: 0.7em, spacing: 1em)
#set smartquote(enabled: false)
#show heading: set block(above: 1.5em, below: 0.7em, sticky: true)
#show heading.where(level: 1): set text(size: 18pt)
#show heading.where(level: 2): set text(size: 14pt)
#show heading.where(level: 3): set text(size: 12pt)
#show raw: set text(font: {code_fonts}, size: 1.1em)
#show raw.where(block: true): it => block(fill: luma(96%), inset: 8pt, radius: 3pt, width: 100%, it)
#show link: it => if type(it.dest) == str {{ underline(text(fill: rgb("#1f5fa8"), it)) }} else {{ it }}
#show quote.where(block: true): it => block(
  stroke: (left: 2pt + luma(75%)), inset: (left: 10pt, y: 2pt), width: 100%, it.body)
#show figure: set block(breakable: true, width: 100%)
#show figure: set align(start)
#set table(stroke: 0.5pt + luma(72%), inset: (x: 5pt, y: 4pt), fill: (_, y) => if y == 0 {{ luma(94%) }})
#show table: set align(start)
#show table: set text(size: {table_size}pt)
#show table: set par(leading: 0.55em)
#show table.cell.where(y: 0): strong
#let horizontalrule = line(length: 100%, stroke: 0.5pt + luma(70%))
"""


def pdf(blocks: Sequence[Node], pictures: Mapping[str, bytes], title: str, lang: str, cjk: str) -> bytes:
    """Return a document as PDF.

    Args:
        blocks: of it, cleaned and with their directions.
        pictures: by the names that the blocks have.
        title: of the file.
        lang: of the document.
        cjk: the language in whose way Chinese characters are drawn where nothing else tells.

    Raises:
        WorkbenchError: it could not be set.
    """
    typst = needed("typst")
    warn_of_missing(text_of(list(blocks)))
    with TemporaryDirectory() as made:
        root = Path(made).resolve()
        files = _put_pictures(pictures, root)
        source = _preamble(blocks, lang, cjk) + written(_for_typst(blocks, files, cjk), "typst").decode()
        (root / "document.typ").write_text(source, encoding="utf-8")
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=put_fonts(root / "f"))
        compiler = typst.Compiler(
            root / "document.typ",
            root=root,
            font_paths=fonts,
            ignore_system_fonts=True,
            sys_inputs={"title": title},
            package_path=root / "none",
            package_cache_path=root / "none",
        )
        try:
            return bytes(compiler.compile(format="pdf", timestamp=_EPOCH))
        except typst.TypstError as error:
            raise WorkbenchError(f"typst could not set the document: {error}") from error


def _put_pictures(pictures: Mapping[str, bytes], folder: Path) -> dict[str, str]:
    files = {}
    for number, (name, data) in enumerate(pictures.items(), start=1):
        files[name] = f"{number}.{picture_type(data)}"
        (folder / files[name]).write_bytes(data)
    return files


def _preamble(blocks: Sequence[Node], lang: str, cjk: str) -> str:
    most = max((n for n, _ in tables_in(blocks)), default=0)
    return _PREAMBLE.format(
        flipped="true" if most > _WIDE_TABLE else "false",
        fonts=_listed(families(cjk)),
        code_fonts=_listed(code_families(cjk)),
        lang=_letters(lang),
        table_size=9 if most <= 2 * _WIDE_TABLE else 6.5,
    )


def _listed(names: Sequence[str]) -> str:
    return "(" + ", ".join(f'"{name}"' for name in names) + ",)"


def _for_typst(blocks: Sequence[Node], files: Mapping[str, str], cjk: str) -> list[Node]:
    """Return blocks whose headings, pictures and directions are as typst needs them; all code is written here."""
    headings = [node["c"][1][0] for node in every(blocks) if node["t"] == "Header"]
    labels = {name: f"h{number}" for number, name in enumerate(headings, start=1) if name}

    def change(node: Node) -> list[Node]:
        kind, content = node["t"], node.get("c", [])
        if kind == "Header":
            return [{"t": kind, "c": [content[0], [labels.get(content[1][0], ""), [], []], content[2]]}]
        if kind == "Link" and content[2][0].startswith("#"):
            return [{"t": kind, "c": [content[0], content[1], [f"#{labels[content[2][0][1:]]}", ""]]}]
        if kind == "Image":
            return [{"t": kind, "c": [content[0], content[1], [files[content[2][0]], ""]]}]
        if kind == "Str":
            return [{"t": kind, "c": _LONG_WORD.sub(_breakable, content)}]
        if kind == "Table":
            return [{"t": kind, "c": with_widths(content, text_of, line=_LINE)}]
        return _set_apart(dict(content[0][2]), content[1], cjk) if kind == "Div" else [node]

    return mapped(blocks, change)


def _breakable(found: re.Match[str]) -> str:
    word = found[0]
    return "\u200b".join(word[start : start + _BREAK_EVERY] for start in range(0, len(word), _BREAK_EVERY))


def _set_apart(said: Mapping[str, str], blocks: Sequence[Node], cjk: str) -> list[Node]:
    """Return blocks between code that sets direction and language: words of ours, none of the document's."""
    direction = f"dir: {'rtl' if said['dir'] == 'rtl' else 'ltr'}, " if "dir" in said else ""
    known = said.get("lang", "")
    lang = f'lang: "{_letters(known)}", font: {_listed(families(known))}, ' if known else ""
    code = f"#block(width: 100%)[\n#set text({direction}{lang})\n#set align(start)\n"
    return [_code(code), *blocks, _code("]")]


def _letters(lang: str) -> str:
    return "".join(letter for letter in lang.partition("-")[0] if letter.isascii() and letter.isalpha())


def _code(code: str) -> Node:
    return {"t": "RawBlock", "c": ["typst", code]}
