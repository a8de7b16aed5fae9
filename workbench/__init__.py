"""Persona Workbench: simulate people with language models, from a notebook.

Everything public is here: `import workbench as wb`. Nothing heavy is loaded before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench import plots
    from workbench.agents.actions import Acting, Action, action
    from workbench.agents.checks import Checks
    from workbench.agents.memory.remembered import Weights
    from workbench.agents.memory.settings import MemorySettings
    from workbench.agents.mind import Mind
    from workbench.agents.person import Person, load_fragment
    from workbench.agents.persona import Fragment, Persona
    from workbench.agents.tools.calendar import Calendar
    from workbench.agents.tools.word_processor import WordProcessor
    from workbench.agents.turns import Turn
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
    "Acting": "workbench.agents.actions",
    "Action": "workbench.agents.actions",
    "Budget": "workbench.llm.meter",
    "Calendar": "workbench.agents.tools.calendar",
    "CallCache": "workbench.llm.cache",
    "Checks": "workbench.agents.checks",
    "Event": "workbench.record.events",
    "Fragment": "workbench.agents.persona",
    "LLM": "workbench.llm.client",
    "MemorySettings": "workbench.agents.memory.settings",
    "Meter": "workbench.llm.meter",
    "Mind": "workbench.agents.mind",
    "Person": "workbench.agents.person",
    "Persona": "workbench.agents.persona",
    "Proposition": "workbench.judging.propositions",
    "RunFile": "workbench.record.run_file",
    "Settings": "workbench.settings",
    "Turn": "workbench.agents.turns",
    "Weights": "workbench.agents.memory.remembered",
    "WordProcessor": "workbench.agents.tools.word_processor",
    "WorkbenchError": "workbench.errors",
    "World": "workbench.worlds.world",
    "action": "workbench.agents.actions",
    "extract": "workbench.extraction.extractor",
    "load_fragment": "workbench.agents.person",
    "score": "workbench.evaluation.scoring",
    "sync": "workbench.llm.running",
}

_MODULES = {"plots": "workbench.plots", "propositions": "workbench.judging.propositions"}

__all__ = [
    "LLM",
    "Acting",
    "Action",
    "Budget",
    "Calendar",
    "CallCache",
    "Checks",
    "Event",
    "Fragment",
    "MemorySettings",
    "Meter",
    "Mind",
    "Person",
    "Persona",
    "Proposition",
    "RunFile",
    "Settings",
    "Turn",
    "Weights",
    "WordProcessor",
    "WorkbenchError",
    "World",
    "action",
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
