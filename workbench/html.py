"""The one place that escapes and builds HTML, for every `_repr_html_`, panel and report."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

_STYLE = (
    "border:1px solid var(--jp-border-color2,#8884);border-radius:6px;padding:.6em .9em;max-width:56em;"
    "color:var(--jp-content-font-color1,inherit);background:var(--jp-layout-color1,transparent)"
)
_QUIET = "color:var(--jp-content-font-color2,#777);font-size:92%"


_PROBLEM = "color:#c9473f;background:#c9473f1c;border-radius:4px;padding:0 .3em;font-size:92%"


_THUMBNAIL = re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True)
class Links:
    """A cell of a table that names events: what each says is shown where a pointer rests on its number."""

    events: tuple[tuple[str, str], ...]
    """The number of each, and what it says."""
    problem: str = ""
    """Why they are not to be relied on."""
    lead: bool = True
    """Whether they lead to the events of a conversation on the same page."""

    @property
    def html(self) -> str:
        """The links as HTML."""
        links = (self._link(text(number), attribute(said)) for number, said in self.events)
        problem = f' <span style="{_PROBLEM}">{text(self.problem)}</span>' if self.problem else ""
        return ", ".join(links) + problem

    def _link(self, number: str, said: str) -> str:
        if self.lead:
            return f'<a href="#event-{number}" title="{said}">{number}</a>'
        return f'<span title="{said}">{number}</span>'


def text(value: object) -> str:
    """Return a value as HTML text: escaped, its line breaks kept.

    >>> text("<script>")
    '&lt;script&gt;'
    """
    return escape(str(value), quote=True).replace("\0", "�").replace("\n", "<br>")


def attribute(value: object) -> str:
    """Return a value as what stands where no element may: in an attribute, in a page's title; its line breaks kept.

    >>> attribute('"two"' + chr(10) + 'lines')
    '&quot;two&quot;&#10;lines'
    """
    return escape(str(value), quote=True).replace("\0", "�").replace("\r", "&#13;").replace("\n", "&#10;")


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
    """Return a table of texts and links, aligned to the left; without a head when there are no headings."""
    left = ' style="text-align:left;vertical-align:top;padding:.15em 1.2em .15em 0"'
    head = "".join(f"<th{left}>{text(heading)}</th>" for heading in headings)
    head = f"<thead><tr>{head}</tr></thead>" if headings else ""
    body = "".join("<tr>" + "".join(f"<td{left}>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{head}<tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    return value.html if isinstance(value, Links) else text(value)


def dialogue(rows: Sequence[tuple[int, str, str, str, bool]], thumbnails: Mapping[int, str] | None = None) -> str:
    """Return a conversation to be read.

    Args:
        rows: number, time, speaker, words, and whether they were only thought.
        thumbnails: of pictures that were seen, by number, as data URLs; what is none is not shown.
    """
    shown = {number: url for number, url in (thumbnails or {}).items() if _THUMBNAIL.fullmatch(url)}
    parts, last = [], ""
    for number, time, speaker, words, quiet in rows:
        if time != last:
            parts.append(f'<div style="{_QUIET};margin:.9em 0 .2em">{text(time)}</div>')
            last = time
        style = f"{_QUIET};font-style:italic" if quiet else ""
        parts.append(
            f'<div id="event-{number}" style="margin:.25em 0;padding-left:2.6em;text-indent:-2.6em">'
            f'<span style="{_QUIET};display:inline-block;width:calc(2.6em / .92);text-indent:0">{number}</span>'
            f'<b>{text(speaker)}</b> <span style="{style}">{text(words)}</span>'
            f"{_picture(shown.get(number))}</div>"
        )
    return f'<div style="max-width:56em;line-height:1.45">{"".join(parts)}</div>'


def image(png: bytes, words: str) -> str:
    """Return a picture that is part of the page.

    Args:
        png: the bytes of it.
        words: that say what is on it, where it cannot be seen.
    """
    data = base64.b64encode(png).decode("ascii")
    style = "max-width:100%;display:block;margin:.6em 0"
    return f'<img alt="{attribute(words)}" src="data:image/png;base64,{data}" style="{style}">'


def _picture(url: str | None) -> str:
    style = "display:block;margin:.3em 0;border-radius:4px"
    return f'<img alt="the picture, small" src="{url}" style="{style}">' if url else ""


def _tree(value: Any) -> str:
    if isinstance(value, Mapping):
        items = "".join(f"<li><b>{text(key)}</b>: {_tree(item)}</li>" for key, item in value.items())
        return f"<ul>{items}</ul>"
    if isinstance(value, list | tuple):
        return "<ul>" + "".join(f"<li>{_tree(item)}</li>" for item in value) + "</ul>"
    return text(value)


def page(title: str, body: str) -> str:
    """Return a page that needs nothing else: it loads nothing, runs no script, and follows light and dark.

    Args:
        title: of the window, as text.
        body: HTML.
    """
    return _PAGE.format(title=attribute(title), body=body)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #1b1f24; --quiet: #5b6470; --paper: #fff; --line: #d5dae0; --tint: #f4f6f8; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e4e7eb; --quiet: #9aa4b0; --paper: #16191d; --line: #39414a; --tint: #20252b; }}
}}
body {{
  --jp-content-font-color1: var(--ink); --jp-content-font-color2: var(--quiet); --jp-layout-color1: var(--paper);
  --jp-layout-color2: var(--tint); --jp-border-color2: var(--line);
  margin: 2.5rem auto; max-width: 60rem; padding: 0 1.25rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", "Noto Sans", "Noto Sans CJK JP", sans-serif; overflow-wrap: break-word;
}}
h1, h2, h3 {{ line-height: 1.25; margin: 1.8em 0 .5em; }}
h1 {{ font-size: 1.7rem; margin-top: 0; }}
h2 {{ font-size: 1.25rem; border-bottom: 1px solid var(--line); padding-bottom: .25em; }}
table {{ border: 0; border-collapse: collapse; font-size: .9rem; margin: .8em 0; display: block; overflow-x: auto; }}
th, td, .dataframe thead th, .dataframe tbody th {{
  border: 0; border-bottom: 1px solid var(--line); padding: .35em .9em .35em 0; text-align: start !important;
  vertical-align: top; overflow-wrap: normal;
}}
pre {{ background: var(--tint); border-radius: 6px; padding: .7em .9em; overflow-x: auto; font-size: .85rem; }}
img {{ max-width: 100%; }}
a.anchor-link {{ display: none; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def heading(title: object, level: int = 2) -> str:
    """Return a heading of a page."""
    return f"<h{level}>{text(title)}</h{level}>"


def paragraph(words: object, *, quiet: bool = False) -> str:
    """Return a paragraph, perhaps in a smaller, paler hand."""
    style = f' style="{_QUIET}"' if quiet else ""
    return f"<p{style}>{text(words)}</p>"


def callout(words: object) -> str:
    """Return a paragraph that a reader is not to miss."""
    return f'<p role="note" style="{_STYLE};border-left-width:5px">{text(words)}</p>'


def runs_nothing(document: str) -> bool:
    """Return whether a page of somebody else's is kept from running and loading anything, as those of `page` are.

    Its head begins with the policy that forbids it; what no policy forbids (to be sent elsewhere) is not in it.
    """
    head = _GUARDED.match(document)
    return head is not None and not _ELSEWHERE.search(document, head.end())


_GUARDED = re.compile(
    r'<!doctype html>\s*<html lang="[a-z-]*">\s*<head>\s*<meta charset="utf-8">\s*'
    r'(?:<meta name="[a-z-]*" content="[^"<>]*">\s*)*'
    r'<meta http-equiv="Content-Security-Policy" content="'
    r"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(r"<\s*(?:meta|base|form|link)\b", re.IGNORECASE)
