"""`report`: a Markdown report whose findings point to what they rest on, and that says how it was made."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.errors import InvalidSettings
from workbench.extraction.reporting.exhibits import Source, exhibit_of, run_meant
from workbench.extraction.reporting.findings import Finding, findings_of
from workbench.extraction.reporting.limits import Writer
from workbench.extraction.reporting.pages import Page, Report
from workbench.llm.client import LLM
from workbench.llm.meter import Budget
from workbench.worlds.recording import llm_of
from workbench.worlds.world import World


async def report(
    title: str,
    sources: Mapping[str, Source],
    *,
    question: str = "what is most worth knowing",
    findings: int = 7,
    method: Mapping[str, str] | None = None,
    llm: LLM | None = None,
    budget: Budget | None = None,
) -> Report:
    """Write a report: findings, the figures and tables that they speak of, their evidence, the method and its limits.

    Findings are a model's sentences. Each names the events and rows that it rests on, which are verified to have been
    shown to it; a number in it, in digits or in English words, has to stand there, also rounded or in percent, or to
    count them or the people in them. What fails is kept, apart and marked, and so are findings beyond the number that
    is asked for. Rows of tables that are `unsupported` are shown, and no finding rests on them. All else is computed:
    no number in a table or a chart went through a model.

    Evidence in tables leads to the events of the runs in the report where `attrs["runs"]` of a table says that it is
    of them, as `extract` and `score` have it; else event numbers stand there with what the events say.

    Args:
        title: of the report.
        sources: what it is made from, by heading, in order: worlds, run files or their paths, populations, DataFrames
            (scores, checks, answers, extracted and merged rows, effects and transcripts are known by their columns, and
            shown without bookkeeping; any other has all its columns, and its index where that says something), what
            `measure`, `compare_to_human` and `judge_quality` return, and Markdown of your own.
        question: that the findings answer.
        findings: how many at most; 0 for a report without, for which no model is asked.
        method: what else has to be said of how it was made, such as `{"Recruitment": "..."}`.
        llm: the model that reads and writes; that of the first run when not given.
        budget: what may be spent.

    Raises:
        InvalidSettings: nothing to report on, something that cannot be (such as the path of a file that is no run), or
            two sources of one heading.
        ModelError: no readable answer.
        BudgetSpent: the next request could break the budget; what was answered is in the call cache.
    """
    if not isinstance(sources, Mapping) or not sources:
        raise InvalidSettings("report: name one source or more, such as {'The run': world, 'Scores': scores}")
    if type(findings) is not int or findings < 0:
        raise InvalidSettings(f"findings={findings!r}: a whole number is needed, 0 or more")
    named = _named(sources)
    exhibits = [exhibit_of(name, source) for name, source in named.items()]
    citable = dict(enumerate((one for exhibit in exhibits for one in exhibit.citable), start=1))
    writer, found = None, list[Finding]()
    if findings and citable:
        model = (llm or _model_of(named)).metered(budget)
        found = await findings_of(citable, question, findings, model)
        writer = Writer(model)
    return Page(title, question, exhibits, citable, found, writer, method or {}).report()


def _named(sources: Mapping[str, Source]) -> dict[str, Source]:
    """Return the sources by their headings, as these are written."""
    names = [" ".join(str(name).split()) for name in sources]
    if "" in names:
        raise InvalidSettings("report: a source has an empty heading: name it")
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise InvalidSettings(f"report: several sources are named {twice[0]!r}: give each a heading of its own")
    return dict(zip(names, sources.values(), strict=True))


def _model_of(sources: Mapping[str, Source]) -> LLM:
    """Return the model of the first run."""
    from workbench.llm.client import default_llm
    from workbench.worlds.branches import opened

    for name, source in sources.items():
        run = run_meant(name, source)
        if isinstance(run, World):
            return run.llm
        if run is not None:
            with opened(run) as file:
                return llm_of(file.spec)
    return default_llm()
