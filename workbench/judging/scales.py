"""The scale that a claim is scored on, and what its bands mean."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import InvalidSettings


@dataclass(frozen=True)
class Scale:
    """Whole numbers from low to high.

    Args:
        low: the lowest score.
        high: the highest.
        bands: what scores mean, as the judge is told.

    Raises:
        InvalidSettings: ends that do not rise, or no bands.
    """

    low: int
    high: int
    bands: str

    def __post_init__(self) -> None:
        whole = all(type(end) is int for end in (self.low, self.high))
        if not whole or not self.low < self.high or not self.bands.strip():
            raise InvalidSettings(f"a scale from {self.low!r} to {self.high!r} needs rising whole numbers and bands")

    @property
    def points(self) -> range:
        """All scores."""
        return range(self.low, self.high + 1)


NINE = Scale(
    0,
    9,
    "0 = plainly false; 1-3 = mostly false, serious flaws; 4-5 = mixed; 6-7 = mostly true, small flaws; 8 = true; "
    "9 = true beyond doubt, without any flaw",
)
"""The scale of claims that have no other."""
