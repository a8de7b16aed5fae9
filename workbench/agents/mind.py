"""The mind: what a person feels, attends to and wants just now, and where they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LISTS = ("goals", "context")


@dataclass(frozen=True)
class Mind:
    """A state of mind. It does not change; a turn brings another one."""

    emotions: str = ""
    attention: str = ""
    goals: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    """What holds just now, such as "shopping for a family of five"."""
    location: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the mind as files hold it."""
        return {**vars(self), "goals": list(self.goals), "context": list(self.context)}

    def to_json(self) -> str:
        """Return the mind as JSON text, the content of a mind event."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Mind:
        """Read the content of a mind event."""
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Mind:
        """Read a mind as files hold it.

        Raises:
            TypeError: a key that no mind has, or a value of the wrong type.
        """
        for name, value in data.items():
            texts = value if name in _LISTS else [value]
            if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
                raise TypeError(f"mind: {name} is {value!r}")
        made: dict[str, Any] = {name: tuple(value) if name in _LISTS else value for name, value in data.items()}
        return cls(**made)
