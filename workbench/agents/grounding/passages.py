"""Documents as passages, by name: what a person reads and can look up."""

from __future__ import annotations

from pathlib import Path

from workbench.agents.grounding.chunking import chunks
from workbench.agents.grounding.reading import SUFFIXES, read_document
from workbench.agents.grounding.web import fetch_page
from workbench.errors import UnknownName


def passages_of_path(path: str | Path) -> dict[str, list[str]]:
    """Return the passages of a file, or of every document in a folder, by the file's name.

    Raises:
        UnknownName: there is no such path, or the folder has no document.
        UnreadableDocument: a file cannot be read; it is named.
    """
    path = Path(path)
    if not path.is_dir():
        return {path.name: chunks(read_document(path))}
    files = sorted((f for f in path.rglob("*") if _is_document(f)), key=str)
    if not files:
        raise UnknownName(f"{path.absolute()} has no document: {', '.join(SUFFIXES)} are read")
    return {file.relative_to(path).as_posix(): chunks(read_document(file)) for file in files}


async def passages_of_page(url: str, *, allow_private: bool = False) -> dict[str, list[str]]:
    """Return the passages of a web page, by its address.

    Args:
        url: http or https.
        allow_private: whether it may be on this machine or in its network.

    Raises:
        UnreadableDocument: it cannot be had, or its address is refused.
    """
    return {url: chunks(await fetch_page(url, allow_private=allow_private))}


def _is_document(file: Path) -> bool:
    """Return whether a file is to be read: not what systems and programs leave beside documents."""
    return file.suffix.lower() in SUFFIXES and not file.name.startswith((".", "~$")) and file.is_file()
