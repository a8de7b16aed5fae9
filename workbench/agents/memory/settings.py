"""How a memory works: what is shown, when it is consolidated, what is retrieved."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self, get_args

from workbench.agents.memory.remembered import Weights
from workbench.errors import InvalidSettings

LongText = Literal["error", "summarise"]


@dataclass(frozen=True)
class MemorySettings:
    """How much of the past a prompt shows, and how the rest is kept and found again.

    Raises:
        InvalidSettings: a figure out of its range.
    """

    window: int = 120
    """Events that a prompt shows as they happened; at least one episode."""
    episode: int = 20
    """Events that are consolidated at once, in one request, when they leave the window; at least 10."""
    k: int = 8
    """Memories that a prompt shows."""
    weights: Weights = field(default_factory=Weights)
    decay: float = 0.995
    """What is left of recency after a simulated hour, 0-1 (Park et al. 2023)."""
    reflect_after: int = 150
    """The importance that gathers before the person reflects (Park et al. 2023); 0: never."""
    long_text: LongText = "error"
    """What becomes of a prompt that does not fit the model: an error, or its longest text is summarised."""

    def __post_init__(self) -> None:
        for name in ("window", "episode", "k", "reflect_after"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise InvalidSettings(f"{name}={value!r}: a whole number is needed")
        if not isinstance(self.weights, Weights):
            raise InvalidSettings(f"weights={self.weights!r}: it is a wb.Weights(...)")
        if self.episode < 10:
            raise InvalidSettings(f"episode={self.episode!r}: an episode has at least 10 events")
        if self.window < self.episode:
            raise InvalidSettings(f"window={self.window!r}: it holds at least one episode, here {self.episode} events")
        if self.k < 0 or self.reflect_after < 0:
            raise InvalidSettings(f"k={self.k!r}, reflect_after={self.reflect_after!r}: zero or more is needed")
        if not 0 < self.decay <= 1:
            raise InvalidSettings(f"decay={self.decay!r}: it is more than 0 and at most 1")
        if self.long_text not in get_args(LongText):
            raise InvalidSettings(f"long_text={self.long_text!r}: it is 'error' or 'summarise'")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read the settings as JSON holds them.

        Raises:
            TypeError, KeyError: they are none.
        """
        return cls(**{**data, "weights": Weights(**data["weights"])})
