"""The one place that escapes and builds HTML, for every `_repr_html_`, panel and report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_STYLE = (
    "border:1px solid var(--jp-border-color2,#8884);border-radius:6px;padding:.6em .9em;max-width:56em;"
    "color:var(--jp-content-font-color1,inherit);background:var(--jp-layout-color1,transparent)"
)
_QUIET = "color:var(--jp-content-font-color2,#777);font-size:92%"


def text(value: object) -> str:
    """Return a value as HTML text: escaped, its line breaks kept.

    >>> text("<script>")
    '&lt;script&gt;'
    """
    return escape(str(value), quote=True).replace("\0", "�").replace("\n", "<br>")


def card(title: str, subtitle: str, data: Mapping[str, Any]) -> str:
    """Return a box with a title and, folded, a tree of facts."""
    facts = _tree(data)
    return (
        f'<div style="{_STYLE}"><b>{text(title)}</b><div style="{_QUIET}">{text(subtitle)}</div>'
        f"<details><summary>all facts</summary>{facts}</details></div>"
    )


def box(title: str, subtitle: str, body: str = "") -> str:
    """Return a box with a title; `body` is HTML that this module made."""
    return f'<div style="{_STYLE}"><b>{text(title)}</b><div style="{_QUIET}">{text(subtitle)}</div>{body}</div>'


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table of texts, aligned to the left."""
    left = ' style="text-align:left;vertical-align:top"'
    head = "".join(f"<th{left}>{text(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td{left}>{text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _tree(value: Any) -> str:
    if isinstance(value, Mapping):
        items = "".join(f"<li><b>{text(key)}</b>: {_tree(item)}</li>" for key, item in value.items())
        return f"<ul>{items}</ul>"
    if isinstance(value, list):
        return "<ul>" + "".join(f"<li>{_tree(item)}</li>" for item in value) + "</ul>"
    return text(value)
