"""Bytes that events name: pictures, and the scores of what was remembered. Each is kept once, under its SHA-256."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Mapping

from workbench.errors import InvalidPersona, UnknownName


class Blobs:
    """Bytes by name, in memory. Their names are their SHA-256, so they never change and never conflict.

    Args:
        behind: reads those that are kept elsewhere, such as in a run file.
    """

    def __init__(self, behind: Callable[[str], bytes | None] = lambda name: None) -> None:
        self.new: dict[str, bytes] = {}
        self._behind = behind

    def keep(self, data: bytes) -> str:
        """Keep bytes; returns the name that events give them."""
        name = hashlib.sha256(data).hexdigest()
        self.new[name] = data
        return name

    def read(self, name: str) -> bytes:
        """Return the bytes of a name.

        Raises:
            UnknownName: there are none.
        """
        data = self._get(name)
        if data is None:
            raise UnknownName(f"nothing is kept under {name[:12]}: was the file that named it copied only in part?")
        return data

    def copy(self) -> Blobs:
        """Return others that begin with the same."""
        return Blobs(self._get)  # what has a name never changes

    def to_json(self, names: Iterable[str]) -> dict[str, str]:
        """Return some of them as JSON holds them."""
        return {name: base64.b64encode(self.read(name)).decode() for name in names}

    def restore(self, data: Mapping[str, str], where: str) -> None:
        """Take in what `to_json` returned.

        Raises:
            InvalidPersona: it is damaged.
        """
        for name, text in data.items():
            try:
                kept = self.keep(base64.b64decode(text, validate=True))
            except binascii.Error as error:
                raise InvalidPersona(f"{where}: blobs.{name[:12]} is damaged: {error}") from error
            if kept != name:
                raise InvalidPersona(f"{where}: blobs.{name[:12]} is damaged: it is not what its name says")

    def _get(self, name: str) -> bytes | None:
        return self.new[name] if name in self.new else self._behind(name)
