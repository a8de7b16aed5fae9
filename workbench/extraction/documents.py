"""`Document`: Markdown with the pictures that it shows, as reports are, before it becomes a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from workbench.errors import InvalidSettings
from workbench.record.markdown import escaped

PICTURE_TYPES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}
"""What a picture may be, by the bytes that it begins with."""


@dataclass(frozen=True)
class Document:
    r"""Markdown with its pictures. A notebook shows it; `export` writes it.

    >>> Document("# Findings\n\nThree of four would buy it.").heading
    ''
    """

    markdown: str
    """CommonMark with tables, footnotes, task lists and ~~strikeout~~. HTML in it is shown as text."""
    title: str = ""
    """Of the window and of the file; a heading where the Markdown has none of its own with these words."""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """PNG or JPEG by the name that the Markdown has: `![words](name)`."""

    def __post_init__(self) -> None:
        if not isinstance(self.markdown, str) or not isinstance(self.title, str):
            raise InvalidSettings("a Document is a text in Markdown with a title that is a text: Document('# A', 'B')")
        if not isinstance(self.pictures, Mapping):
            raise InvalidSettings("pictures: a mapping from names to bytes is needed: {'chart.png': data}")
        for name, data in self.pictures.items():
            if not isinstance(name, str) or not isinstance(data, bytes) or picture_type(data) is None:
                raise InvalidSettings(f"the picture {name!r} is neither PNG nor JPEG")
        object.__setattr__(self, "pictures", MappingProxyType(dict(self.pictures)))

    @property
    def heading(self) -> str:
        """The title, where the Markdown does not begin with it."""
        first = next((line for line in self.markdown.splitlines() if line.strip()), "").strip("# \t").casefold()
        written = (self.title.strip().casefold(), escaped(self.title).casefold())
        return "" if first in written else self.title.strip()

    def __reduce__(self) -> tuple[type[Document], tuple[str, str, dict[str, bytes]]]:
        return type(self), (self.markdown, self.title, dict(self.pictures))

    def _repr_markdown_(self) -> str:
        """Return what is shown where the extra `docs` is not installed."""
        return self.markdown

    def _repr_html_(self) -> str | None:
        from workbench.extraction.exporting.manuscripts import shown

        return shown(self)


def picture_type(data: bytes) -> str | None:
    """Return `png` or `jpeg`, by what the bytes begin with; None where they are neither."""
    return next((kind for start, kind in PICTURE_TYPES.items() if data.startswith(start)), None)
