"""Markdown as it was written, with its pictures in a folder beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from workbench.extraction.documents import Document, picture_type
from workbench.extraction.exporting.blocks import printable
from workbench.record.file_names import file_names
from workbench.record.markdown import escaped


def markdown_files(path: Path, document: Document) -> dict[Path, bytes]:
    """Return Markdown, as it was written but for where its pictures lie, and the pictures that it names."""
    text = document.markdown
    named: dict[Path, bytes] = {}
    for name, file in picture_files(path, document.pictures).items():
        text, n_found = _naming(name).subn(partial(_placed, f"{file.parent.name}/{file.name}"), text)
        named |= {file: document.pictures[name]} if n_found else {}
    title = escaped(document.heading)
    whole = printable(f"# {title}\n\n{text}" if title else text)
    return {path: (whole if whole.endswith("\n") else f"{whole}\n").encode(), **named}


def picture_files(path: Path, pictures: Mapping[str, bytes]) -> dict[str, Path]:
    """Return where the pictures of a Markdown file lie, by their names: in a folder beside it, safely named."""
    folder = path.with_name(f"{path.stem}-pictures")
    stems = file_names([re.sub(r"\.(?:png|jpe?g)$", "", name, flags=re.IGNORECASE) for name in pictures])
    endings = ["jpg" if picture_type(data) == "jpeg" else "png" for data in pictures.values()]
    return {name: folder / f"{stem}.{end}" for name, stem, end in zip(pictures, stems, endings, strict=True)}


def _naming(picture: str) -> re.Pattern[str]:
    name = re.escape(picture)
    return re.compile(r"(!\[(?:[^\]\\]|\\.)*\]\()(?:<" + name + ">|" + name + r")(?=[\s)])")


def _placed(place: str, found: re.Match[str]) -> str:
    return f"{found[1]}<{place}>"
