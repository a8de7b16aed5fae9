"""How an archive of a run is laid out: what its files are called, and the manifest that says what is in it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal

from pathvalidate import sanitize_filename
from pydantic import BaseModel, ConfigDict, Field

VERSION = 1
README, MANIFEST, RECORDING, REPORT, RUN = "README.txt", "manifest.json", "recording.jsonl", "report.html", "run.sqlite"
PERSONAS, PICTURES = "personas", "pictures"
PERSONA_ENDING = ".agent.json"
PICTURE_ENDINGS = {".jpg": b"\xff\xd8\xff", ".png": b"\x89PNG\r\n\x1a\n"}
"""With what such a file begins."""
LONGEST_NAME = 50
"""Characters of a file's name: few enough for the 255 bytes of most file systems in any script."""


class Member(BaseModel):
    """A file of an archive, as the manifest has it."""

    model_config = ConfigDict(frozen=True, strict=True)

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class Manifest(BaseModel):
    """What is in an archive, and what is missing in it."""

    model_config = ConfigDict(frozen=True, strict=True)

    format: Literal["workbench-archive"] = "workbench-archive"
    version: int = VERSION
    made_with: str = ""
    members: dict[str, Member]
    missing: list[Annotated[str, Field(pattern=r"^\P{Cc}*$")]] = []
    """Sentences, without what would steer a terminal."""

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return sum(member.bytes for member in self.members.values())

    def __str__(self) -> str:
        parts: dict[str, list[int]] = {}
        for name, member in sorted(self.members.items()):
            folder, slash, _ = name.partition("/")
            parts.setdefault(f"{folder}/" if slash else name, []).append(member.bytes)
        lines = [f"  {name:<16} {sum(sizes) / 1000:>10,.1f} kB{_files(name, sizes)}" for name, sizes in parts.items()]
        return "\n".join([*lines, *(f"Missing: {what}" for what in self.missing)])


def _files(name: str, sizes: Sequence[int]) -> str:
    return f"  ({len(sizes)} file{'s' if len(sizes) > 1 else ''})" if name.endswith("/") else ""


class Header(BaseModel):
    """What the manifests of all versions have, later ones too."""

    model_config = ConfigDict(strict=True)

    format: Literal["workbench-archive"]
    version: Annotated[int, Field(ge=1)]


def file_names(names: Sequence[str]) -> list[str]:
    """Return names that files can have on every system, each another, also where case and Unicode form do not count.

    >>> file_names(["Lisa", "LISA", "../../etc", "CON", ""])
    ['Lisa', 'LISA-2', 'etc', 'CON_', 'unnamed']
    """
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    made = []
    for name in names:
        unique = stem = _safe(name)
        while folded(unique) in taken:
            numbers[stem] += 1
            unique = f"{stem}-{numbers[stem] + 1}"
        taken.add(folded(unique))
        made.append(unique)
    return made


def folded(name: str) -> str:
    """Return what two names have in common that some file system takes for one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _safe(name: str) -> str:
    visible = "".join(char for char in name if unicodedata.category(char)[0] != "C" or char == "\n")
    words = " ".join(unicodedata.normalize("NFC", visible).split())[:LONGEST_NAME]
    allowed = str(sanitize_filename(words, platform="universal")).strip(". ")
    stem = unicodedata.normalize("NFC", allowed)  # again: an accent may have come next to its letter
    first = stem.partition(".")[0].strip()
    if first and sanitize_filename(first, platform="universal") != first:  # Windows: CON.txt is the console, too
        stem = f"_{stem}"
    return stem or "unnamed"
