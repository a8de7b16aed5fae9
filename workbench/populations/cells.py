"""All combinations of some dimensions: which there can be, how frequent each is, and what they have to add up to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.populations.combinations import Combination, ends_in, say, speaks_of
from workbench.populations.dimensions import Dimension
from workbench.populations.fitting import Target
from workbench.populations.ranges import Range

if TYPE_CHECKING:
    from workbench.populations.fitting import Indices, Numbers

MOST_CELLS = 50_000
"""Combinations of dimensions that depend on each other."""


@dataclass(frozen=True)
class Part:
    """A level, or a part of its range: combinations that nobody has may divide a range."""

    level: str
    range: Range | None
    fraction: float
    """Of the level's people."""


def parts_of(dimension: Dimension, impossible: Sequence[Combination]) -> list[Part]:
    """Return the parts of a dimension's levels, in order."""
    ranges = dimension.ranges
    if ranges is None:
        return [Part(level, None, 1.0) for level in dimension.levels]
    ends = [end for combination in impossible for end in ends_in(combination, dimension)]
    cuts = {level: whole.cut_at(ends) for level, whole in ranges.items()}
    return [Part(level, part, part.width / ranges[level].width) for level in cuts for part in cuts[level]]


@dataclass(frozen=True)
class Cells:
    """The combinations of dimensions that hang together."""

    dimensions: tuple[Dimension, ...]
    impossible: tuple[Combination, ...]
    """Those that speak of these dimensions."""

    def __post_init__(self) -> None:
        if self.n > MOST_CELLS:
            names = ", ".join(dimension.name for dimension in self.dimensions)
            raise InvalidSettings(
                f"{names} depend on each other and have {self.n:,} combinations (at most {MOST_CELLS:,}): give them "
                "fewer levels, or let fewer depend on each other"
            )

    @cached_property
    def parts(self) -> dict[str, list[Part]]:
        """The parts of each dimension."""
        return {dimension.name: parts_of(dimension, self.impossible) for dimension in self.dimensions}

    @property
    def n(self) -> int:
        """How many combinations there are."""
        return math.prod(len(parts) for parts in self.parts.values())

    @cached_property
    def part_of(self) -> dict[str, Indices]:
        """For each dimension, the number of its part in each cell."""
        import numpy as np

        grid = np.indices([len(parts) for parts in self.parts.values()]).reshape(len(self.parts), -1)
        return dict(zip(self.parts, grid, strict=True))

    @cached_property
    def level_of(self) -> dict[str, Indices]:
        """For each dimension, the number of its level in each cell."""
        import numpy as np

        levels = {d.name: [d.levels.index(part.level) for part in self.parts[d.name]] for d in self.dimensions}
        return {name: np.array(levels[name], dtype=np.intp)[self.part_of[name]] for name in levels}

    @cached_property
    def possible(self) -> Any:
        """Whether each cell can be."""
        import numpy as np

        possible = np.ones(self.n, dtype=bool)
        for combination in self.impossible:
            hit = np.ones(self.n, dtype=bool)
            for dimension in (d for d in self.dimensions if d.name in combination):
                parts = self.parts[dimension.name]
                spoken = [speaks_of(combination, dimension, part.level, part.range) for part in parts]
                hit &= np.array(spoken)[self.part_of[dimension.name]]
            possible &= ~hit
        return possible

    @property
    def why(self) -> str:
        """What restricts them, for a message."""
        return f" (nobody is {'; nobody is '.join(map(say, self.impossible))})" if self.impossible else ""

    def shares(self, *, sampled: bool) -> tuple[Numbers, list[Target]]:
        """Return the share of each cell as the dimensions say it, and what the cells have to add up to.

        Args:
            sampled: among those who are sampled, where that differs.
        """
        import numpy as np

        cells, targets = np.ones(self.n), list[Target]()
        for dimension in self.dimensions:
            table = _table(dimension, [self._dimension(name) for name in dimension.given], sampled=sampled)
            names = (*dimension.given, dimension.name)
            fractions = np.array([part.fraction for part in self.parts[dimension.name]])[self.part_of[dimension.name]]
            cells = cells * table[tuple(self.level_of[name] for name in names)] * fractions
        for dimension in self.dimensions:
            targets.append(self._target(cells, (*dimension.given, dimension.name)))
        return np.where(self.possible, cells, 0.0), targets

    def marginals(self, cells: Numbers) -> list[Target]:
        """Return the marginals that cells have in the dimensions whose shares depend on others."""
        return [self._target(cells, (dimension.name,)) for dimension in self.dimensions if dimension.given]

    def _target(self, cells: Numbers, names: tuple[str, ...]) -> Target:
        import numpy as np

        dimensions = [self._dimension(name) for name in names]
        shape = [len(dimension.levels) for dimension in dimensions]
        cell_of = np.ravel_multi_index([self.level_of[name] for name in names], shape)
        labels = [
            " with ".join(f"{d.name} {d.levels[i]}" for d, i in zip(dimensions, index, strict=True))
            for index in np.ndindex(*shape)
        ]
        shares = np.bincount(cell_of, weights=cells, minlength=math.prod(shape))
        return Target(names, tuple(labels), shares, cell_of)

    def _dimension(self, name: str) -> Dimension:
        return next(dimension for dimension in self.dimensions if dimension.name == name)


def _table(dimension: Dimension, given: Sequence[Dimension], *, sampled: bool) -> Numbers:
    """Return the shares of a dimension as an array: the levels of what it depends on, then its own."""
    import numpy as np

    shares = dimension.sampled if sampled and dimension.sampled is not None else dimension.shares
    table = np.zeros([*(len(one.levels) for one in given), len(dimension.levels)])
    for index in np.ndindex(*table.shape[:-1]):
        inner: Mapping[str, Any] = shares
        for one, number in zip(given, index, strict=True):
            inner = inner[one.levels[number]]
        table[index] = [inner.get(level, 0.0) for level in dimension.levels]
    return table


def hanging_together(dimensions: Sequence[Dimension], impossible: Sequence[Combination], most: int) -> list[Cells]:
    """Divide dimensions into groups, whose combinations are rounded as one.

    Those that depend on each other are in one group; others share one as long as it has few combinations, since then
    their cross tables come out even as well.

    Args:
        dimensions: all of them.
        impossible: what nobody is.
        most: combinations in a group of dimensions that could be apart.
    """
    import networkx as nx

    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(dimension.name for dimension in dimensions)
    graph.add_edges_from((name, dimension.name) for dimension in dimensions for name in dimension.given)
    for combination in impossible:
        nx.add_path(graph, combination)
    order = {dimension.name: number for number, dimension in enumerate(dimensions)}
    apart = [_cells(dimensions, impossible, names) for names in nx.connected_components(graph)]
    groups: list[Cells] = []
    for cells in sorted(apart, key=lambda cells: (cells.n, order[cells.dimensions[0].name])):
        if groups and groups[-1].n * cells.n <= most:
            groups[-1] = _cells(dimensions, impossible, {*groups[-1].parts, *cells.parts})
        else:
            groups.append(cells)
    return groups


def _cells(dimensions: Sequence[Dimension], impossible: Sequence[Combination], names: set[str]) -> Cells:
    inside = tuple(dimension for dimension in dimensions if dimension.name in names)
    return Cells(inside, tuple(combination for combination in impossible if names & set(combination)))
