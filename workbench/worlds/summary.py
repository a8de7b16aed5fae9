"""How a run was made: what a reader has to know to believe it, or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.html import table

if TYPE_CHECKING:
    from workbench.worlds.world import World


@dataclass(frozen=True)
class Summary:
    """Facts of a run, shown as a table in a notebook."""

    facts: Mapping[str, str]

    def __str__(self) -> str:
        width = max(map(len, self.facts))
        return "\n".join(f"{name:<{width}}  {fact}" for name, fact in self.facts.items())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return table([], list(self.facts.items()))


def summarise(world: World) -> Summary:
    """Return the facts of a run."""
    spec = world.file.spec
    facts = {
        "People": "; ".join(person.minibio() for person in world.people),
        "Steps": f"{world.steps}, {world.schedule}; {world.file.n_events} events",
        "Simulated time": f"{spec['start']} to {world.time.isoformat()}",
        "Model": f"{world.llm.model} at {world.llm.endpoint.name}",
        "Seed": str(world.seed),
        "Cost of the talk": str(world.llm.meter),
        "Versions": f"persona-workbench {spec['version']}, prompts {spec['prompts']}",
        "Run file": str(world.record),
    }
    return Summary(facts | ({"To be said": world.llm.caveat} if world.llm.caveat else {}))
