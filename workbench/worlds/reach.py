"""Who can reach whom, now: it changes while a run goes on, with its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from workbench.errors import InvalidSettings
from workbench.worlds.names import Names
from workbench.worlds.social_network import Attribute, Relations, SocialNetwork, check_relation, check_two

ReachSpec = Literal["everyone", "nobody", "relationships"] | Sequence[Sequence[str]] | SocialNetwork
"""`everyone`, `nobody`, `relationships` (of a world alone), pairs of names, each perhaps with what the two are, or a
network."""

_ACQUAINTED: Relations = {"": {}}


class Reach:
    """Who can reach whom. Links go both ways, but for those of a directed network.

    Args:
        names: of all people, in their order.
        spec: see `ReachSpec`.

    Raises:
        InvalidSettings: it names somebody who is not there, or cannot be read.
    """

    def __init__(self, names: Names | Iterable[str], spec: ReachSpec = "everyone") -> None:
        self.names = names if isinstance(names, Names) else Names(names)
        self._everyone = isinstance(spec, str) and spec == "everyone"
        self.directed = isinstance(spec, SocialNetwork) and spec.directed
        self._out: dict[str, dict[str, Relations]] = {}
        if isinstance(spec, SocialNetwork):
            self._check(spec.people)
            for source, target, relation, attributes in spec.edges:
                self._add(source, target, relation, attributes)
        elif isinstance(spec, str):
            if spec not in ("everyone", "nobody"):
                raise _unreadable(spec)
        elif isinstance(spec, Mapping) or hasattr(spec, "edges") or not isinstance(spec, Iterable):
            raise _unreadable(spec)
        else:
            spec = list(spec)
            for pair in spec:
                self._add_pair(pair)
        self._spec = spec

    def __repr__(self) -> str:
        n = sum(1 for _ in self._pairs())
        kind = "directed pair" if self.directed else "pair"
        told = "everyone" if self._everyone else f"{n} {kind}{'s' if n != 1 else ''}"
        return f"Reach({len(self.names)} people, {told})"

    def _add_pair(self, pair: Sequence[str]) -> None:
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) not in (2, 3):
            raise InvalidSettings(f"reach: {pair!r} is not a pair of names, perhaps with a description")
        if pair[0] == pair[1]:
            self._check(pair[:1])
            raise InvalidSettings(f"reach: {pair[0]!r} is in a pair with themselves: name two people")
        self._add(pair[0], pair[1], pair[2] if len(pair) == 3 else "", {})

    def _add(self, source: str, target: str, relation: str, attributes: Mapping[str, Attribute]) -> None:
        self._check((source, target))
        self.connect(source, target, relation, attributes)

    def _check(self, names: Iterable[str]) -> None:
        if unknown := [name for name in names if name not in self.names]:
            raise InvalidSettings(f"reach: nobody here is called {', '.join(map(repr, unknown))}")

    def of(self, name: str) -> dict[str, str]:
        """Return whom somebody reaches, in the order of the people, each with what they are, or nothing."""
        links = self._out.get(name, {})
        if self._everyone:
            return {other: described(links.get(other, {})) for other in self.names if other != name}
        return {other: described(links[other]) for other in self.names.in_order(links)}

    def reaches(self, source: str, target: str) -> bool:
        """Return whether what one says can be heard by the other."""
        return source != target and (self._everyone or target in self._out.get(source, {}))

    # -- changes -------------------------------------------------------------------------------------------

    def link(self, one: str, other: str) -> None:
        """Bring two people into reach of each other, both ways; what they are to each other stays."""
        for source, target in ((one, other), (other, one)):
            if target not in self._out.get(source, {}):
                self._set(source, target, _ACQUAINTED)

    def connect(self, source: str, target: str, relation: str, attributes: Mapping[str, Attribute]) -> None:
        """Add a relation, or change its attributes; both ways unless the network is directed."""
        check_relation(source, target, relation, attributes)
        for one, other in self._ways(source, target):
            relations = {**self._out.get(one, {}).get(other, {}), relation: dict(attributes)}
            if len(relations) > 1 and relations.get("") == {}:
                del relations[""]  # that they know each other is said by the others
            self._set(one, other, relations)

    def disconnect(self, source: str, target: str, relation: str | None = None) -> None:
        """Take away a relation, or all of them; likewise.

        Raises:
            InvalidSettings: there is none, or everybody reaches everybody, so that only a named one can be taken away.
        """
        self.check_disconnect(source, target, relation)
        for one, other in self._ways(source, target):
            known = self._out[one].pop(other)
            self._set(one, other, {name: facts for name, facts in known.items() if relation not in (None, name)})

    def check_disconnect(self, source: str, target: str, relation: str | None) -> None:
        """Check that a relation can be taken away.

        Raises:
            InvalidSettings: as `disconnect`.
        """
        check_two(source, target)
        if self._everyone and relation is None:
            raise InvalidSettings(
                "everybody reaches everybody here: give the world a reach of pairs or a SocialNetwork"
            )
        for one, other in self._ways(source, target):
            known = self._out.get(one, {}).get(other, {})
            if not known or relation not in (None, *known):
                named = "" if relation is None else f" {relation!r}"
                raise InvalidSettings(f"{one} has no relation{named} to {other}")

    def _ways(self, source: str, target: str) -> list[tuple[str, str]]:
        return [(source, target)] if self.directed else [(source, target), (target, source)]

    def _set(self, source: str, target: str, relations: Relations) -> None:
        if relations:  # none is ever changed in its place, so that all who merely know each other share one
            self._out.setdefault(source, {})[target] = _ACQUAINTED if relations == _ACQUAINTED else relations

    # -- files and graphs ----------------------------------------------------------------------------------

    def to_network(self) -> SocialNetwork:
        """Return who can reach whom now as a network, for measures and drawings."""
        network = SocialNetwork(self.names, directed=self.directed)
        if self._everyone:
            raise InvalidSettings("everybody reaches everybody here: that is no network")
        for source, target, relations in self._pairs():
            for relation, attributes in relations.items():
                network.connect(source, target, relation, **attributes)
        return network

    def to_spec(self) -> Any:
        """Return what a run file keeps of a new world: a word, pairs, or a network's edges by the places of people."""
        if not isinstance(self._spec, SocialNetwork):
            return self._spec if isinstance(self._spec, str) else [list(pair) for pair in self._spec]
        place = self.names.place
        edges = [[place(source), place(target), relations] for source, target, relations in self._pairs()]
        return {"directed": self.directed, "edges": edges}

    def _pairs(self) -> list[tuple[str, str, Relations]]:
        place = self.names.place
        return [
            (source, target, links[target])
            for source, links in self._out.items()
            for target in links
            if self.directed or place(source) < place(target)
        ]

    @classmethod
    def from_spec(cls, names: Names, spec: Any) -> Reach:
        """Read what `to_spec` returned, or what earlier versions kept.

        Raises:
            LookupError, TypeError, ValueError: it is none.
        """
        if not (isinstance(spec, Mapping) and "edges" in spec):
            return cls(names, spec)
        network = SocialNetwork(names, directed=spec["directed"])
        for source, target, relations in spec["edges"]:
            for relation, attributes in relations.items():
                network.connect(names.all[source], names.all[target], relation, **attributes)
        return cls(names, network)


def _unreadable(spec: object) -> InvalidSettings:
    if hasattr(spec, "edges"):
        kind = type(spec).__name__
        return InvalidSettings(f"reach is a {kind}: make a network of a graph, as in SocialNetwork.from_graph(graph)")
    return InvalidSettings(
        f"reach={spec!r}: it is 'everyone', 'nobody', 'relationships', a list of pairs of names or a SocialNetwork"
    )


def described(relations: Relations) -> str:
    """Return what two people are to each other in words: `friend, since: 2019; colleague`."""
    told = [
        ", ".join([*([relation] if relation else []), *(f"{name}: {value}" for name, value in attributes.items())])
        for relation, attributes in relations.items()
    ]
    return "; ".join(filter(None, told))
