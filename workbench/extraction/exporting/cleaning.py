"""What may be in a document: an allow-list, since its text may be a model's.

Of what pandoc has read, only known blocks and inlines are kept, made anew, without attributes. HTML and TeX become the
text that they are. Links lead to the web, to mail, or to a heading of the document; pictures are those that the
document carries. What is refused is not hidden: its words and its address are shown as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from workbench.extraction.exporting.blocks import NO_ATTRIBUTES, cells_of, inlines, printable
from workbench.extraction.exporting.pandoc import Node

_WEB = re.compile(r"(?:https?://|mailto:)[^\s\0-\x1f]+", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_LONGEST_ADDRESS = 120
_WRAPPERS = frozenset({"Emph", "Strong", "Strikeout", "Underline", "Superscript", "Subscript", "SmallCaps"})
_PLAIN = frozenset({"Space", "SoftBreak", "LineBreak", "HorizontalRule"})


@dataclass(frozen=True)
class Cleaner:
    """Makes blocks anew, of what is allowed."""

    pictures: Collection[str]
    """The names of the pictures that the document carries."""
    headings: Collection[str] = ()
    """The identifiers that links may lead to."""

    def blocks(self, nodes: Sequence[Node]) -> list[Node]:
        """Return blocks that may be shown."""
        return [made for node in nodes for made in self._block(node)]

    def inlines(self, nodes: Sequence[Node]) -> list[Node]:
        """Return inlines that may be shown."""
        return [made for node in nodes for made in self._inline(node)]

    # -- blocks --------------------------------------------------------------------------------------------

    def _block(self, node: Node) -> Iterator[Node]:
        kind, content = node["t"], node.get("c", [])
        if kind in ("Para", "Plain"):
            yield {"t": kind, "c": self.inlines(content)}
        elif kind == "Header":
            level, attributes, words = content
            yield {"t": kind, "c": [level, [attributes[0], [], []], self.inlines(words)]}
        elif kind == "CodeBlock":
            yield {"t": kind, "c": [NO_ATTRIBUTES, printable(content[1])]}
        elif kind == "RawBlock":
            yield {"t": "Para", "c": inlines(content[1])}
        elif kind in _PLAIN:
            yield {"t": kind}
        elif kind == "Table":
            yield {"t": kind, "c": self._table(content)}
        else:
            yield from self._container(kind, content)

    def _container(self, kind: str, content: Any) -> Iterator[Node]:
        if kind == "BlockQuote":
            yield {"t": kind, "c": self.blocks(content)}
        elif kind == "BulletList":
            yield {"t": kind, "c": [self.blocks(item) for item in content]}
        elif kind == "OrderedList":
            yield {"t": kind, "c": [content[0], [self.blocks(item) for item in content[1]]]}
        elif kind in ("Div", "Figure"):
            yield from self.blocks(content[-1])
        else:
            raise ValueError(f"pandoc's {kind} is not among what Markdown has")

    def _table(self, content: Sequence[Any]) -> list[Any]:
        _, _, columns, head, bodies, foot = content
        made = [[NO_ATTRIBUTES, body[1], self._rows(body[2]), self._rows(body[3])] for body in bodies]
        parts = [[NO_ATTRIBUTES, self._rows(part[1])] for part in (head, foot)]
        return [NO_ATTRIBUTES, [None, []], columns, parts[0], made, parts[1]]

    def _rows(self, rows: Sequence[Any]) -> list[Any]:
        return [[NO_ATTRIBUTES, [[NO_ATTRIBUTES, *cell[1:4], self.blocks(cell[4])] for cell in row[1]]] for row in rows]

    # -- inlines -------------------------------------------------------------------------------------------

    def _inline(self, node: Node) -> Iterator[Node]:
        kind, content = node["t"], node.get("c", [])
        if kind == "Str":
            yield {"t": kind, "c": printable(str(content))}
        elif kind in _PLAIN:
            yield {"t": kind}
        elif kind in _WRAPPERS:
            yield {"t": kind, "c": self.inlines(content)}
        elif kind == "Code":
            yield {"t": kind, "c": [NO_ATTRIBUTES, printable(content[1])]}
        elif kind == "RawInline":
            yield from [{"t": "LineBreak"}] if _BREAK.fullmatch(content[1]) else inlines(content[1])
        elif kind == "Note":
            yield {"t": kind, "c": self.blocks(content)}
        elif kind == "Link":
            yield from self._link(*content)
        elif kind == "Image":
            yield from self._image(*content)
        elif kind in ("Span", "Quoted", "Cite"):
            yield from self.inlines(content[1])
        else:
            raise ValueError(f"pandoc's {kind} is not among what Markdown has")

    def _link(self, _: Any, words: Sequence[Node], target: Sequence[str]) -> Iterator[Node]:
        address = printable(target[0])
        known = address.startswith("#") and unquote(address[1:]) in self.headings
        if known or _WEB.fullmatch(address):
            where = f"#{unquote(address[1:])}" if known else address
            yield {"t": "Link", "c": [NO_ATTRIBUTES, self.inlines(words), [where, ""]]}
            return
        yield from self.inlines(words)
        if address:
            yield from _shown(address)

    def _image(self, _: Any, words: Sequence[Node], target: Sequence[str]) -> Iterator[Node]:
        named = next((name for name in (target[0], unquote(target[0])) if name in self.pictures), None)
        said = self.inlines(words)
        if named is not None:
            yield {"t": "Image", "c": [NO_ATTRIBUTES, said, [named, ""]]}
            return
        yield from [{"t": "Str", "c": "["}, *said, {"t": "Str", "c": "]"}]
        yield from _shown(printable(target[0]))


def _shown(address: str) -> list[Node]:
    short = address if len(address) <= _LONGEST_ADDRESS else f"{address[:_LONGEST_ADDRESS]}…"
    return [{"t": "Space"}, *inlines(f"({short})")] if address else []


def cleaned(blocks: Sequence[Node], pictures: Mapping[str, bytes]) -> list[Node]:
    """Return blocks that may be shown."""
    headings = {node["c"][1][0] for node in every(blocks) if node["t"] == "Header"}
    return Cleaner(frozenset(pictures), headings - {""}).blocks(blocks)


def every(nodes: Any) -> Iterator[Node]:
    """Yield each block and inline, also of what is inside of others."""
    if isinstance(nodes, dict):
        if "t" in nodes:
            yield nodes
        nodes = nodes.get("c", ())
    if isinstance(nodes, list | tuple):
        for node in nodes:
            yield from every(node)


def mapped(nodes: Sequence[Node], change: Callable[[Node], Sequence[Node]]) -> list[Any]:
    """Return nodes of which each was changed, those inside of others first."""

    def inside(value: Any) -> Any:
        if isinstance(value, list):
            made: list[Any] = []
            for one in value:
                changed = inside(one)
                made += change(changed) if isinstance(one, dict) and "t" in one else [changed]
            return made
        if isinstance(value, dict):
            return {key: inside(one) for key, one in value.items()}
        return value

    return list(inside(list(nodes)))


def text_of(nodes: Any) -> str:
    """Return the text of blocks or inlines, without any form."""
    parts = []
    for node in every(nodes):
        if node["t"] in ("Str", "Code", "CodeBlock"):
            parts.append(node["c"] if node["t"] == "Str" else node["c"][1])
        elif node["t"] in ("Space", "SoftBreak", "LineBreak", "Para", "Plain", "Header"):
            parts.append(" ")
    return "".join(parts)


def tables_in(blocks: Sequence[Node]) -> list[tuple[int, list[list[str]]]]:
    """Return how many columns each table has, and the texts of its cells."""
    found = []
    for node in every(blocks):
        if node["t"] == "Table":
            texts = [text_of(cell[4]) for cell in cells_of(node["c"])]
            n = max(len(node["c"][2]), 1)
            found.append((n, [texts[start : start + n] for start in range(0, len(texts), n)]))
    return found
