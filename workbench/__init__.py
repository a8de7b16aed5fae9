"""Persona Workbench: simulate people with language models, from a notebook.

Everything public is here: `import workbench as wb`. Nothing heavy is loaded before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench import plots
    from workbench.agents.mind import Mind
    from workbench.agents.person import Person, load_fragment
    from workbench.agents.persona import Fragment, Persona
    from workbench.agents.turns import Action, Turn
    from workbench.errors import WorkbenchError
    from workbench.evaluation.scoring import score
    from workbench.extraction.extractor import extract
    from workbench.judging import propositions
    from workbench.judging.propositions import Proposition
    from workbench.llm.cache import CallCache
    from workbench.llm.client import LLM
    from workbench.llm.meter import Budget, Meter
    from workbench.llm.running import sync
    from workbench.record.events import Event
    from workbench.record.run_file import RunFile
    from workbench.settings import Settings
    from workbench.worlds.world import World

_WHERE = {
    "Action": "workbench.agents.turns",
    "Budget": "workbench.llm.meter",
    "CallCache": "workbench.llm.cache",
    "Event": "workbench.record.events",
    "Fragment": "workbench.agents.persona",
    "LLM": "workbench.llm.client",
    "Meter": "workbench.llm.meter",
    "Mind": "workbench.agents.mind",
    "Person": "workbench.agents.person",
    "Persona": "workbench.agents.persona",
    "Proposition": "workbench.judging.propositions",
    "RunFile": "workbench.record.run_file",
    "Settings": "workbench.settings",
    "Turn": "workbench.agents.turns",
    "WorkbenchError": "workbench.errors",
    "World": "workbench.worlds.world",
    "extract": "workbench.extraction.extractor",
    "load_fragment": "workbench.agents.person",
    "score": "workbench.evaluation.scoring",
    "sync": "workbench.llm.running",
}

_MODULES = {"plots": "workbench.plots", "propositions": "workbench.judging.propositions"}

__all__ = [
    "LLM",
    "Action",
    "Budget",
    "CallCache",
    "Event",
    "Fragment",
    "Meter",
    "Mind",
    "Person",
    "Persona",
    "Proposition",
    "RunFile",
    "Settings",
    "Turn",
    "WorkbenchError",
    "World",
    "extract",
    "load_fragment",
    "plots",
    "propositions",
    "score",
    "sync",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        found: Any = import_module(_MODULES[name])
    elif name in _WHERE:
        found = getattr(import_module(_WHERE[name]), name)
    else:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return list(__all__)
