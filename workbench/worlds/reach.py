"""Who can reach whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from workbench.errors import InvalidSettings

ReachSpec = Literal["everyone", "nobody", "relationships"] | Sequence[Sequence[str]]
"""`everyone`, `nobody`, `relationships` (of a world alone), or pairs of names, each perhaps with what the two are."""


class Reach:
    """Who can reach whom. Links go both ways.

    Args:
        names: of all people, in their order.
        spec: see `ReachSpec`.

    Raises:
        InvalidSettings: a pair names somebody who is not there.
    """

    def __init__(self, names: Iterable[str], spec: ReachSpec = "everyone") -> None:
        self.names = tuple(names)
        self.spec = spec
        self._everyone = spec == "everyone"
        self._links: dict[str, dict[str, str]] = {}
        if isinstance(spec, str):
            if spec not in ("everyone", "nobody"):
                raise InvalidSettings(
                    f"reach={spec!r}: it is 'everyone', 'nobody', 'relationships' or a list of pairs of names"
                )
            return
        for pair in spec:
            self._add_pair(pair)

    def _add_pair(self, pair: Sequence[str]) -> None:
        if isinstance(pair, str) or len(pair) not in (2, 3):
            raise InvalidSettings(f"reach: {pair!r} is not a pair of names, perhaps with a description")
        if unknown := [name for name in pair[:2] if name not in self.names]:
            raise InvalidSettings(f"reach: nobody here is called {', '.join(map(repr, unknown))}")
        if pair[0] == pair[1]:
            raise InvalidSettings(f"reach: {pair[0]!r} is in a pair with themselves: name two people")
        self.link(*pair)

    def link(self, one: str, other: str, description: str = "") -> None:
        """Bring two people into reach of each other; what they are to each other stays, unless another is given."""
        for name, partner in ((one, other), (other, one)):
            known = self._links.get(name, {})
            self._links = {**self._links, name: {**known, partner: description or known.get(partner, "")}}

    def of(self, name: str) -> dict[str, str]:
        """Return who is in reach of somebody, in the order of the people, each with a description or nothing."""
        links = self._links.get(name, {})
        if self._everyone:
            return {other: links.get(other, "") for other in self.names if other != name}
        return {other: links[other] for other in self.names if other in links}

    def mark(self) -> dict[str, dict[str, str]]:
        """Return a mark to go back to when a step fails."""
        return self._links

    def back_to(self, mark: dict[str, dict[str, str]]) -> None:
        """Undo the links that came after a mark."""
        self._links = mark
