"""Markdown of what may be a model's words: they are text in it, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]|~$^])")
_LEADING = re.compile(r"^(\d+)([.)])(?=\s|$)|^([#+=>:-])")
_ADDRESS = re.compile(r"(?<=\w)(:)(?=//)|(?<=www)(\.)", re.IGNORECASE)


def escaped(words: object) -> str:
    """Return words on one line that Markdown shows as they are: no HTML, no link, no emphasis, no end of a cell.

    >>> print(escaped("<b>now</b>"))
    &lt;b&gt;now&lt;/b&gt;
    """
    text = " ".join(str(words).replace("\0", "\ufffd").split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _SPECIAL.sub(r"\\\1", text)
    text = _LEADING.sub(lambda found: f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}", text)
    return _ADDRESS.sub(lambda found: f"\\{found[1] or found[2]}", text)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    lines = [[*headings], ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
