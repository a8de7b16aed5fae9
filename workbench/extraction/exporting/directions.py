"""In which direction and in which language each part of a document is written, by its letters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from workbench.extraction.exporting.cleaning import text_of
from workbench.extraction.exporting.pandoc import Node

Direction = Literal["ltr", "rtl"]
_KANA, _HANGUL = re.compile("[\u3040-\u30ff\uff66-\uff9d]"), re.compile("[\u1100-\u11ff\uac00-\ud7af]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WITHIN = frozenset({"BulletList", "OrderedList", "BlockQuote", "Table"})


class Setting(NamedTuple):
    """How a part is set."""

    direction: Direction
    lang: str
    """A BCP 47 tag; empty where letters do not tell."""


def direction_of(text: str) -> Direction | None:
    """Return the direction of the first letter that has one (the rule of Unicode's bidirectional algorithm, P2).

    >>> direction_of("1. مرحبا, world")
    'rtl'
    """
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        if kind in ("L", "R", "AL"):
            return "ltr" if kind == "L" else "rtl"
    return None


def lang_of(text: str, default: str) -> str:
    """Return the language of a text that has Chinese characters, which Japanese, Korean and Chinese draw differently.

    Args:
        text: of a part.
        default: of the document, for a part that has nothing but such characters.
    """
    if _KANA.search(text):
        return "ja"
    if _HANGUL.search(text):
        return "ko"
    return default if _HAN.search(text) else ""


def document_lang(text: str, given: str | None) -> str:
    """Return the language of a document's Chinese characters: as given, else by its other letters."""
    if given and given.partition("-")[0].lower() in ("ja", "ko", "zh", "yue"):
        return given
    return "ja" if _KANA.search(text) else "ko" if _HANGUL.search(text) else "zh-Hans"


def directed(blocks: Sequence[Node], around: Setting, default: str) -> list[Node]:
    """Return blocks of which those that are written otherwise than what is around them say so.

    Args:
        blocks: of a document, or inside of one.
        around: how what they stand in is set.
        default: the language of Chinese characters where nothing else tells.
    """
    return [_directed(block, around, default) for block in blocks]


def _directed(block: Node, around: Setting, default: str) -> Node:
    text = text_of([block])
    own = Setting(direction_of(text) or around.direction, lang_of(text, default) or around.lang)
    if block["t"] == "CodeBlock":
        own = Setting("ltr", around.lang)
    inner = _inside(block, own, default) if block["t"] in _WITHIN else block
    said = [["dir", own.direction]] if own.direction != around.direction else []
    said += [["lang", own.lang]] if own.lang != around.lang else []
    return {"t": "Div", "c": [["", [], said], [inner]]} if said else inner


def _inside(block: Node, own: Setting, default: str) -> Node:
    kind, content = block["t"], block["c"]
    made: Any
    if kind == "BlockQuote":
        made = directed(content, own, default)
    elif kind == "BulletList":
        made = [directed(item, own, default) for item in content]
    elif kind == "OrderedList":
        made = [content[0], [directed(item, own, default) for item in content[1]]]
    else:
        made = _table(content, own, default)
    return {"t": kind, "c": made}


def _table(content: Sequence[Any], own: Setting, default: str) -> list[Any]:
    def rows(of: Sequence[Any]) -> list[Any]:
        return [[row[0], [[*cell[:4], directed(cell[4], own, default)] for cell in row[1]]] for row in of]

    attributes, caption, columns, head, bodies, foot = content
    made = [[body[0], body[1], rows(body[2]), rows(body[3])] for body in bodies]
    return [attributes, caption, columns, [head[0], rows(head[1])], made, [foot[0], rows(foot[1])]]
