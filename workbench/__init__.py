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
    from workbench.agents.seats import Cue
    from workbench.agents.tools.calendar import Calendar
    from workbench.agents.tools.word_processor import WordProcessor
    from workbench.agents.turns import Turn
    from workbench.errors import WorkbenchError
    from workbench.evaluation.adherence import adherence_ranks
    from workbench.evaluation.human.comparing import compare_to_human
    from workbench.evaluation.judge_quality.asking import judge_quality
    from workbench.evaluation.judges import Judge
    from workbench.evaluation.metrics.measuring import measure
    from workbench.evaluation.scoring import check, score
    from workbench.evaluation.statistics.assumptions import assumptions
    from workbench.evaluation.statistics.comparing import compare
    from workbench.evaluation.statistics.power import power, sample_size
    from workbench.evaluation.surveys.asking import ask
    from workbench.evaluation.surveys.questions import Choice, MultiChoice, Ranking
    from workbench.evaluation.surveys.scales import FreeText, Likert, Matrix, Number
    from workbench.evaluation.surveys.shares import shares
    from workbench.evaluation.surveys.survey import Section, Survey
    from workbench.evaluation.validation import validate
    from workbench.extraction import rules
    from workbench.extraction.documents import Document
    from workbench.extraction.exporting.exporter import export
    from workbench.extraction.exporting.table_reading import read_table
    from workbench.extraction.extractor import extract
    from workbench.extraction.fields import Quotation
    from workbench.extraction.merging.merging_runs import merge_rows
    from workbench.extraction.normalising.normaliser import Normaliser
    from workbench.extraction.reducing import reduce
    from workbench.extraction.reporting.reporter import report
    from workbench.extraction.rewriting import enrich, restyle
    from workbench.judging import propositions
    from workbench.judging.propositions import Proposition
    from workbench.judging.scales import Scale
    from workbench.llm.cache import CallCache
    from workbench.llm.client import LLM
    from workbench.llm.meter import Budget, Meter
    from workbench.llm.running import sync
    from workbench.populations.dimensions import Dimension
    from workbench.populations.plan import SamplingPlan
    from workbench.populations.population import Population
    from workbench.record.events import Event
    from workbench.record.run_file import RunFile
    from workbench.settings import Settings
    from workbench.worlds import schedules
    from workbench.worlds.archives import pack, unpack
    from workbench.worlds.differences import diff
    from workbench.worlds.interventions import Intervention, Stimulus
    from workbench.worlds.many import run_all
    from workbench.worlds.social_network import SocialNetwork
    from workbench.worlds.story import Story
    from workbench.worlds.world import World

