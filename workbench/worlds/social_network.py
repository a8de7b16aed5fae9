"""`SocialNetwork`: who can reach whom, as named relations between people. It can be made of any networkx graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from workbench.errors import InvalidSettings
from workbench.html import box

if TYPE_CHECKING:
    import networkx as nx

    from workbench.agents.person import Person

Attribute = str | int | float | bool
Relations = dict[str, dict[str, Attribute]]
"""Between two people: the attributes of each relation, by its name; an unnamed one is ''."""
Edge = tuple[str, str, str, dict[str, Attribute]]
"""From whom, to whom, the relation, its attributes."""
RELATION = "relation"
"""The edge attribute of a graph that names the relation."""


class SocialNetwork:
    """People and their relations. An edge lets talk pass from its source to its target; both ways unless directed.

    Args:
        people: persons or their names; more may be named later.
        directed: whether A reaching B does not mean that B reaches A.

    >>> SocialNetwork(["Ann", "Bob"]).connect("Ann", "Bob", "friend", since=2019)
    SocialNetwork(2 people, 1 edge)
    """

    def __init__(self, people: Iterable[Person | str] = (), *, directed: bool = False) -> None:
        self.directed = directed
        self._people: dict[str, None] = dict.fromkeys(map(_name, people))
        self._edges: dict[tuple[str, str], Relations] = {}

    @property
    def people(self) -> tuple[str, ...]:
        """The names of all."""
        return tuple(self._people)

    @property
    def edges(self) -> Iterator[Edge]:
        """Each relation of each pair; of an undirected network, each pair once."""
        return (
            (*pair, relation, dict(attributes))
            for pair, relations in self._edges.items()
            for relation, attributes in relations.items()
        )

    def __repr__(self) -> str:
        n = sum(map(len, self._edges.values()))
        kind = "directed " if self.directed else ""
        return f"SocialNetwork({len(self._people)} people, {n} {kind}edge{'s' if n != 1 else ''})"

    def _repr_html_(self) -> str:
        return box("Social network", repr(self))

    def connect(
        self, source: Person | str, target: Person | str, /, relation: str = "", **attributes: Attribute
    ) -> Self:
        """Add a relation between two people, or change its attributes.

        Args:
            source: who.
            target: whom they can reach.
            relation: its name, such as "friend"; two people may have several.
            **attributes: facts about it; they stand in prompts.

        Raises:
            InvalidSettings: somebody with themselves, or an attribute that is no text, number or truth value.
        """
        one, other = _name(source), _name(target)
        check_relation(one, other, relation, attributes)
        self._people |= {one: None, other: None}
        self._edges.setdefault(self._pair(one, other), {})[relation] = dict(attributes)
        return self

    def disconnect(self, source: Person | str, target: Person | str, relation: str | None = None) -> Self:
        """Take away a relation between two people; all of them when none is named.

        Raises:
            InvalidSettings: there is none.
        """
        check_two(_name(source), _name(target))
        pair = self._pair(_name(source), _name(target))
        relations = self._edges.get(pair, {})
        if not relations or relation not in (None, *relations):
            what = "no relation" if relation is None else f"no relation {relation!r}"
            raise InvalidSettings(f"{pair[0]} and {pair[1]} have {what}")
        if relation is None or len(relations) == 1:
            del self._edges[pair]
        else:
            del relations[relation]
        return self

    def _pair(self, one: str, other: str) -> tuple[str, str]:
        known = self.directed or (one, other) in self._edges or (other, one) not in self._edges
        return (one, other) if known else (other, one)

    # -- graphs --------------------------------------------------------------------------------------------

    @classmethod
    def from_graph(cls, graph: nx.Graph[Any], people: Sequence[Person | str] | None = None) -> Self:
        """Make a network of a graph, such as `nx.watts_strogatz_graph(50, 8, 0.1)`.

        An edge's attribute `relation` names it; the others are its attributes. Of a multigraph, a text key does, too;
        edges of one name between the same two are one relation.

        Args:
            graph: directed or not, multigraph or not. Loops are left out: everybody reaches themselves.
            people: persons or names. Where the nodes are not their names, node after node is person after person.

        Raises:
            InvalidSettings: nodes and people do not fit, or an attribute that cannot be shown in a prompt.
        """
        if not hasattr(graph, "is_multigraph"):
            raise InvalidSettings(f"from_graph({graph!r}): a networkx graph is needed")
        nodes = list(graph.nodes)
        names = [_name(person) for person in people] if people is not None else [_node_name(node) for node in nodes]
        if twice := [name for name, n in Counter(names).items() if n > 1]:
            raise InvalidSettings(f"two people are called {', '.join(map(repr, twice))}: names tell people apart")
        people_named = set(names)
        strangers = [node for node in nodes if node not in people_named]
        if not strangers:
            called = {node: node for node in nodes}
        elif len(strangers) < len(nodes):  # some are names: to take the others for somebody else would be a guess
            raise InvalidSettings(f"the graph's nodes {', '.join(map(repr, strangers[:5]))} are nobody's names")
        elif len(nodes) == len(names):
            called = dict(zip(nodes, names, strict=True))
        else:
            raise InvalidSettings(f"the graph has {len(nodes)} nodes for {len(names)} people: give as many of both")
        network = cls(names, directed=graph.is_directed())
        edges: Any = graph.edges
        for source, target, *key, data in edges(data=True, **({"keys": True} if graph.is_multigraph() else {})):
            attributes = {str(name): _plain(value) for name, value in data.items() if name != RELATION}
            named = data.get(RELATION, key[0] if key and isinstance(key[0], str) else None)
            relation = "" if named is None else str(named)
            if source != target:
                one, other = called[source], called[target]
                known = network._edges.get(network._pair(one, other), {}).get(relation, {})
                network.connect(one, other, relation, **{**known, **attributes})
        return network

    def to_graph(self) -> nx.Graph[str]:
        """Return a networkx graph, a multigraph whose keys are the relations, for measures and drawings."""
        import networkx as nx

        graph: Any = nx.MultiDiGraph() if self.directed else nx.MultiGraph()
        graph.add_nodes_from(self._people)
        for source, target, relation, attributes in self.edges:
            graph.add_edge(source, target, key=relation)
            graph.edges[source, target, relation].update({RELATION: relation, **attributes})
        return graph  # type: ignore[no-any-return]


def check_relation(source: str, target: str, relation: str, attributes: Mapping[str, Any]) -> None:
    """Check what two people are to be to each other.

    Raises:
        InvalidSettings: somebody with themselves, or what cannot stand in a prompt.
    """
    check_two(source, target)
    if not isinstance(relation, str):
        raise InvalidSettings(f"{source} and {target}: the relation {relation!r} is no text")
    for name, value in attributes.items():
        if not isinstance(value, Attribute):
            raise InvalidSettings(
                f"{source} and {target}: {name}={value!r} is a {type(value).__name__}; a text, a number or a truth "
                "value is needed"
            )


def check_two(source: str, target: str) -> None:
    """Check that these are two people.

    Raises:
        InvalidSettings: they are one.
    """
    if source == target:
        raise InvalidSettings(f"{source!r} is in a relation with themselves: name two people")


def _plain(value: Any) -> Any:
    """Return a number of numpy as one of Python."""
    return value.item() if hasattr(value, "item") else value


def _name(person: Person | str) -> str:
    return person if isinstance(person, str) else person.name


def _node_name(node: object) -> str:
    if not isinstance(node, str):
        raise InvalidSettings(f"the graph's node {node!r} is no name: give from_graph(graph, people)")
    return node
