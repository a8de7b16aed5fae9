"""How an archive of a run is laid out: what its files are called, and the manifest that says what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

VERSION = 1
README, MANIFEST, RECORDING, REPORT, RUN = "README.txt", "manifest.json", "recording.jsonl", "report.html", "run.sqlite"
PERSONAS, PICTURES = "personas", "pictures"
PERSONA_ENDING = ".agent.json"
PICTURE_ENDINGS = {".jpg": b"\xff\xd8\xff", ".png": b"\x89PNG\r\n\x1a\n"}
"""With what such a file begins."""


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