_WHERE = {
    "Acting": "workbench.agents.actions",
    "Action": "workbench.agents.actions",
    "Budget": "workbench.llm.meter",
    "Calendar": "workbench.agents.tools.calendar",
    "CallCache": "workbench.llm.cache",
    "Checks": "workbench.agents.checks",
    "Choice": "workbench.evaluation.surveys.questions",
    "Cue": "workbench.agents.seats",
    "Dimension": "workbench.populations.dimensions",
    "Document": "workbench.extraction.documents",
    "Event": "workbench.record.events",
    "Fragment": "workbench.agents.persona",
    "FreeText": "workbench.evaluation.surveys.scales",
    "Intervention": "workbench.worlds.interventions",
    "Judge": "workbench.evaluation.judges",
    "LLM": "workbench.llm.client",
    "Likert": "workbench.evaluation.surveys.scales",
    "Matrix": "workbench.evaluation.surveys.scales",
    "MemorySettings": "workbench.agents.memory.settings",
    "Meter": "workbench.llm.meter",
    "Mind": "workbench.agents.mind",
    "MultiChoice": "workbench.evaluation.surveys.questions",
    "Normaliser": "workbench.extraction.normalising.normaliser",
    "Number": "workbench.evaluation.surveys.scales",
    "Person": "workbench.agents.person",
    "Persona": "workbench.agents.persona",
    "Population": "workbench.populations.population",
    "Proposition": "workbench.judging.propositions",
    "Quotation": "workbench.extraction.fields",
    "Ranking": "workbench.evaluation.surveys.questions",
    "RunFile": "workbench.record.run_file",
    "SamplingPlan": "workbench.populations.plan",
    "Scale": "workbench.judging.scales",
    "Section": "workbench.evaluation.surveys.survey",
    "Settings": "workbench.settings",
    "SocialNetwork": "workbench.worlds.social_network",
    "Stimulus": "workbench.worlds.interventions",
    "Story": "workbench.worlds.story",
    "Survey": "workbench.evaluation.surveys.survey",
    "Turn": "workbench.agents.turns",
    "Weights": "workbench.agents.memory.remembered",
    "WordProcessor": "workbench.agents.tools.word_processor",
    "WorkbenchError": "workbench.errors",
    "World": "workbench.worlds.world",
    "action": "workbench.agents.actions",
    "adherence_ranks": "workbench.evaluation.adherence",
    "ask": "workbench.evaluation.surveys.asking",
    "assumptions": "workbench.evaluation.statistics.assumptions",
    "check": "workbench.evaluation.scoring",
    "compare": "workbench.evaluation.statistics.comparing",
    "compare_to_human": "workbench.evaluation.human.comparing",
    "diff": "workbench.worlds.differences",
    "enrich": "workbench.extraction.rewriting",
    "export": "workbench.extraction.exporting.exporter",
    "extract": "workbench.extraction.extractor",
    "judge_quality": "workbench.evaluation.judge_quality.asking",
    "load_fragment": "workbench.agents.person",
    "measure": "workbench.evaluation.metrics.measuring",
    "merge_rows": "workbench.extraction.merging.merging_runs",
    "pack": "workbench.worlds.archives",
    "power": "workbench.evaluation.statistics.power",
    "read_table": "workbench.extraction.exporting.table_reading",
    "reduce": "workbench.extraction.reducing",
    "report": "workbench.extraction.reporting.reporter",
    "restyle": "workbench.extraction.rewriting",
    "run_all": "workbench.worlds.many",
    "sample_size": "workbench.evaluation.statistics.power",
    "score": "workbench.evaluation.scoring",
    "shares": "workbench.evaluation.surveys.shares",
    "sync": "workbench.llm.running",
    "unpack": "workbench.worlds.archives",
    "validate": "workbench.evaluation.validation",
}

_MODULES = {
    "plots": "workbench.plots",
    "propositions": "workbench.judging.propositions",
    "rules": "workbench.extraction.rules",
    "schedules": "workbench.worlds.schedules",
}

__all__ = [
    "LLM",
    "Acting",
    "Action",
    "Budget",
    "Calendar",
    "CallCache",
    "Checks",
    "Choice",
    "Cue",
    "Dimension",
    "Document",
    "Event",
    "Fragment",
    "FreeText",
    "Intervention",
    "Judge",
    "Likert",
    "Matrix",
    "MemorySettings",
    "Meter",
    "Mind",
    "MultiChoice",
    "Normaliser",
    "Number",
    "Person",
    "Persona",
    "Population",
    "Proposition",
    "Quotation",
    "Ranking",
    "RunFile",
    "SamplingPlan",
    "Scale",
    "Section",
    "Settings",
    "SocialNetwork",
    "Stimulus",
    "Story",
    "Survey",
    "Turn",
    "Weights",
    "WordProcessor",
    "WorkbenchError",
    "World",
    "action",
    "adherence_ranks",
    "ask",
    "assumptions",
    "check",
    "compare",
    "compare_to_human",
    "diff",
    "enrich",
    "export",
    "extract",
    "judge_quality",
    "load_fragment",
    "measure",
    "merge_rows",
    "pack",
    "plots",
    "power",
    "propositions",
    "read_table",
    "reduce",
    "report",
    "restyle",
    "rules",
    "run_all",
    "sample_size",
    "schedules",
    "score",
    "shares",
    "sync",
    "unpack",
    "validate",
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
